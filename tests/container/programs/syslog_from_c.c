/* syslog(3), in the ways that programs in C use it. It always goes to /dev/log. */
#include <syslog.h>

int main(void) {
        syslog(LOG_INFO, "without openlog");
        openlog("c-app", 0, LOG_USER);
        syslog(LOG_ERR | LOG_LOCAL3, "with an identifier");
        openlog("c-app", LOG_PID, LOG_DAEMON);
        syslog(LOG_DEBUG, "with a pid");
        syslog(LOG_DEBUG, "two\nlines\n");
        closelog();
        openlog("two words", LOG_PID, LOG_USER);
        syslog(LOG_EMERG, "  blanks  ");
        return 0;
}
