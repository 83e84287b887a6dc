/* How long each message of a case took until journald had it: delays TAG
 *
 * The number of such a message is the time of its sending (`pace`). Prints, as JSON, a list of times (ns) to the moment
 * at which journald received the entry, by its own clock, which has microseconds.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

int main(int argc, char **argv) {
        static const char name[] = "MESSAGE=";
        sd_journal *journal;
        const char *data, *separator = "[";
        size_t length;
        need(argc == 2, argv[0]);
        check(sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY), "sd_journal_open");
        while (sd_journal_next(journal) > 0) {
                uint64_t received;
                if (sd_journal_get_data(journal, "MESSAGE", (const void **) &data, &length) < 0)
                        continue;
                data += sizeof name - 1;
                length -= sizeof name - 1;
                if (length < TAG_LENGTH + DIGITS || memcmp(data, argv[1], TAG_LENGTH) != 0)
                        continue;
                check(sd_journal_get_monotonic_usec(journal, &received, NULL), "sd_journal_get_monotonic_usec");
                printf("%s%" PRIu64, separator, (received * 1000 + SPAN - get_number(data)) % SPAN);
                separator = ", ";
        }
        sd_journal_close(journal);
        puts("]");
        return 0;
}
