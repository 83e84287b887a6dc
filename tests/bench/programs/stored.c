/* Count the entries of a case: stored TAG ENTRIES SIZE
 *
 * Prints, as JSON, how many messages with this tag are stored, how many different ones, and how many of them are not
 * of this size. Where some are missing it counts again, as long as that finds more: rsyslog takes two threads to pass
 * on what it has got, so its last message is not always the last to be stored.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

struct found {
        uint64_t stored, different, damaged;
};

static struct found count(const char *tag, uint64_t entries, uint64_t size) {
        struct found found = {0};
        char *seen = calloc(entries, 1);
        sd_journal *journal;
        const char *data;
        size_t length;
        if (!seen)
                die("calloc");
        check(sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY), "sd_journal_open");
        check(sd_journal_set_data_threshold(journal, 0), "sd_journal_set_data_threshold");
        while (sd_journal_next(journal) > 0) {
                if (sd_journal_get_data(journal, "MESSAGE", (const void **) &data, &length) < 0)
                        continue;
                data += sizeof "MESSAGE=" - 1;
                length -= sizeof "MESSAGE=" - 1;
                if (length > 0 && *data == ' ') { /* rsyslog's */
                        data++;
                        length--;
                }
                if (length < TAG_LENGTH + DIGITS || memcmp(data, tag, TAG_LENGTH) != 0)
                        continue;
                uint64_t message = get_number(data);
                found.stored++;
                found.damaged += length != size;
                if (message < entries && !seen[message]) {
                        seen[message] = 1;
                        found.different++;
                }
        }
        sd_journal_close(journal);
        free(seen);
        return found;
}

int main(int argc, char **argv) {
        need(argc == 4, argv[0]);
        uint64_t entries = number(argv[2]), size = number(argv[3]), before = 0;
        struct found found = count(argv[1], entries, size);
        while (found.different < entries && found.different > before) {
                before = found.different;
                sync_journal();
                found = count(argv[1], entries, size);
        }
        printf("{\"stored\": %" PRIu64 ", \"different\": %" PRIu64 ", \"damaged\": %" PRIu64 "}\n", found.stored,
               found.different, found.damaged);
        return 0;
}
