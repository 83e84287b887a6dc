/* A socket in journald's place that notes how long each entry took: record SOCKET ENTRIES
 *
 * Says `ready` when it can be sent to; after so many entries prints, as JSON, the times from sending to arrival (ns).
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LONGEST 30 /* s without an entry */

int main(int argc, char **argv) {
        static char datagram[1 << 17];
        need(argc == 3, argv[0]);
        uint64_t entries = number(argv[2]), *took = calloc(entries, sizeof *took);
        int receiver = bind_socket(argv[1]);
        struct timeval longest = {.tv_sec = LONGEST};
        if (!took || setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest) < 0)
                die(argv[1]);
        puts("ready");
        fflush(stdout);
        for (uint64_t arrived = 0; arrived < entries;) {
                ssize_t length = recv(receiver, datagram, sizeof datagram, 0);
                uint64_t now = monotonic();
                if (length < 0)
                        die("an entry is missing");
                const char *message = find_message(datagram, (size_t) length);
                if (message)
                        took[arrived++] = (now + SPAN - get_number(message)) % SPAN;
        }
        for (uint64_t entry = 0; entry < entries; entry++)
                printf("%s%" PRIu64, entry ? ", " : "[", took[entry]);
        puts("]");
        return 0;
}
