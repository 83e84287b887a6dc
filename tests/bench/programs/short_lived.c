/* Send from processes that end at once: short_lived SOCKET COUNT TOGETHER. Each sends `UNIT COMM NUMBER PID`, where UNIT
 * is $UNIT and COMM the name by which this program was started, both of them the truth. TOGETHER of them run at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    _exit(1);
}

static void send_one(const struct sockaddr_un *to, const char *unit, long number)
{
    char message[200];
    int length = snprintf(message, sizeof message, "%s %s %ld %d", unit, program_invocation_short_name, number, getpid());
    int sender = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (sender < 0)
        die("socket");
    if (sendto(sender, message, length, 0, (const struct sockaddr *)to, sizeof *to) != length)
        die("sendto");
}

int main(int count, char **words)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *unit = getenv("UNIT");
    if (count != 4 || !unit || strlen(words[1]) >= sizeof to.sun_path)
        return 2;
    strcpy(to.sun_path, words[1]);
    long running = 0, together = atol(words[3]);
    for (long number = 0; number < atol(words[2]);) {
        pid_t child = running < together ? fork() : -1;
        if (child == 0) {
            send_one(&to, unit, number);
            _exit(0);
        }
        if (child > 0) {
            running++;
            number++;
            continue;
        }
        /* As many as may be, or as there are pids for: one has to end first. */
        if (!running) {
            usleep(1000); /* the other unit has all the pids, and nothing tells when it has one less */
            continue;
        }
        int status;
        if (wait(&status) < 0)
            die("wait");
        if (status)
            return 1;
        running--;
    }
    for (int status; wait(&status) > 0;)
        if (status)
            return 1;
    return 0;
}
