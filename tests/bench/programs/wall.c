/* Wall time of commands, from their start to their end: wall TIMES PROGRAM [WORDS] [-- PROGRAM [WORDS]]...
 *
 * They take turns, so that whatever else the machine does meets all of them. Prints, as JSON, a list of times (us) for
 * each command.
 */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define MOST 8

extern char **environ;

static uint64_t once(char **words) {
        pid_t child;
        int status;
        uint64_t start = monotonic();
        if ((errno = posix_spawnp(&child, words[0], NULL, NULL, words, environ)) != 0 || waitpid(child, &status, 0) < 0)
                die(words[0]);
        uint64_t took = monotonic() - start;
        if (status != 0) {
                fprintf(stderr, "%s ended with status %#x\n", words[0], (unsigned) status);
                exit(1);
        }
        return took / 1000;
}

int main(int argc, char **argv) {
        char **commands[MOST];
        int count = 0;
        need(argc >= 3, argv[0]);
        uint64_t times = number(argv[1]);
        for (int at = 2; at < argc; at++)
                if (at == 2 || strcmp(argv[at], "--") == 0) {
                        if (at > 2)
                                argv[at++] = NULL;
                        need(count < MOST && at < argc, argv[0]);
                        commands[count++] = argv + at;
                }
        uint64_t *took = calloc(times * (uint64_t) count, sizeof *took);
        if (!took)
                die("calloc");
        for (uint64_t turn = 0; turn < times; turn++)
                for (int command = 0; command < count; command++)
                        took[(uint64_t) command * times + turn] = once(commands[command]);
        for (int command = 0; command < count; command++)
                for (uint64_t turn = 0; turn < times; turn++)
                        printf("%s%" PRIu64, turn ? ", " : command ? "], [" : "[[", took[(uint64_t) command * times + turn]);
        puts("]]");
        return 0;
}
