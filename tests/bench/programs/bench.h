/* What the programs share: see bench.c, and entry.c for what is linked to libsystemd. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A message is TAG, a number of DIGITS digits that no other message of the case has, and padding up to its size. */
#define TAG_LENGTH 4
#define DIGITS 12
#define SPAN 1000000000000u /* the numbers that DIGITS have room for; in ns 17 minutes */

/* A way to log. Each of direct.c, syslog.c and datagram.c defines these. */
void way_open(char **arguments);
void way_send(const char *message, size_t length);

/* Print what went wrong, with errno's text, and end the process with 1. */
void die(const char *what) __attribute__((noreturn));

/* End the process unless this is so: for command lines. */
void need(int condition, const char *what);

/* End the process where a function of libsystemd has failed: it returns errno's number, negative. */
void check(int result, const char *what);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t monotonic(void);

/* A whole number from the command line; anything else ends the process. */
uint64_t number(const char *word);

/* A new message of `size` bytes, closed with a NUL, whose number is still to be set. */
char *new_message(const char *tag, size_t size);
void set_number(char *message, uint64_t number);
uint64_t get_number(const char *message);

/* A datagram socket that anybody may send to. */
int bind_socket(const char *path);

/* Where in a datagram of journald's native protocol our message begins, or NULL. */
const char *find_message(const char *datagram, size_t length);

/* Wait until all child processes have ended; one that failed ends this one too. */
void wait_for_children(void);

/* Return once journald has stored all that is in its queues. */
void sync_journal(void);

/* Send a message in this way and return once the journal has its entry. */
void pass_through(char **arguments, const char *message);
