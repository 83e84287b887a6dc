/* Log as fast as it goes into several namespaces at once: namespaces TAG ENTRIES SIZE SENDERS NAMESPACE...
 *
 * Each namespace gets so many entries from so many processes, through its own udsd. All start together when each has
 * its connection. Time stops when each namespace has stored all of its own and `journalctl --sync` has returned for
 * each. Prints, as JSON, both moments on the monotonic clock (ns).
 */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#define PACE 2000000 /* ns; see entry.c */
#define LONGEST 60   /* s */

static char *socket_of(const char *namespace) {
        static char path[128];
        int length = snprintf(path, sizeof path, "/run/udsd.%s/udsd.sock", namespace);
        need(length > 0 && (size_t) length < sizeof path, namespace);
        return path;
}

static void open_way(const char *namespace) {
        char *arguments[] = {socket_of(namespace), NULL};
        way_open(arguments);
}

static void one_sender(char *message, size_t size, uint64_t first, uint64_t next, int ready, int go, const char *namespace) {
        char byte = 0;
        open_way(namespace);
        if (write(ready, &byte, 1) != 1 || close(ready) < 0 || read(go, &byte, 1) != 0)
                die("barrier");
        for (uint64_t at = first; at < next; at++) {
                set_number(message, at);
                way_send(message, size);
        }
        _exit(0);
}

static void wait_until_stored(const char *namespace, const char *message) {
        struct timespec pause = {.tv_nsec = PACE};
        char match[64];
        sd_journal *journal;
        check(sd_journal_open_namespace(&journal, namespace, SD_JOURNAL_LOCAL_ONLY), namespace);
        check(sd_journal_get_fd(journal), "sd_journal_get_fd"); /* from now on new files are noticed */
        snprintf(match, sizeof match, "MESSAGE=%s", message);
        check(sd_journal_add_match(journal, match, 0), match);
        for (uint64_t begin = monotonic(); monotonic() - begin < LONGEST * 1000000000ull; nanosleep(&pause, NULL)) {
                check(sd_journal_process(journal), "sd_journal_process");
                check(sd_journal_seek_head(journal), "sd_journal_seek_head");
                int found = sd_journal_next(journal);
                check(found, "sd_journal_next");
                if (found > 0) {
                        sd_journal_close(journal);
                        return;
                }
        }
        errno = ETIMEDOUT;
        die(message);
}

static void start_sync(const char *namespace) {
        char option[64];
        snprintf(option, sizeof option, "--namespace=%s", namespace);
        pid_t child = fork();
        if (child < 0)
                die("fork");
        if (child == 0) {
                execlp("journalctl", "journalctl", option, "--sync", NULL);
                die("journalctl");
        }
}

int main(int argc, char **argv) {
        need(argc >= 6, argv[0]);
        uint64_t entries = number(argv[2]), size = number(argv[3]), senders = number(argv[4]);
        char *message = new_message(argv[1], size), **namespaces = argv + 5, byte = 0, last[TAG_LENGTH + sizeof "last"];
        int ready[2], go[2];
        uint64_t processes = 0;
        if (pipe(ready) < 0 || pipe(go) < 0)
                die("pipe");
        for (char **namespace = namespaces; *namespace; namespace++)
                for (uint64_t sender = 0; sender < senders; sender++, processes++) {
                        pid_t child = fork();
                        if (child < 0)
                                die("fork");
                        if (child == 0) {
                                close(go[1]);
                                one_sender(message, size, entries * sender / senders, entries * (sender + 1) / senders,
                                           ready[1], go[0], *namespace);
                        }
                }
        close(ready[1]);
        for (uint64_t process = 0; process < processes; process++)
                if (read(ready[0], &byte, 1) != 1)
                        die("a sender ended too early");

        uint64_t start = monotonic();
        close(go[1]);
        wait_for_children();
        snprintf(last, sizeof last, "%.*slast", TAG_LENGTH, argv[1]);
        for (char **namespace = namespaces; *namespace; namespace++) {
                open_way(*namespace);
                way_send(last, strlen(last));
        }
        for (char **namespace = namespaces; *namespace; namespace++)
                wait_until_stored(*namespace, last);
        for (char **namespace = namespaces; *namespace; namespace++)
                start_sync(*namespace);
        wait_for_children();
        printf("{\"start\": %" PRIu64 ", \"end\": %" PRIu64 "}\n", start, monotonic());
        return 0;
}
