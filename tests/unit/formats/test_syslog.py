"""Datagrams of syslog and their fields: as journald reads them, as the RFCs have them, as the clients write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.costs import cost
from tests.unit.drawn import field_names
from udsd import rfc5424
from udsd.field_names import settable
from udsd.formats import syslog, text
from udsd.formats.text import MOST_FIELDS, trimmed
from udsd.journal.entry import Field, Fields

HOST = b"vm"
BOM = b"\xef\xbb\xbf"
NO = None
NAMES = ("PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "MESSAGE")

Row = tuple[bytes, bytes | None, bytes | None, bytes | None, bytes | None, bytes | None, bytes | None]

# What journald (systemd 252 and 257) was seen to store of these bytes at /dev/log: a datagram, and its NAMES.
AS_JOURNALD: list[Row] = [
    (b"<13>Nov 25 02:00:00 tag: text", b"5", b"1", b"tag", NO, b"Nov 25 02:00:00 ", b"text"),
    (b"<13>Nov 25 02:00:00 tag[12]: text", b"5", b"1", b"tag", b"12", b"Nov 25 02:00:00 ", b"text"),
    (b"<6>kern like", b"6", NO, NO, NO, NO, b"kern like"),
    (b"<0>x", b"0", NO, NO, NO, NO, b"x"),
    (b"<13>text without time", b"5", b"1", NO, NO, NO, b"text without time"),
    (b"<13>tag: text", b"5", b"1", b"tag", NO, NO, b"text"),
    (b"<13>tag[1]:text", b"5", b"1", NO, NO, NO, b"tag[1]:text"),
    (b"<13>Nov  5 02:00:00 tag: a", b"5", b"1", b"tag", NO, b"Nov  5 02:00:00 ", b"a"),
    (b"<13>Nov 05 02:00:00 tag: a", b"5", b"1", b"tag", NO, b"Nov 05 02:00:00 ", b"a"),
    (b"<13>nov 25 02:00:00 tag: a", b"5", b"1", b"tag", NO, b"nov 25 02:00:00 ", b"a"),
    (b"<13>Xyz 25 02:00:00 tag: a", b"5", b"1", b"tag", NO, b"Xyz 25 02:00:00 ", b"a"),
    (b"<13>Nov 35 02:00:00 tag: a", b"5", b"1", b"tag", NO, b"Nov 35 02:00:00 ", b"a"),
    (b"<13>Nov 25 2:00:00 tag: a", b"5", b"1", NO, NO, NO, b"Nov 25 2:00:00 tag: a"),
    (b"<13>Nov 25 02:00:00.123 tag: a", b"5", b"1", NO, NO, NO, b"Nov 25 02:00:00.123 tag: a"),
    (b"<13>Nov 25 02:00:00  tag: a", b"5", b"1", b"tag", NO, b"Nov 25 02:00:00 ", b"a"),
    (b"<13>Nov 25 02:00:00", b"5", b"1", NO, NO, NO, b"Nov 25 02:00:00"),
    (b"<13>Nov 25 02:00:00 ", b"5", b"1", NO, NO, NO, b"Nov 25 02:00:00"),
    (b"<13>Nov 25 02:00:00tag: x", b"5", b"1", NO, NO, NO, b"Nov 25 02:00:00tag: x"),
    (b"<13>Nov 25 02:00:00 2026 tag: x", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"2026 tag: x"),
    (b"<13> Nov 25 02:00:00 tag: x", b"5", b"1", NO, NO, NO, b" Nov 25 02:00:00 tag: x"),
    (b"<13>Nov 25 99:99:99 tag: x", b"5", b"1", b"tag", NO, b"Nov 25 99:99:99 ", b"x"),
    (b"<13>Nov 25 02:00:00 <14>tag: x", b"5", b"1", b"<14>tag", NO, b"Nov 25 02:00:00 ", b"x"),
    (b"<13>tag: x\n", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag: x\n\x00", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag: x\x00", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag: x\x00\x00\n\n", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag: x\x00\n", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag: x \t ", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag: x\r\n", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag:   x", b"5", b"1", b"tag", NO, NO, b"  x"),
    (b"<13>   tag: x", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>\ttag: x", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>\n", b"5", b"1", NO, NO, NO, b""),
    (b"<13>  \n", b"5", b"1", NO, NO, NO, b""),
    (b"<13>\x00", b"5", b"1", NO, NO, NO, b""),
    (b"<13>\ntag: x", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag : x", b"5", b"1", NO, NO, NO, b"tag : x"),
    (b"<13> : x", b"5", b"1", b"", NO, NO, b"x"),
    (b"<13>: x", b"5", b"1", b"", NO, NO, b"x"),
    (b"<13>:x", b"5", b"1", NO, NO, NO, b":x"),
    (b"<13>[1]: x", b"5", b"1", b"", b"1", NO, b"x"),
    (b"<13>tag[: x", b"5", b"1", b"tag[", NO, NO, b"x"),
    (b"<13>tag[]: x", b"5", b"1", b"tag", b"", NO, b"x"),
    (b"<13>tag]: x", b"5", b"1", b"tag]", NO, NO, b"x"),
    (b"<13>tag[1: x", b"5", b"1", b"tag[1", NO, NO, b"x"),
    (b"<13>tag[1]x: x", b"5", b"1", b"tag[1]x", NO, NO, b"x"),
    (b"<13>tag[a]: x", b"5", b"1", b"tag", b"a", NO, b"x"),
    (b"<13>tag[1][2]: x", b"5", b"1", b"tag[1]", b"2", NO, b"x"),
    (b"<13>tag[1 2]: x", b"5", b"1", NO, NO, NO, b"tag[1 2]: x"),
    (b"<13>a:b: x", b"5", b"1", b"a:b", NO, NO, b"x"),
    (b"<13>a::x", b"5", b"1", NO, NO, NO, b"a::x"),
    (b"<13>tag:", b"5", b"1", b"tag", NO, NO, b""),
    (b"<13>tag: ", b"5", b"1", b"tag", NO, NO, b""),
    (b"<13>tag[1]:", b"5", b"1", b"tag", b"1", NO, b""),
    (b"<13>tag[1]: ", b"5", b"1", b"tag", b"1", NO, b""),
    (b"<13>tag:x", b"5", b"1", NO, NO, NO, b"tag:x"),
    (b"<13>tag:\tx", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag: \tx", b"5", b"1", b"tag", NO, NO, b"\tx"),
    (b"<13>tag:\nx", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag[12]:\n x", b"5", b"1", b"tag", b"12", NO, b" x"),
    (b"<13>http://x y", b"5", b"1", NO, NO, NO, b"http://x y"),
    (b"<13>[x]y: z", b"5", b"1", b"[x]y", NO, NO, b"z"),
    (b"<13>t[[1]: z", b"5", b"1", b"t[", b"1", NO, b"z"),
    (b"<13>t[1]]: z", b"5", b"1", b"t", b"1]", NO, b"z"),
    (b"<13>t[-1]: z", b"5", b"1", b"t", b"-1", NO, b"z"),
    (b"<13>t[0]: z", b"5", b"1", b"t", b"0", NO, b"z"),
    (b"<13>t[4294967296]: z", b"5", b"1", b"t", b"4294967296", NO, b"z"),
    (b"<13>t[007]: z", b"5", b"1", b"t", b"007", NO, b"z"),
    (b"<13>Nov 25 02:00:00 host tag: text", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"host tag: text"),
    (b"<13>Nov 25 02:00:00 host tag[12]: text", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"host tag[12]: text"),
    (b"<13>Nov 25 02:00:00 host: text", b"5", b"1", b"host", NO, b"Nov 25 02:00:00 ", b"text"),
    (b"<191>x", b"7", b"23", NO, NO, NO, b"x"),
    (b"<13>", b"5", b"1", NO, NO, NO, b""),
    (b"<013>x", b"5", b"1", NO, NO, NO, b"x"),
    (b"<00>x", b"0", NO, NO, NO, NO, b"x"),
    (b"<7>x", b"7", NO, NO, NO, NO, b"x"),
    (b"<8>x", b"0", b"1", NO, NO, NO, b"x"),
    (b"<13><14>x", b"5", b"1", NO, NO, NO, b"<14>x"),
    (b"<13>" + b"t" * 63 + b": x", b"5", b"1", b"t" * 63, NO, NO, b"x"),
    (b"<13>" + b"t" * 64 + b": x", b"5", b"1", b"t" * 64, NO, NO, b"x"),
    (b"<13>" + b"t" * 300 + b": x", b"5", b"1", b"t" * 300, NO, NO, b"x"),
    (b"<13>" + b"t" * 300 + b"[12]: x", b"5", b"1", b"t" * 300, b"12", NO, b"x"),
    (b"<13>tag: a\nb", b"5", b"1", b"tag", NO, NO, b"a\nb"),
    (b"<13>tag: a\nb\n", b"5", b"1", b"tag", NO, NO, b"a\nb"),
    (b"<13>tag: a\x01\x1bb", b"5", b"1", b"tag", NO, NO, b"a\x01\x1bb"),
    (b"<13>tag: \xff\xfe", b"5", b"1", b"tag", NO, NO, b"\xff\xfe"),
    (b"<13>t\xffg: x", b"5", b"1", b"t\xffg", NO, NO, b"x"),
    (b"<13>t\xc3\xa9g: x", b"5", b"1", b"t\xc3\xa9g", NO, NO, b"x"),
    (b"<13>t\x01g: x", b"5", b"1", b"t\x01g", NO, NO, b"x"),
    (b"<13>tag: \xc3\xa9", b"5", b"1", b"tag", NO, NO, b"\xc3\xa9"),
    (b"<13>tag\xc2\xa0: x", b"5", b"1", b"tag\xc2\xa0", NO, NO, b"x"),
    (b"<13>tag: x\xc2\xa0", b"5", b"1", b"tag", NO, NO, b"x\xc2\xa0"),
    (b"<13>tag: x\x0b\x0c", b"5", b"1", b"tag", NO, NO, b"x\x0b\x0c"),
    (b"<13>t\x0bg: x", b"5", b"1", b"t\x0bg", NO, NO, b"x"),
    (b"<13>\x0btag: x", b"5", b"1", b"\x0btag", NO, NO, b"x"),
    (b"<13>1: x", b"5", b"1", b"1", NO, NO, b"x"),
    (b"<13>-- MARK --", b"5", b"1", NO, NO, NO, b"-- MARK --"),
    (b"<13>last message repeated 2 times", b"5", b"1", NO, NO, NO, b"last message repeated 2 times"),
    (b"<13>x<13>x<13>x", b"5", b"1", NO, NO, NO, b"x<13>x<13>x"),
    (b"<13>tag: " + b"y" * 3000, b"5", b"1", b"tag", NO, NO, b"y" * 3000),
    (b"<13>" + b"t" * 128 + b": x", b"5", b"1", b"t" * 128, NO, NO, b"x"),
    (b"<13>" + b"t" * 255 + b": x", b"5", b"1", b"t" * 255, NO, NO, b"x"),
    (b"<13>" + b"t" * 256 + b": x", b"5", b"1", b"t" * 256, NO, NO, b"x"),
    (b"<13>t[1]: x", b"5", b"1", b"t", b"1", NO, b"x"),
    (b"<13>t[2147483647]: x", b"5", b"1", b"t", b"2147483647", NO, b"x"),
    (b"<13>t[2147483648]: x", b"5", b"1", b"t", b"2147483648", NO, b"x"),
    (b"<13>t[4194304]: x", b"5", b"1", b"t", b"4194304", NO, b"x"),
    (b"<13>t[4194305]: x", b"5", b"1", b"t", b"4194305", NO, b"x"),
    (b"<13>t[+5]: x", b"5", b"1", b"t", b"+5", NO, b"x"),
    (b"<13>t[0x10]: x", b"5", b"1", b"t", b"0x10", NO, b"x"),
    (b"<13>t[1a]: x", b"5", b"1", b"t", b"1a", NO, b"x"),
    (b"<13>t[010]: x", b"5", b"1", b"t", b"010", NO, b"x"),
    (b"<13>t[8]: x", b"5", b"1", b"t", b"8", NO, b"x"),
    (b"<13>t[ 1]: x", b"5", b"1", NO, NO, NO, b"t[ 1]: x"),
    (b"<13>t[1 ]: x", b"5", b"1", NO, NO, NO, b"t[1 ]: x"),
    (b"<13>t/../x: y", b"5", b"1", b"t/../x", NO, NO, b"y"),
    (b"<13>t%n: y", b"5", b"1", b"t%n", NO, NO, b"y"),
    (b"<13>a=b: y", b"5", b"1", b"a=b", NO, NO, b"y"),
    (b"<0><3>x", b"0", NO, NO, NO, NO, b"<3>x"),
    (b"<13>tag:\rx", b"5", b"1", b"tag", NO, NO, b"x"),
    (b"<13>tag:  ", b"5", b"1", b"tag", NO, NO, b""),
    (b"<13>Nov 25 02:00:00 tag[1]:", b"5", b"1", b"tag", b"1", b"Nov 25 02:00:00 ", b""),
    (b"<13>Nov 25 02:00:00 tag:\n", b"5", b"1", b"tag", NO, b"Nov 25 02:00:00 ", b""),
    (b"<13>Nov 25 02:00:00 : x", b"5", b"1", b"", NO, b"Nov 25 02:00:00 ", b"x"),
    (b"<13>Nov 25 02:00:00 [1]: x", b"5", b"1", b"", b"1", b"Nov 25 02:00:00 ", b"x"),
    (b"<13>Nov 25 02:00:00\ttag: x", b"5", b"1", NO, NO, NO, b"Nov 25 02:00:00\ttag: x"),
    (b"<13>Nov\t25 02:00:00 tag: x", b"5", b"1", NO, NO, NO, b"Nov\t25 02:00:00 tag: x"),
    (b"<13>Nov 25 02:00:00 \ttag: x", b"5", b"1", b"tag", NO, b"Nov 25 02:00:00 ", b"x"),
    (b"<13>Nov  0 02:00:00 t: x", b"5", b"1", b"t", NO, b"Nov  0 02:00:00 ", b"x"),
    (b"<13>Nov 25  2:00:00 t: x", b"5", b"1", b"t", NO, b"Nov 25  2:00:00 ", b"x"),
    (b"<13>Nov 25 02.00.00 t: x", b"5", b"1", NO, NO, NO, b"Nov 25 02.00.00 t: x"),
]

# Where we differ from journald, each time on purpose.
NOT_AS_JOURNALD: list[Row] = [
    # What is behind a NUL is kept.
    (b"<13>\0x", b"5", b"1", NO, NO, NO, b"\0x"),
    (b"<13>a\0b", b"5", b"1", NO, NO, NO, b"a\0b"),
    (b"<13>tag: a\0b", b"5", b"1", b"tag", NO, NO, b"a\0b"),
    (b"<13>ta\0g: x", b"5", b"1", b"ta\0g", NO, NO, b"x"),
    (b"<13>tag: x\0\0y\n", b"5", b"1", b"tag", NO, NO, b"x\0\0y"),
    # The name of this host is not part of the message.
    (b"<13>Nov 25 02:00:00 vm tag: x", b"5", b"1", b"tag", NO, b"Nov 25 02:00:00 ", b"x"),
    (b"<13>Nov 25 02:00:00 vm tag[12]: x", b"5", b"1", b"tag", b"12", b"Nov 25 02:00:00 ", b"x"),
    (b"<13>Nov 25 02:00:00 vm  tag: x", b"5", b"1", b"tag", NO, b"Nov 25 02:00:00 ", b"x"),
    (b"<13>Nov 25 02:00:00 vm vm: x", b"5", b"1", b"vm", NO, b"Nov 25 02:00:00 ", b"x"),
    # But another's is, and so is ours where there is no time before it or no tag behind it.
    (b"<13>Nov 25 02:00:00 vm: x", b"5", b"1", b"vm", NO, b"Nov 25 02:00:00 ", b"x"),
    (b"<13>Nov 25 02:00:00 vm x", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"vm x"),
    (b"<13>Nov 25 02:00:00 vm", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"vm"),
    (b"<13>Nov 25 02:00:00 vmm tag: x", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"vmm tag: x"),
    (b"<13>Nov 25 02:00:00 vm2 tag: x", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"vm2 tag: x"),
    (b"<13>Nov 25 02:00:00 v tag: x", b"5", b"1", NO, NO, b"Nov 25 02:00:00 ", b"v tag: x"),
    (b"<13>vm tag: x", b"5", b"1", NO, NO, NO, b"vm tag: x"),
    # The time may be one of RFC 3339.
    (b"<13>2026-11-25T02:00:00Z tag: x", b"5", b"1", b"tag", NO, b"2026-11-25T02:00:00Z ", b"x"),
    (b"<13>2026-11-25T02:00:00Z x", b"5", b"1", NO, NO, b"2026-11-25T02:00:00Z ", b"x"),
    (b"<13>2026-11-25T02:00:00.5-07:00 t[1]: x", b"5", b"1", b"t", b"1", b"2026-11-25T02:00:00.5-07:00 ", b"x"),
    (b"<13>2026-11-25T02:00:00 tag: x", b"5", b"1", NO, NO, NO, b"2026-11-25T02:00:00 tag: x"),
    (b"<13>2026-11-25 02:00:00Z tag: x", b"5", b"1", NO, NO, NO, b"2026-11-25 02:00:00Z tag: x"),
]

# The examples of RFC 3164, 5.4: as a local program would send them, and behind a relay.
RFC_3164: list[Row] = [
    (
        b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        *(b"2", b"4", NO, NO, b"Oct 11 22:14:15 ", b"mymachine su: 'su root' failed for lonvick on /dev/pts/8"),
    ),
    (
        b"<34>Oct 11 22:14:15 su: 'su root' failed for lonvick on /dev/pts/8",
        *(b"2", b"4", b"su", NO, b"Oct 11 22:14:15 ", b"'su root' failed for lonvick on /dev/pts/8"),
    ),
    (
        b"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
        *(b"5", b"1", NO, NO, b"Feb  5 17:32:18 ", b"10.0.0.99 Use the BFG!"),
    ),
    (
        b"<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.",
        *(b"5", b"20", NO, NO, b"Aug 24 05:34:00 "),
        b"CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.",
    ),
    (
        b"<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
        *(b"0", NO, NO, NO, NO),
        b"1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
    ),
    (
        b"<0>Oct 22 10:52:12 scapegoat 1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's",
        *(b"0", NO, NO, NO, b"Oct 22 10:52:12 "),
        b"scapegoat 1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's",
    ),
]

AT = b"Nov 25 02:51:10 "

# What clients were seen to send to a socket of their choice, the same ones on Debian 12, 13 and sid.
CLIENTS: dict[str, Row] = {
    "logger": (b"<13>Nov 25 02:51:10 root: hello  world", b"5", b"1", b"root", NO, AT, b"hello  world"),
    "logger --rfc3164": (b"<13>Nov 25 02:51:10 vm root: hello", b"5", b"1", b"root", NO, AT, b"hello"),
    "logger -i": (b"<13>Nov 25 02:51:10 root[48]: hello", b"5", b"1", b"root", b"48", AT, b"hello"),
    "logger --id=77 -t": (b"<13>Nov 25 02:51:10 tag[77]: hello", b"5", b"1", b"tag", b"77", AT, b"hello"),
    "logger -p local3.err": (b"<155>Nov 25 02:51:10 tag: hello", b"3", b"19", b"tag", NO, AT, b"hello"),
    "logger -p kern.info": (b"<14>Nov 25 02:51:10 tag: hello", b"6", b"1", b"tag", NO, AT, b"hello"),
    "logger --rfc3164 -t -i": (b"<13>Nov 25 02:51:10 vm tag[62]: hello", b"5", b"1", b"tag", b"62", AT, b"hello"),
    "logger -t 'my tag'": (b"<13>Nov 25 02:51:10 my tag: x", b"5", b"1", NO, NO, AT, b"my tag: x"),
    "logger -t tag:": (b"<13>Nov 25 02:51:10 tag:: x", b"5", b"1", b"tag:", NO, AT, b"x"),
    "logger, two lines": (b"<13>Nov 25 02:51:10 tag: two\nlines", b"5", b"1", b"tag", NO, AT, b"two\nlines"),
    "logger, an empty line": (b"<11>Nov 25 02:51:10 tag: ", b"3", b"1", b"tag", NO, AT, b""),
    "syslog(3)": (b"<14>Nov 25 02:51:10 myprog: with ident", b"6", b"1", b"myprog", NO, AT, b"with ident"),
    "syslog(3), LOG_PID": (b"<14>Nov 25 02:51:10 myprog[108]: x", b"6", b"1", b"myprog", b"108", AT, b"x"),
    "syslog(3), newline": (b"<14>Nov 25 02:51:10 myprog[111]: x\n", b"6", b"1", b"myprog", b"111", AT, b"x"),
    "syslog(3), empty": (b"<14>Nov 25 02:51:10 myprog[113]: ", b"6", b"1", b"myprog", b"113", AT, b""),
    "syslog(3), empty identifier": (b"<14>Nov 25 02:51:10 : x", b"6", b"1", b"", NO, AT, b"x"),
    "syslog(3), blank in identifier": (
        b"<14>Nov 25 02:51:10 my prog[116]: x",
        b"6",
        b"1",
        NO,
        NO,
        AT,
        b"my prog[116]: x",
    ),
    "syslog(3), leading blanks": (b"<14>Nov 25 02:51:10 prog:   leading", b"6", b"1", b"prog", NO, AT, b"  leading"),
    "syslog(3), emerg": (b"<8>Nov 25 02:51:10 prog: kern.emerg", b"0", b"1", b"prog", NO, AT, b"kern.emerg"),
    "SysLogHandler": (b"<14>plain\0", b"6", b"1", NO, NO, NO, b"plain"),
    "SysLogHandler, critical": (b"<10>plain\0", b"2", b"1", NO, NO, NO, b"plain"),
    "SysLogHandler, ident": (b"<11>app: ident\0", b"3", b"1", b"app", NO, NO, b"ident"),
    "SysLogHandler, ident with pid": (b"<14>app[12]: ident pid\0", b"6", b"1", b"app", b"12", NO, b"ident pid"),
    "SysLogHandler, no NUL": (b"<14>no nul", b"6", b"1", NO, NO, NO, b"no nul"),
    "SysLogHandler, facility": (b"<158>facility\0", b"6", b"19", NO, NO, NO, b"facility"),
    "SysLogHandler, newline": (b"<14>trailing newline\n\0", b"6", b"1", NO, NO, NO, b"trailing newline"),
    "SysLogHandler, two lines": (b"<14>two\nlines\0", b"6", b"1", NO, NO, NO, b"two\nlines"),
    "Perl, native": (b"<132>Nov 25 02:51:10 perlapp[124]: x\n", b"4", b"16", b"perlapp", b"124", AT, b"x"),
    "Perl, unix": (b"<132>Nov 25 02:51:10 perlapp[124]: x\n\0", b"4", b"16", b"perlapp", b"124", AT, b"x"),
    "Perl, no openlog": (b"<14>Nov 25 02:51:10 -e: x\n", b"6", b"1", b"-e", NO, AT, b"x"),
    "busybox": (b"<13>Nov 25 02:51:10 root: hello busybox", b"5", b"1", b"root", NO, AT, b"hello busybox"),
    "busybox, standard input": (b"<13>Nov 25 02:51:10 tag: b \n", b"5", b"1", b"tag", NO, AT, b"b"),
    "busybox, leading blanks": (b"<13>Nov 25 02:51:10 tag:   lead ", b"5", b"1", b"tag", NO, AT, b"  lead"),
    "socat": (b"<14>tag: text\n", b"6", b"1", b"tag", NO, NO, b"text"),
    "rsyslog": (b"<13>Nov 25 02:51:10 vm tag[172]: x", b"5", b"1", b"tag", b"172", AT, b"x"),
    "rsyslog, no pid": (b"<155>Nov 25 02:51:10 vm tag: x", b"3", b"19", b"tag", NO, AT, b"x"),
    "rsyslog, what it has mangled": (b"<0>Nov 25 02:51:10 vm xt ", b"0", NO, NO, NO, AT, b"vm xt"),
    "rsyslog, ForwardFormat": (
        b"<13>2026-11-25T02:51:20.011490+00:00 vm tag[220]: x",
        *(b"5", b"1", b"tag", b"220", b"2026-11-25T02:51:20.011490+00:00 ", b"x"),
    ),
    "rsyslog, of RFC 5424": (
        b'<13>Nov 25 02:51:10 vm 1 2026-11-25T02:51:14.598499+00:00 vm tag - MID [zoo@123 tiger="hungry"] x',
        *(b"5", b"1", NO, NO, AT),
        b'vm 1 2026-11-25T02:51:14.598499+00:00 vm tag - MID [zoo@123 tiger="hungry"] x',
    ),
}


SAID = {
    "tag": "SYSLOG_IDENTIFIER",
    "pid": "SYSLOG_PID",
    "time": "SYSLOG_TIMESTAMP",
    "host": "SYSLOG_HOSTNAME",
    "msgid": "SYSLOG_MSGID",
}


def opening(pri: int, **said: bytes) -> Fields:
    """What a header of RFC 5424 says."""
    first = [("PRIORITY", b"%d" % (pri & 7)), *([("SYSLOG_FACILITY", b"%d" % (pri >> 3))] if pri >> 3 else [])]
    return [*first, *((SAID[part], said[part]) for part in SAID if part in said)]


def data(*fields: Field, of: bytes = b"", text: bytes = b"x") -> tuple[bytes, Fields]:
    """A datagram with structured data and its fields."""
    return b"<14>1 - - app - - " + of + b" " + text, [*opening(14, tag=b"app"), *fields, ("MESSAGE", text)]


LOGGER = b"2026-11-25T02:51:10.620156+00:00"
CLOCK = (("SD_TIMEQUALITY_TZKNOWN", b"1"), ("SD_TIMEQUALITY_ISSYNCED", b"0"))

RFC_5424: dict[str, tuple[bytes, Fields]] = {
    # RFC 5424, 6.5
    "example 1": (
        b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - " + BOM + b"'su root' failed for lonvick",
        [
            *opening(34, tag=b"su", time=b"2003-10-11T22:14:15.003Z", host=b"mymachine.example.com", msgid=b"ID47"),
            ("MESSAGE", b"'su root' failed for lonvick"),
        ],
    ),
    "example 2": (
        b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
        [
            *opening(165, tag=b"myproc", pid=b"8710", time=b"2003-08-24T05:14:15.000003-07:00", host=b"192.0.2.1"),
            ("MESSAGE", b"%% It's time to make the do-nuts."),
        ],
    ),
    "example 3": (
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        b'[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] '
        + BOM
        + b"An application event log entry",
        [
            *opening(
                165, tag=b"evntslog", time=b"2003-10-11T22:14:15.003Z", host=b"mymachine.example.com", msgid=b"ID47"
            ),
            ("SD_EXAMPLESDID_32473_IUT", b"3"),
            ("SD_EXAMPLESDID_32473_EVENTSOURCE", b"Application"),
            ("SD_EXAMPLESDID_32473_EVENTID", b"1011"),
            ("MESSAGE", b"An application event log entry"),
        ],
    ),
    "example 4, structured data alone": (
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        b'[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
        [
            *opening(
                165, tag=b"evntslog", time=b"2003-10-11T22:14:15.003Z", host=b"mymachine.example.com", msgid=b"ID47"
            ),
            ("SD_EXAMPLESDID_32473_IUT", b"3"),
            ("SD_EXAMPLESDID_32473_EVENTSOURCE", b"Application"),
            ("SD_EXAMPLESDID_32473_EVENTID", b"1011"),
            ("SD_EXAMPLEPRIORITY_32473_CLASS", b"high"),
            ("MESSAGE", b""),
        ],
    ),
    # 7.1.4 and 7.2.5
    "timeQuality": data(
        ("SD_TIMEQUALITY_TZKNOWN", b"1"),
        ("SD_TIMEQUALITY_ISSYNCED", b"1"),
        ("SD_TIMEQUALITY_SYNCACCURACY", b"60000000"),
        of=b'[timeQuality tzKnown="1" isSynced="1" syncAccuracy="60000000"]',
    ),
    "origin, one name twice": data(
        ("SD_ORIGIN_IP", b"192.0.2.1"), ("SD_ORIGIN_IP", b"192.0.2.129"), of=b'[origin ip="192.0.2.1" ip="192.0.2.129"]'
    ),
    # The clients.
    "logger --rfc5424": (
        b"<13>1 " + LOGGER + b' vm root - - [timeQuality tzKnown="1" isSynced="0"] hello  world',
        [*opening(13, tag=b"root", time=LOGGER), *CLOCK, ("MESSAGE", b"hello  world")],
    ),
    "logger --rfc5424 -i": (
        b"<13>1 " + LOGGER + b' vm tag 64 - [timeQuality tzKnown="1" isSynced="0"] hello',
        [*opening(13, tag=b"tag", pid=b"64", time=LOGGER), *CLOCK, ("MESSAGE", b"hello")],
    ),
    "logger --rfc5424=notime": (
        b"<13>1 - vm root - - - hello  world",
        [*opening(13, tag=b"root"), ("MESSAGE", b"hello  world")],
    ),
    "logger --rfc5424=notime,nohost": (
        b"<13>1 - - tag - - - hello",
        [*opening(13, tag=b"tag"), ("MESSAGE", b"hello")],
    ),
    "logger --rfc5424=notq": (
        b"<13>1 " + LOGGER + b" vm root - - - hello",
        [*opening(13, tag=b"root", time=LOGGER), ("MESSAGE", b"hello")],
    ),
    "logger --msgid": (
        b"<13>1 " + LOGGER + b' vm tag - MID [timeQuality tzKnown="1" isSynced="0"] hello',
        [*opening(13, tag=b"tag", time=LOGGER, msgid=b"MID"), *CLOCK, ("MESSAGE", b"hello")],
    ),
    "logger --sd-id": (
        b"<13>1 "
        + LOGGER
        + b' vm tag - - [timeQuality tzKnown="1" isSynced="0"][zoo@123 tiger="hungry" zebra="running"]'
        b'[manager@123 onMeeting="yes"] hello',
        [
            *opening(13, tag=b"tag", time=LOGGER),
            *CLOCK,
            ("SD_ZOO_123_TIGER", b"hungry"),
            ("SD_ZOO_123_ZEBRA", b"running"),
            ("SD_MANAGER_123_ONMEETING", b"yes"),
            ("MESSAGE", b"hello"),
        ],
    ),
    "rsyslog, SyslogProtocol23Format": (
        b"<13>1 " + LOGGER + b" vm tag 188 - -  through rsyslog\n",
        [*opening(13, tag=b"tag", pid=b"188", time=LOGGER), ("MESSAGE", b" through rsyslog")],
    ),
    "rsyslog, what it has mangled": (
        b"<0>1 " + LOGGER + b" vm xt - - - \n",
        [*opening(0, tag=b"xt", time=LOGGER), ("MESSAGE", b"")],
    ),
    # What may be left out, and what ends where.
    "all nil": (b"<14>1 - - - - - - x", [*opening(14), ("MESSAGE", b"x")]),
    "no message": (b"<14>1 - - - - - -", [*opening(14), ("MESSAGE", b"")]),
    "an empty message": (b"<14>1 - - - - - - ", [*opening(14), ("MESSAGE", b"")]),
    "a line end and no message": (b"<14>1 - - - - - -\n\0", [*opening(14), ("MESSAGE", b"")]),
    "structured data, a line end and no message": (
        b'<14>1 - - - - - [a b="c"]\n',
        [*opening(14), ("SD_A_B", b"c"), ("MESSAGE", b"")],
    ),
    "a BOM and no message": (b"<14>1 - - - - - - " + BOM, [*opening(14), ("MESSAGE", b"")]),
    "a BOM for itself": (b"<14>1 - - - - - - " + BOM + BOM + b"x", [*opening(14), ("MESSAGE", BOM + b"x")]),
    "blanks belong to the message": (b"<14>1 - - - - - -  x ", [*opening(14), ("MESSAGE", b" x ")]),
    "a message that is no text": (b"<14>1 - - - - - - \xff\0\n", [*opening(14), ("MESSAGE", b"\xff\0")]),
    "a message that looks like structured data": (b"<14>1 - - - - - - [a]", [*opening(14), ("MESSAGE", b"[a]")]),
    "another host": (b"<14>1 - other - - - - x", [*opening(14, host=b"other"), ("MESSAGE", b"x")]),
    "the kernel's facility": (b"<6>1 - - - - - - x", [("PRIORITY", b"6"), ("MESSAGE", b"x")]),
    "the highest priority": (b"<191>1 - - - - - - x", [*opening(191), ("MESSAGE", b"x")]),
    "a long app name": (b"<14>1 - - " + b"a" * 300 + b" - - - x", [*opening(14, tag=b"a" * 300), ("MESSAGE", b"x")]),
    # Structured data.
    "no parameters": data(("SD_A", b""), of=b"[a]"),
    "an empty value": data(("SD_A_B", b""), of=b'[a b=""]'),
    "escapes": data(("SD_A_B", b'"]\\x\\'), of=b'[a b="\\"\\]\\x\\\\"]'),
    "a backslash before nothing special": data(("SD_A_B", b"C:\\dir\\n"), of=b'[a b="C:\\dir\\n"]'),
    "escapes of the escape": data(("SD_A_B", b'\\]\\]\\"b"q\\q\\'), of=b'[a b="\\\\]\\\\\\]\\\\\\"b\\"q\\\\q\\\\"]'),
    "an unescaped bracket in quotes": data(("SD_A_B", b"]["), of=b'[a b="]["]'),
    "a newline in a value": data(("SD_A_B", b"1\n2"), of=b'[a b="1\n2"]'),
    "bytes in a value": data(("SD_A_B", b"\0\xff"), of=b'[a b="\0\xff"]'),
    "a blank and an equals sign in a value": data(("SD_A_B", b' c="'), of=b'[a b=" c=\\""]'),
    "names that come out the same": data(
        ("SD_A_B", b"1"), ("SD_A_B_2", b"2"), of=b'[a b="1"][a_b]'.replace(b"a_b]", b'a B="2"]')
    ),
    "an element twice": data(("SD_A_B", b"1"), ("SD_A_B", b"2"), of=b'[a b="1"][a b="2"]'),
    "an element and a parameter of one name": data(("SD_A_B", b""), ("SD_A_B_2", b"1"), of=b'[a_b][a b="1"]'),
    "names of journald behind SD_": data(("SD__PID_OBJECT_UID", b"1"), of=b'[_PID OBJECT_UID="1"]'),
    "a long name": data(
        ("SD_" + "A" * 61, b"1"), ("SD_" + "A" * 56 + "_2", b"2"), of=b'[%s b="1" c="2"]' % (b"a" * 70)
    ),
    "our own clients' fields": data(("CODE_FILE", b"a.c"), ("DAY", b"1"), of=b'[journal@0 CODE_FILE="a.c" DAY="1"]'),
    "fields that a sender may not set": data(
        ("X_OBJECT_PID", b"1"),
        ("PID", b"2"),
        ("X_UNIT", b"3"),
        ("X_UDSD_SOCKET", b"4"),
        of=b'[journal@0 OBJECT_PID="1" _PID="2" UNIT="3" UDSD_SOCKET="4"]',
    ),
    "fields that the datagram has already": data(
        ("MESSAGE_2", b"1"),
        ("PRIORITY_2", b"0"),
        ("SYSLOG_IDENTIFIER_2", b"2"),
        ("SYSLOG_PID", b"3"),
        of=b'[journal@0 MESSAGE="1" PRIORITY="0" SYSLOG_IDENTIFIER="2" SYSLOG_PID="3"]',
    ),
    "our SD-ID without parameters": data(("SD_JOURNAL_0", b""), of=b"[journal@0]"),
    "as many as there may be": data(
        *((f"SD_A_P{n}", b"") for n in range(MOST_FIELDS - 4)),
        of=b"[a" + b"".join(b' p%d=""' % n for n in range(MOST_FIELDS - 4)) + b"]",
    ),
    # What only looks like it.
    "RFC 3164 with a message that begins with 1": (b"<14>1 2 3", [*opening(14), ("MESSAGE", b"1 2 3")]),
    "RFC 3164 with a tag of 1": (b"<14>1: x", [*opening(14, tag=b"1"), ("MESSAGE", b"x")]),
    "another version": (b"<14>2 - - - - - - x", [*opening(14), ("MESSAGE", b"2 - - - - - - x")]),
    "no time, and less than a header": (b"<14>1 - - x", [*opening(14), ("MESSAGE", b"1 - - x")]),
}

MALFORMED: dict[str, tuple[bytes, bytes]] = {
    "empty": (b"", b"no priority: a syslog message opens with <N>, N from 0 to 191"),
    **{
        f"priority {at}": (payload, b"no priority: a syslog message opens with <N>, N from 0 to 191")
        for at, payload in enumerate(
            [
                b"text",
                b"\n",
                b"\0",
                b"<",
                b"<13",
                b"<>x",
                b"<a>x",
                b"<1a>x",
                b"<-1>x",
                b"<+1>x",
                b"< 13>x",
                b"<192>x",
                b"<999>x",
                b"<1000>x",
                b" <13>x",
                b"\t<13>x",
                b"\0<13>x",
                b"38 <13>Nov 25 02:51:10 tag: x",
                b"Nov 25 02:51:22 vm tag: x\n",
                "<\u0661>x".encode(),
                b"<\xb2>x",
            ]
        )
    },
    "time and no header": (b"<14>1 2026-11-25T02:00:00Z x", b"header of RFC 5424"),
    "no structured data": (b"<14>1 2026-11-25T02:00:00Z vm app - - text", b"header of RFC 5424"),
    "two blanks": (b"<14>1 2026-11-25T02:00:00Z  vm app - - - x", b"header of RFC 5424"),
    "name not in ASCII": (b"<14>1 2026-11-25T02:00:00Z vm \xc3\xa4 - - - x", b"header of RFC 5424"),
    "text behind nil": (b"<14>1 - - - - - -x", b"structured data of RFC 5424: at byte 17"),
    "text behind an element": (b"<14>1 - - - - - [a]x", b"structured data of RFC 5424: at byte 19"),
    "element that does not end": (b'<14>1 - - - - - [a b="c"', b"structured data of RFC 5424: at byte 16"),
    "value that does not end": (b'<14>1 - - - - - [a b="c]', b"structured data of RFC 5424: at byte 16"),
    "value that ends in a backslash": (b'<14>1 - - - - - [a b="c\\"]', b"structured data of RFC 5424: at byte 16"),
    "value without quotes": (b"<14>1 - - - - - [a b=c] x", b"structured data of RFC 5424: at byte 16"),
    "name without a value": (b"<14>1 - - - - - [a b] x", b"structured data of RFC 5424: at byte 16"),
    "blank at the end of an element": (b'<14>1 - - - - - [a b="c" ] x', b"structured data of RFC 5424: at byte 16"),
    "name that has no value, behind some": (
        b'<14>1 - - - - - [a b="c" d="e" f] x',
        b"structured data of RFC 5424: at byte 16",
    ),
    "no name": (b"<14>1 - - - - - [] x", b"structured data of RFC 5424: at byte 16"),
    "no name of a parameter": (b'<14>1 - - - - - [a ="b"] x', b"structured data of RFC 5424: at byte 16"),
    "name that is no text": (b"<14>1 - - - - - [\xc3\xa4] x", b"structured data of RFC 5424: at byte 16"),
    "two blanks in an element": (b'<14>1 - - - - - [a  b="c"] x', b"structured data of RFC 5424: at byte 16"),
    "blank between elements": (b"<14>1 - - - - - [a][b", b"structured data of RFC 5424: at byte 19"),
    "more fields than there may be": (
        b"<14>1 - - app - - [a" + b"".join(b' p%d=""' % n for n in range(MOST_FIELDS - 3)) + b"] x",
        b"too many fields: more than 128",
    ),
    "more elements than there may be": (b"<14>1 - - - - - " + b"[x]" * 1000, b"too many fields: more than 128"),
}

# What costs the most for its size: each is to be read in no time worth mentioning.
HEADER = b"<14>1 - - - - - "
COSTLY: dict[str, bytes] = {
    "blanks": b"<14>" + b" " * 200_000 + b"x",
    "newlines": b"<14>x" + b"\n" * 200_000 + b"x",
    "line ends and NULs": b"x" + b"\n\0" * 100_000,
    "a word": b"<14>" + b"a" * 200_000,
    "colons": b"<14>Nov 25 02:51:10 vm " + b"a:" * 100_000,
    "brackets": b"<14>" + b"[" * 200_000 + b"]: x",
    "a word of the header": b"<14>1 - " + b"a" * 200_000,
    "elements": HEADER + b"[x]" * 70_000,
    "elements that do not end": HEADER + b"[x" * 100_000,
    "parameters": HEADER + b"[x" + b' a=""' * 40_000 + b"]",
    "parameters, and no end": HEADER + b"[x" + b' a="\\a"' * 30_000 + b' b="',
    "values that do not end": HEADER + b"[x" + b' a="' * 50_000,
    "names without values": HEADER + b"[x" + b" a" * 100_000,
    "escapes": HEADER + b'[x a="' + b'\\"' * 100_000 + b'"]',
    "escapes of the escape": HEADER + b'[x a="' + b"\\\\" * 100_000 + b'"]',
    "escapes, and no end": HEADER + b'[x a="' + b"\\a" * 100_000,
    "names that clash": HEADER + b"[x" + b"".join(b' a%s=""' % (b"-" * n) for n in range(600)) + b"]",
}

# Random bytes alone would hardly ever hold what has a meaning here.
traps = st.sampled_from([b'"', b"]", b"\\", b" ", b"=", b"[", b"\n", b"\0", b"-", b":", BOM, b'"] ', b"<3>", b"1 "])
values = st.binary(max_size=60) | st.lists(traps, max_size=8).map(b"".join)
names = field_names.filter(lambda name: settable(name) and not name.startswith(("PRIORITY", "MESSAGE", "SYSLOG_")))
words = st.binary(min_size=1, max_size=20).filter(lambda word: not set(word) & set(b" \t\n\r"))


def expected(row: Row) -> Fields:
    return [(name, value) for name, value in zip(NAMES, row[1:], strict=True) if value is not None]


@pytest.mark.parametrize("row", AS_JOURNALD, ids=lambda row: ascii(row[0][:60]))
def test_as_journald(row: Row) -> None:
    assert syslog.parse(row[0], HOST) == (expected(row), None)


@pytest.mark.parametrize("row", NOT_AS_JOURNALD, ids=lambda row: ascii(row[0]))
def test_not_as_journald(row: Row) -> None:
    assert syslog.parse(row[0], HOST) == (expected(row), None)


@pytest.mark.parametrize("row", RFC_3164, ids=lambda row: ascii(row[0][:40]))
def test_examples_of_rfc_3164(row: Row) -> None:
    assert syslog.parse(row[0], HOST) == (expected(row), None)


@pytest.mark.parametrize("row", CLIENTS.values(), ids=CLIENTS)
def test_what_clients_send(row: Row) -> None:
    assert syslog.parse(row[0], HOST) == (expected(row), None)


@pytest.mark.parametrize(("payload", "fields"), RFC_5424.values(), ids=RFC_5424)
def test_rfc_5424(payload: bytes, fields: Fields) -> None:
    assert syslog.parse(payload, HOST) == (list(fields), None)


@pytest.mark.parametrize(("host", "told"), [(b"vm", b""), (b"vm.example.org", b""), (b"vm2.example.org", b"vm")])
def test_the_name_of_this_host_is_known_without_its_domain(host: bytes, told: bytes) -> None:
    tagged, _ = syslog.parse(b"<14>Nov 25 02:51:10 vm tag: x", host)
    assert dict(tagged)["MESSAGE"] == (b"vm tag: x" if told else b"x")
    assert dict(syslog.parse(b"<14>1 - vm - - - - x", host)[0]).get("SYSLOG_HOSTNAME", b"") == told


@pytest.mark.parametrize(
    ("name", "host", "ours"),
    [
        *((b"VM", b"vm", True), (b"vm", b"VM", True), (b"localhost", b"vm", True), (b"vm.example.org", b"vm", True)),
        *((b"Vm", b"vm.example.org", True), (b"vm2.example.org", b"vm", False), (b"vm.a", b"vm.b", False)),
        *((b"localhost2", b"vm", False), (b".x", b"vm", False)),
    ],
)
def test_this_host_goes_by_its_other_names(name: bytes, host: bytes, ours: bool) -> None:
    tagged, _ = syslog.parse(b"<14>Nov 25 02:51:10 " + name + b" tag: x", host)
    assert (dict(tagged)["MESSAGE"] == b"x") == ours
    assert ("SYSLOG_HOSTNAME" not in dict(syslog.parse(b"<14>1 - " + name + b" - - - - x", host)[0])) == ours


def test_a_host_that_is_named_with_its_domain_is_this_one() -> None:
    host = b"vm.example.org"
    assert dict(syslog.parse(b"<14>Nov 25 02:51:10 vm.example.org tag: x", host)[0])["MESSAGE"] == b"x"
    assert "SYSLOG_HOSTNAME" not in dict(syslog.parse(b"<14>1 - vm.example.org - - - - x", host)[0])
    other = b"<14>Nov 25 02:51:10 vm.example.com tag: x"
    assert dict(syslog.parse(other, host)[0])["MESSAGE"] == b"vm.example.com tag: x"


@pytest.mark.parametrize(("payload", "told"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_stored_as_text(payload: bytes, told: bytes) -> None:
    fields, problem = syslog.parse(payload, HOST)
    if told.startswith(b"no priority"):
        assert fields == text.parse(payload)[0]
    assert fields[-1] == ("MESSAGE", trimmed(payload))
    assert [name for name, _ in fields].count("MESSAGE") == 1
    assert problem is not None
    assert problem.fields() == (("UDSD_MALFORMED", told),)
    assert (told.decode().partition(": ")[0], 0) == (problem.kind, problem.dropped)


T = b"2026-11-25T02:00:00Z"
FLAWED: dict[str, tuple[bytes, Fields]] = {
    "no host": (
        b"<11>1 2026-05-21T19:32:12.581Z db1. - 6993 began a merge of parts",
        opening(11, time=b"2026-05-21T19:32:12.581Z"),
    ),
    "no structured data": (b"<8>1 2026-11-25T02:00:00Z h db 1 - disk gone", opening(8, time=T)),
    "words of two words": (b"<27>1 2026-11-25T02:00:00Z h my tag 99 my tag - hello", opening(27, time=T)),
    "the kernel's facility": (b"<2>1 2026-11-25T02:00:00Z x", opening(2, time=T)),
    "a blank before a value": (
        b'<163>1 2026-11-25T02:00:00Z h app 7 ID [e@1 iut="3" eventSource= "App"] hello',
        opening(163, tag=b"app", pid=b"7", time=T, host=b"h", msgid=b"ID"),
    ),
    "no quotes": (b"<163>1 - vm app - - [e@1 iut=3] hello", opening(163, tag=b"app")),
    "quotes not escaped": (b'<163>1 - - app - - [a event="quote "test""] x', opening(163, tag=b"app")),
    "text behind nil": (b"<11>1 - - a - - -x", opening(11, tag=b"a")),
    "an element before the flaw": (b'<11>1 - - - - - [a b="c"][d e=f] x', [*opening(11), ("SD_A_B", b"c")]),
}


@pytest.mark.parametrize(("payload", "fields"), FLAWED.values(), ids=FLAWED)
def test_what_stood_before_a_flaw_is_kept(payload: bytes, fields: Fields) -> None:
    read, problem = syslog.parse_auto(payload, HOST)
    assert list(read) == [*fields, ("MESSAGE", payload)]
    assert problem is not None
    assert problem.kind in ("header of RFC 5424", "structured data of RFC 5424")


TEXT = [payload for at, (payload, _) in MALFORMED.items() if at.startswith(("empty", "priority"))]
SYSLOG = [row[0] for row in (*AS_JOURNALD, *NOT_AS_JOURNALD)] + [payload for payload, _ in RFC_5424.values()]


@pytest.mark.parametrize("payload", TEXT, ids=ascii)
def test_auto_takes_what_does_not_open_with_a_priority_for_text(payload: bytes) -> None:
    assert syslog.parse_auto(payload, HOST) == text.parse(payload)


@pytest.mark.parametrize("payload", SYSLOG, ids=lambda payload: ascii(payload[:60]))
def test_auto_reads_what_opens_with_a_priority_as_syslog(payload: bytes) -> None:
    assert syslog.parse_auto(payload, HOST) == syslog.parse(payload, HOST)


@pytest.mark.parametrize("payload", COSTLY.values(), ids=COSTLY)
def test_no_datagram_takes_long(payload: bytes) -> None:
    assert cost(lambda payload: syslog.parse_auto(payload, HOST), payload) < 100


def test_auto_says_what_is_wrong_with_what_opens_with_a_priority() -> None:
    _, problem = syslog.parse_auto(b"<14>1 - - - - - [a", HOST)
    assert problem is not None
    assert problem.kind == "structured data of RFC 5424"


@given(
    message_=values, pri=st.integers(0, 191), identifier=values, pid=values, fields=st.lists(st.tuples(names, values))
)
def test_what_our_clients_say_comes_back(
    message_: bytes, pri: int, identifier: bytes, pid: bytes, fields: list[Field]
) -> None:
    datagram = rfc5424.datagram(message_, pri=pri, identifier=identifier, pid=pid, fields=fields)
    said = [("SYSLOG_IDENTIFIER", identifier), ("SYSLOG_PID", pid), *fields]
    told = [(name, value) for name, value in said if value or name in dict(fields)]
    opened = opening(pri)
    read, _ = syslog.parse_auto(datagram, HOST)
    assert sorted(read) == sorted([*opened, *told, ("MESSAGE", trimmed(message_))])
    assert [field for field in read if field in fields] == [field for field in fields if field in read]


@given(pri=st.integers(0, 191), tag=words, text=values, stamp=st.sampled_from([b"", AT, LOGGER + b" "]))
def test_a_tag_and_what_is_behind_it_come_back(pri: int, tag: bytes, text: bytes, stamp: bytes) -> None:
    read = dict(syslog.parse_auto(b"<%d>%s%s[7]: %s" % (pri, stamp, tag, text), HOST)[0])
    assert (read["SYSLOG_IDENTIFIER"], read["SYSLOG_PID"]) == (tag, b"7")
    assert read["MESSAGE"] == text.rstrip(b" \t\n\r\0")
    assert read.get("SYSLOG_TIMESTAMP", b"") == stamp


@given(pri=st.integers(0, 191), rest=values | st.lists(values, max_size=6).map(b" ".join))
def test_nothing_of_the_message_is_lost(pri: int, rest: bytes) -> None:
    payload = b"<%d>%s" % (pri, rest)
    fields, _ = syslog.parse(payload, HOST)
    stored = dict(fields)
    assert payload.rstrip(b" \t\n\r\0").endswith(stored["MESSAGE"].rstrip(b" \t\n\r\0"))
    assert fields[0][0] == "PRIORITY"
