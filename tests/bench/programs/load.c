/* Log as fast as it goes: WAY TAG ENTRIES SIZE SENDERS ENDING [ARGUMENTS OF THE WAY]
 *
 * The entries are divided among SENDERS processes, which start together when each has its connection. With the ENDING
 * `journal`, time stops when all that went before a last message has been stored and `journalctl --sync` has returned;
 * with `none` when the senders have ended. Prints, as JSON, both moments on the monotonic clock (ns) and the CPU time
 * of the senders (us).
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void one_sender(char *message, size_t size, uint64_t first, uint64_t count, int ready, int go, char **arguments) {
        char byte = 0;
        way_open(arguments);
        if (write(ready, &byte, 1) != 1 || close(ready) < 0 || read(go, &byte, 1) != 0)
                die("barrier");
        for (uint64_t sent = 0; sent < count; sent++) {
                set_number(message, first + sent);
                way_send(message, size);
        }
        _exit(0);
}

static uint64_t microseconds(struct timeval time) {
        return (uint64_t) time.tv_sec * 1000000u + (uint64_t) time.tv_usec;
}

int main(int argc, char **argv) {
        need(argc >= 6, argv[0]);
        uint64_t entries = number(argv[2]), size = number(argv[3]), senders = number(argv[4]);
        char *message = new_message(argv[1], size), **arguments = argv + 6;
        int ready[2], go[2];
        if (pipe(ready) < 0 || pipe(go) < 0)
                die("pipe");
        for (uint64_t sender = 0; sender < senders; sender++) {
                uint64_t first = entries * sender / senders, next = entries * (sender + 1) / senders;
                pid_t child = fork();
                if (child < 0)
                        die("fork");
                if (child == 0) {
                        close(go[1]);
                        one_sender(message, size, first, next - first, ready[1], go[0], arguments);
                }
        }
        close(ready[1]);
        char byte;
        for (uint64_t sender = 0; sender < senders; sender++)
                if (read(ready[0], &byte, 1) != 1)
                        die("a sender ended too early");

        uint64_t start = monotonic();
        close(go[1]);
        wait_for_children();
        struct rusage used;
        getrusage(RUSAGE_CHILDREN, &used);
        if (strcmp(argv[5], "journal") == 0) {
                char last[TAG_LENGTH + sizeof "last"];
                snprintf(last, sizeof last, "%.*slast", TAG_LENGTH, argv[1]);
                pass_through(arguments, last);
                sync_journal();
        }
        printf("{\"start\": %" PRIu64 ", \"end\": %" PRIu64 ", \"cpu\": %" PRIu64 "}\n", start, monotonic(),
               microseconds(used.ru_utime) + microseconds(used.ru_stime));
        return 0;
}
