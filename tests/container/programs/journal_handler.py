"""Logs with systemd-python's own handler, to whatever is journald's socket here."""

import logging

from systemd import journal

logger = logging.getLogger("app.part")
logger.setLevel(logging.INFO)
logger.addHandler(journal.JournalHandler(SYSLOG_IDENTIFIER="app"))
logger.info("record %d", 0, extra={"VOLUME": "/srv"})
logger.error("record %d", 1, extra={"VOLUME": "/srv"})
