"""A handler for `logging` that sends to udsd: each record an entry of the journal, with its fields.

    logging.getLogger().addHandler(Handler())

It is made to be safe anywhere in an application:

1. It never raises. A record that cannot be formatted goes to `handleError`, as logging has it; one that cannot be sent
   is dropped without a word. Both are counted, and so is what rule 2 passes over: `dropped` tells how many.
2. It never recurses. What is logged by the same thread while it is in here (by a `__str__`, a filter, a formatter, a
   signal handler) is dropped.
3. It never makes a thread wait for longer than `timeout`. So it does without the lock that logging holds around
   `emit`: behind that, waits would add up. Formatters and filters are called by many threads at once.
4. A record that was not sent in time is not followed by others that wait in vain as well: until one gets through, no
   other waits at all.
5. Drops are counted with `itertools.count`, which is atomic. A lock, taken by a signal handler in the middle of
   counting, would be a deadlock, or with an RLock a lost count.
"""

import itertools
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import Any

from udsd import field_names, priorities
from udsd.client import TAKEN, Client
from udsd.errors import NobodyListensError, QueueFullError, UdsdError

_PRIORITIES = (
    (logging.CRITICAL, priorities.CRIT),
    (logging.ERROR, priorities.ERR),
    (logging.WARNING, priorities.WARNING),
    (logging.INFO, priorities.INFO),
)

# The attributes that any record has. All others are the application's, from `extra` or a factory of its own.
_PLAIN = {*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName"}

_TRACEBACKS = logging.Formatter()


class Handler(logging.Handler):
    """Sends each record to udsd, on the socket that `client.Client` takes for `path`.

    `timeout` is how long one record may hold up the thread that logs it, in seconds: 0 never waits, None waits as long
    as it takes. A restart of udsd takes less than a second, on a busy machine more.

    An entry has the message, formatted if a formatter is set; PRIORITY from the level (critical 2, error 3, warning 4,
    info 6, below that debug 7; a level in between is the one below it); SYSLOG_IDENTIFIER, which is `identifier` or
    the program's name; LOGGER, CODE_FILE, CODE_LINE, CODE_FUNC, THREAD_NAME, PROCESS_NAME and TASK_NAME;
    EXCEPTION_TEXT and STACK_TEXT where the record has these. What was given as `extra` has fields of its own, named
    by the rules of `udsd.names`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        timeout: float | None = 1.0,
        identifier: str | None = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        super().__init__(level)
        self._timeout = timeout
        self._client = Client(path, timeout)
        self._identifier = identifier or _program()
        self._here = threading.local()
        self._drops = itertools.count()
        self._looks = 0

    @property
    def dropped(self) -> int:
        """How many records were not sent, counted on in the child of a fork."""
        self.acquire()
        try:
            count = next(self._drops) - self._looks  # to look is to count one
            self._looks += 1
        finally:
            self.release()
        return count

    def handle(self, record: logging.LogRecord) -> bool:
        """Send a record if the filters let it pass; whether they did."""
        if getattr(self._here, "busy", False):
            next(self._drops)
            return False
        self._here.busy = True
        try:
            passed = self.filter(record)
            if passed:
                self.emit(passed if isinstance(passed, logging.LogRecord) else record)  # a filter may replace it
        except Exception as error:  # noqa: BLE001  # see rule 1
            next(self._drops)
            self._complain(record, error)
            return False
        else:
            return passed
        finally:
            self._here.busy = False

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record. Called by `handle`, which has the rules; raises what formatting raises."""
        message = self.format(record) if self.formatter else record.getMessage()
        fields = _fields(record)
        try:
            self._client.send(message, priority=_priority(record.levelno), identifier=self._identifier, **fields)
        except (QueueFullError, NobodyListensError):
            next(self._drops)
            self._client.timeout = 0  # see rule 4
        except UdsdError:
            next(self._drops)
        else:
            self._client.timeout = self._timeout

    def close(self) -> None:
        """Let go of the connection. A record that comes later connects again."""
        self._client.close()
        super().close()

    def _complain(self, record: logging.LogRecord, error: Exception) -> None:
        if isinstance(error, RecursionError):
            return  # of the application: the stack has no room to print it
        with suppress(Exception):  # standard error may be closed
            self.handleError(record)


def _priority(level: int) -> int:
    return next((priority for least, priority in _PRIORITIES if level >= least), priorities.DEBUG)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    exception = record.exc_text
    if not exception and record.exc_info and record.exc_info[0]:
        exception = _TRACEBACKS.formatException(record.exc_info)
    known = {
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": record.lineno,
        "CODE_FUNC": record.funcName,
        "THREAD_NAME": record.threadName,
        "PROCESS_NAME": record.processName,
        "TASK_NAME": getattr(record, "taskName", None),  # since Python 3.12
        "EXCEPTION_TEXT": exception,
        "STACK_TEXT": record.stack_info,
    }
    fields: dict[str, Any] = {name: value for name, value in known.items() if value}
    names = field_names.Names(*TAKEN, *known)
    # Copied at once, since another thread may have the record too.
    for name, value in list(vars(record).items()):
        if name not in _PLAIN:
            fields[names.field(str(name))] = value if isinstance(value, bytes) else _text(value)
    return fields


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # one bad value is no reason to lose the record
        return f"<{type(value).__name__} without text: {type(error).__name__}>"


def _program() -> str:
    """The name that this program was started by; empty where it has none, and udsd takes the name of the process."""
    folder, name = os.path.split(sys.argv[0]) if getattr(sys, "argv", None) else ("", "")
    if name == "__main__.py":  # python -m
        name = os.path.basename(os.path.abspath(folder))
    return "" if name in ("-", "-c", "-m") else name
