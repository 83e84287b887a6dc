/* sd_journal_send(3), as a program in C calls it: native small | reserved | large. It always goes to journald's socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

static int send_small(void) {
        return sd_journal_send("MESSAGE=small", "PRIORITY=%i", LOG_ERR, "ANSWER=%d", 42, "LINES=one\ntwo", NULL);
}

static int send_reserved(void) {
        return sd_journal_send("MESSAGE=reserved", "OBJECT_PID=1", "UNIT=x.service", "SYSLOG_IDENTIFIER=tag", NULL);
}

/* The message is what can be read from standard input. */
static int send_large(void) {
        const size_t room = 8 << 20;
        char *field = malloc(room);
        if (!field)
                return -1;
        size_t length = strlen(strcpy(field, "MESSAGE="));
        length += fread(field + length, 1, room - length, stdin);
        struct iovec fields[] = { { field, length }, { "SIZE=large", strlen("SIZE=large") } };
        int sent = sd_journal_sendv(fields, 2);
        free(field);
        return sent;
}

int main(int words, char **word) {
        if (words != 2)
                return EXIT_FAILURE;
        int sent = strcmp(word[1], "small") == 0 ? send_small()
                 : strcmp(word[1], "reserved") == 0 ? send_reserved()
                 : send_large();
        return sent < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
