/* Log at a steady rate: WAY TAG ENTRIES SIZE RATE [ARGUMENTS OF THE WAY], with RATE in entries a second
 *
 * The number of each message is the moment it was sent, in ns of the monotonic clock, as many of its last digits as
 * there is room for.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <sys/prctl.h>
#include <time.h>

int main(int argc, char **argv) {
        need(argc >= 5, argv[0]);
        uint64_t entries = number(argv[2]), size = number(argv[3]), rate = number(argv[4]);
        char *message = new_message(argv[1], size);
        prctl(PR_SET_TIMERSLACK, 1); /* ns; the default would bunch up what is sent 10,000 times a second */
        way_open(argv + 5);
        uint64_t start = monotonic();
        for (uint64_t sent = 0; sent < entries; sent++) {
                uint64_t due = start + sent * 1000000000u / rate;
                struct timespec until = {(time_t) (due / 1000000000u), (long) (due % 1000000000u)};
                if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
                        die("clock_nanosleep");
                set_number(message, monotonic() % SPAN);
                way_send(message, size);
        }
        return 0;
}
