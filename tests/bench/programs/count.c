/* A socket in journald's place that only counts: count SOCKET ENTRIES
 *
 * Says `ready` when it can be sent to; after so many entries prints when the last one had come (ns of the monotonic
 * clock). It empties its queue every so often instead of sleeping in a receive: waking it up for each entry would be
 * work for the sender, and the sender's speed is what is measured. A busy journald is not woken up either. The pause
 * is short enough for what one sender may have queued (some 160 entries of 500 bytes) not to be used up before it ends.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define PACE 250000 /* ns */
#define LONGEST 30   /* s without an entry */
#define BATCH 64
#define ROOM 4096

int main(int argc, char **argv) {
        static char data[BATCH][ROOM];
        struct iovec buffers[BATCH];
        struct mmsghdr datagrams[BATCH] = {0};
        struct timespec pause = {.tv_nsec = PACE};
        need(argc == 3, argv[0]);
        uint64_t entries = number(argv[2]), arrived = 0, last = monotonic();
        int receiver = bind_socket(argv[1]);
        for (int at = 0; at < BATCH; at++) {
                buffers[at] = (struct iovec) {data[at], ROOM};
                datagrams[at].msg_hdr = (struct msghdr) {.msg_iov = &buffers[at], .msg_iovlen = 1};
        }
        puts("ready");
        fflush(stdout);
        while (arrived < entries) {
                int received = recvmmsg(receiver, datagrams, BATCH, MSG_DONTWAIT, NULL);
                if (received > 0) {
                        last = monotonic();
                        for (int at = 0; at < received; at++)
                                arrived += find_message(data[at], datagrams[at].msg_len) != NULL;
                } else if (errno != EAGAIN || monotonic() - last > LONGEST * 1000000000ull)
                        die("an entry is missing");
                else
                        nanosleep(&pause, NULL);
        }
        printf("%" PRIu64 "\n", last);
        return 0;
}
