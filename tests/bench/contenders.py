"""The ways from a program to the journal that are compared."""

from typing import NamedTuple


class Contender(NamedTuple):
    """A way to log.

    `sender` is the program that logs and `arguments` what its way needs; `relay` is the unit between it and journald,
    None where there is none. `exact`: it promises that nothing is lost, so a loss makes the measuring worthless.
    """

    name: str
    sender: str
    arguments: tuple[str, ...]
    relay: str | None
    exact: bool


DIRECT = Contender("sd_journal_send", "direct", (), None, exact=True)
SYSLOG = Contender("syslog(3)", "syslog", (), None, exact=False)
UDSD = Contender("udsd", "datagram", ("/run/udsd/udsd.sock",), "udsd.service", exact=True)
RSYSLOG = Contender(
    "rsyslog", "datagram", ("/run/bench/rsyslog.sock", "<14>bench: "), "bench-rsyslog.service", exact=True
)
PLAIN = Contender("plain loop", "datagram", ("/run/bench/plain.sock",), "bench-plain.service", exact=False)

CONTENDERS = (DIRECT, UDSD, SYSLOG, RSYSLOG, PLAIN)
