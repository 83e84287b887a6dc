/* Numbered messages, clocks, errors, children. */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die(const char *what) {
        perror(what);
        exit(1);
}

void need(int condition, const char *what) {
        errno = EINVAL;
        if (!condition)
                die(what);
}

void check(int result, const char *what) {
        errno = -result;
        if (result < 0)
                die(what);
}

uint64_t monotonic(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

uint64_t number(const char *word) {
        char *end;
        errno = 0;
        uint64_t value = strtoull(word, &end, 10);
        need(errno == 0 && end != word && *end == '\0', word);
        return value;
}

/* The padding is drawn at random from 64 characters, or journald's compression would make large messages small. */
char *new_message(const char *tag, size_t size) {
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
        need(strlen(tag) == TAG_LENGTH && size >= TAG_LENGTH + DIGITS, tag);
        char *message = malloc(size + 1);
        if (!message)
                die("malloc");
        uint64_t state = 1;
        for (size_t at = 0; at < size; at++) {
                state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's generator */
                message[at] = alphabet[state >> 58];
        }
        message[size] = '\0';
        memcpy(message, tag, TAG_LENGTH);
        return message;
}

void set_number(char *message, uint64_t value) {
        for (int at = TAG_LENGTH + DIGITS; at-- > TAG_LENGTH; value /= 10)
                message[at] = (char) ('0' + value % 10);
}

uint64_t get_number(const char *message) {
        uint64_t value = 0;
        for (int at = TAG_LENGTH; at < TAG_LENGTH + DIGITS; at++)
                value = value * 10 + (uint64_t) (message[at] - '0');
        return value;
}

int bind_socket(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (receiver < 0 || strlen(path) >= sizeof address.sun_path)
                die(path);
        strcpy(address.sun_path, path);
        unlink(path);
        umask(0);
        if (bind(receiver, (struct sockaddr *) &address, sizeof address) < 0)
                die(path);
        return receiver;
}

/* Tags begin with @, and udsd's reports about itself do not. */
const char *find_message(const char *datagram, size_t length) {
        static const char name[] = "MESSAGE=@";
        const char *found = memmem(datagram, length, name, sizeof name - 1);
        if (!found || length - (size_t) (found - datagram) < sizeof name - 2 + TAG_LENGTH + DIGITS)
                return NULL;
        return found + sizeof name - 2;
}

void wait_for_children(void) {
        int status;
        pid_t ended;
        while ((ended = wait(&status)) > 0)
                if (status != 0) {
                        fprintf(stderr, "process %d ended with status %#x\n", ended, (unsigned) status);
                        exit(1);
                }
}

void sync_journal(void) {
        pid_t child = fork();
        if (child < 0)
                die("fork");
        if (child == 0) {
                execlp("journalctl", "journalctl", "--sync", NULL);
                die("journalctl");
        }
        wait_for_children();
}
