/* To know that all entries of a case have come as far as the journal. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define PACE 2000000 /* ns */
#define LONGEST 60   /* s */

/* The one place that looks again and again instead of waiting to be told: journald tells readers of a new entry only
 * 250 ms later, which would be a tenth of a case. What it has stored can be seen at once. */
void pass_through(char **arguments, const char *message) {
        struct timespec pause = {.tv_nsec = PACE};
        char match[256];
        sd_journal *journal;
        check(sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY), "sd_journal_open");
        check(sd_journal_get_fd(journal), "sd_journal_get_fd"); /* from now on new files are noticed */
        snprintf(match, sizeof match, "MESSAGE=%s", message);
        check(sd_journal_add_match(journal, match, 0), match);
        snprintf(match, sizeof match, "MESSAGE= %s", message); /* rsyslog keeps the space behind the tag */
        check(sd_journal_add_match(journal, match, 0), match);

        way_open(arguments);
        way_send(message, strlen(message));
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
