"""Python's own handler for syslog, in the ways that programs use it: sys_log_handler.py SOCKET."""

import logging
import sys
from logging.handlers import SysLogHandler

log = logging.getLogger("app.db")


def handler(facility: int = SysLogHandler.LOG_USER) -> SysLogHandler:
    made = SysLogHandler(sys.argv[1], facility)
    log.handlers = [made]
    return made


log.setLevel(logging.DEBUG)
handler()
log.debug("plain debug")
log.critical("plain critical")
handler().ident = "app: "
log.info("with an identifier")
handler().append_nul = False
log.warning("without the NUL")
handler(SysLogHandler.LOG_LOCAL3).setFormatter(logging.Formatter("%(name)s[4711]: %(message)s"))
log.error("two\nlines\n")
