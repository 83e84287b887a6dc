"""A handler for `logging` that sends to udsd: each record becomes an entry of the journal, with its fields.

    logging.getLogger().addHandler(Handler())

It is safe anywhere in an application:

1. It never raises. A record that cannot be formatted, or that can never be sent (no permission, a path that cannot name
   a socket), goes to `handleError`, as is usual in logging. One that found no room or no socket in time is dropped
   silently: later ones may get through. All are counted in `dropped`, and so are the records of rule 2.
2. It never recurses. What the same thread logs while it is in here (from a `__str__`, a filter, a formatter, a signal
   handler) is dropped. A greenlet counts as a thread, even if gevent patches `threading` after a handler was made.
3. It never makes a thread wait for longer than `timeout`. So it does not take the lock that logging holds around
   `emit`: waits for it would add up. Many threads may call formatters and filters at the same time. After a record was
   not sent in time, later ones do not wait until one has been sent (`client`, rule 7).
4. Drops are counted with `itertools.count`, which is atomic. A signal handler may interrupt the counting: a lock would
   then be a deadlock, and an RLock would lose a count.
"""

import itertools
import logging
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from udsd import field_names, priorities
from udsd.client import TAKEN, Client
from udsd.errors import NobodyListensError, QueueFullError

_PRIORITIES = (
    (logging.CRITICAL, priorities.CRIT),
    (logging.ERROR, priorities.ERR),
    (logging.WARNING, priorities.WARNING),
    (logging.INFO, priorities.INFO),
)

# The attributes of every record. All others are the application's, from `extra` or from a record factory.
_PLAIN = {*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName"}

# The fields that come from these attributes.
_KNOWN = (
    "LOGGER", "CODE_FILE", "CODE_LINE", "CODE_FUNC", "THREAD_NAME", "PROCESS_NAME", "TASK_NAME", "EXCEPTION_TEXT",
    "STACK_TEXT",
)  # fmt: skip


class _Text(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's name
        return super().formatException(ei) if ei[0] else ""  # log.exception() outside of an except clause


_TEXT = _Text()


class Handler(logging.Handler):
    """Sends each record to udsd, on the socket that `client.Client` chooses for `path`.

    `timeout` is how long one record may hold up the thread that logs it, in seconds: 0 never waits, None waits without
    limit. A restart of udsd takes less than a second, longer on a busy machine.

    An entry has these fields:
    - MESSAGE: the formatter's text; without a formatter, the message, the traceback and the stack. A text that is too
      long for a datagram is sent in parts (`udsd.parts`).
    - PRIORITY from `map_priority`, and SYSLOG_FACILITY from `facility`, as in `Client.send`.
    - SYSLOG_IDENTIFIER: `identifier`, or else the program's name.
    - LOGGER, CODE_FILE, CODE_LINE, CODE_FUNC, THREAD_NAME, PROCESS_NAME and TASK_NAME.
    - EXCEPTION_TEXT and STACK_TEXT, if the record has them.
    - One for each attribute given as `extra`, such as MESSAGE_ID, named by the rules of `udsd.field_names`.
    - Those of `fields`, by the same rules, unless the record has that field itself.
    """

    def __init__(  # noqa: PLR0913  # all but the first by name
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        timeout: float | None = 1.0,
        identifier: str | None = None,
        facility: int | str = priorities.USER,
        fields: Mapping[str, object] | None = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        super().__init__(level)
        self._client = Client(path, timeout)
        self._identifier = identifier or _program()
        self._facility = facility
        names = field_names.Names(*TAKEN, *_KNOWN)
        self._defaults = {names.field(name): value for name, value in (fields or {}).items()}
        self._here = threading.local()
        self._drops = itertools.count()
        self._looks = 0

    @property
    def dropped(self) -> int:
        """How many records were not sent. The child of a fork goes on from its parent's number."""
        self.acquire()
        try:
            count = next(self._drops) - self._looks  # reading the counter advances it
            self._looks += 1
        finally:
            self.release()
        return count

    def handle(self, record: logging.LogRecord) -> bool:
        """Send a record if the filters let it pass. Returns whether they did and the record could be formatted."""
        inside: set[int] = vars(self._here).setdefault("inside", set())
        me = threading.get_ident()  # looked up now: gevent and eventlet replace it, and the class of self._here
        if me in inside:
            next(self._drops)
            return False
        try:
            inside.add(me)
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
            inside.discard(me)

    def format(self, record: logging.LogRecord) -> str:
        """The text for MESSAGE."""
        return (self.formatter or _TEXT).format(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record, or count it as dropped.

        Raises what formatting raises, and SendError if no record can ever be sent; `handle` catches both.
        """
        message = self.format(record)
        fields = {**self._defaults, **_fields(record)}
        priority = self.map_priority(record.levelno)
        try:
            self._client.send(
                message, priority=priority, facility=self._facility, identifier=self._identifier, **fields
            )
        except (QueueFullError, NobodyListensError):
            next(self._drops)

    @staticmethod
    def map_priority(level: int) -> int:
        """The PRIORITY for a level of logging: critical 2, error 3, warning 4, info 6, debug 7.

        A level in between counts as the next lower one. A subclass may override this.
        """
        return next((priority for least, priority in _PRIORITIES if level >= least), priorities.DEBUG)

    def close(self) -> None:
        """Close the connection. A later record connects again."""
        self._client.close()
        super().close()

    def _complain(self, record: logging.LogRecord, error: Exception) -> None:
        if isinstance(error, RecursionError):
            return  # the application's: the stack has no room to print it
        with suppress(Exception):  # standard error may be closed
            self.handleError(record)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    exception = record.exc_text
    if not exception and record.exc_info and record.exc_info[0]:
        exception = _TEXT.formatException(record.exc_info)
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
    names = field_names.Names(*TAKEN, *_KNOWN)
    # A copy, since another thread may change the record meanwhile.
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
    """The name under which this program was started. If it is empty, udsd uses the name of the process."""
    directory, name = os.path.split(sys.argv[0]) if getattr(sys, "argv", None) else ("", "")
    if name == "__main__.py":  # python -m
        name = os.path.basename(os.path.abspath(directory))
    return "" if name in ("-", "-c", "-m") else name
