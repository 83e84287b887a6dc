/* A datagram to a UNIX socket: arguments SOCKET [HEADER], where HEADER goes before each message. */
#include "bench.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int sender;
static const char *header;

void way_open(char **arguments) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        need(arguments[0] && strlen(arguments[0]) < sizeof address.sun_path, "SOCKET");
        strcpy(address.sun_path, arguments[0]);
        header = arguments[1];
        sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (sender < 0 || connect(sender, (struct sockaddr *) &address, sizeof address) < 0)
                die(arguments[0]);
}

void way_send(const char *message, size_t length) {
        if (header) {
                struct iovec parts[] = {{(char *) header, strlen(header)}, {(char *) message, length}};
                struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = 2};
                if (sendmsg(sender, &datagram, 0) < 0)
                        die("sendmsg");
        } else if (send(sender, message, length, 0) < 0)
                die("send");
}
