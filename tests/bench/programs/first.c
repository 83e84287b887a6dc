/* How long one datagram takes to become an entry: first SOCKET
 *
 * Prints the time from before the sending to journald's time stamp on the entry (us). The stamp is used since journald
 * tells readers of an entry only 250 ms later.
 */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

#define LONGEST 30000000u /* us */

int main(int argc, char **argv) {
        char match[64];
        sd_journal *journal;
        sd_id128_t boot;
        uint64_t stored;
        need(argc == 2, argv[0]);
        uint64_t sent = monotonic();
        snprintf(match, sizeof match, "MESSAGE=first %" PRIu64, sent);
        check(sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY), "sd_journal_open");
        check(sd_journal_get_fd(journal), "sd_journal_get_fd");
        check(sd_journal_add_match(journal, match, 0), match);
        sent = monotonic();
        way_open(argv + 1);
        way_send(match + sizeof "MESSAGE=" - 1, strlen(match) - sizeof "MESSAGE=" + 1);
        for (;;) {
                check(sd_journal_seek_head(journal), "sd_journal_seek_head");
                int found = sd_journal_next(journal);
                check(found, "sd_journal_next");
                if (found > 0)
                        break;
                int changed = sd_journal_wait(journal, LONGEST);
                check(changed, "sd_journal_wait");
                if (changed == SD_JOURNAL_NOP) {
                        errno = ETIMEDOUT;
                        die(match);
                }
        }
        check(sd_journal_get_monotonic_usec(journal, &stored, &boot), "sd_journal_get_monotonic_usec");
        printf("%" PRIu64 "\n", stored - sent / 1000);
        return 0;
}
