"""The way to a sink that refuses at times."""

import math
import os
import select
from collections.abc import Iterator

import pytest

from tests.sinks import Drawer
from udsd.journal.delivery import Delivery
from udsd.journal.entry import decode_entry, encode
from udsd.journal.log import STARTED, Log
from udsd.journal.sink import BusyError

HELLO = encode([("MESSAGE", b"hello")])


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def log() -> Log:
    return Log(keep=True, stderr=False)


@pytest.fixture
def outlet(drawer: Drawer, log: Log) -> Delivery:
    return Delivery(drawer, log)


@pytest.fixture
def blocked(outlet: Delivery, drawer: Drawer) -> Delivery:
    """An outlet whose sink refuses since 100 s."""
    drawer.room = 0
    assert not outlet.deliver(HELLO, 100.0)
    return outlet


@pytest.fixture
def writable() -> Iterator[int]:
    """A descriptor that polls writable."""
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb"):
        yield writer


def test_an_entry_that_is_taken_is_delivered(outlet: Delivery, drawer: Drawer) -> None:
    assert outlet.deliver(HELLO, 100.0)
    assert drawer.taken == [HELLO]
    assert outlet.blocked_since is None


def test_an_entry_that_is_refused_is_not_delivered(outlet: Delivery, drawer: Drawer) -> None:
    drawer.room = 0
    assert not outlet.deliver(HELLO, 100.0)
    assert drawer.taken == []


def test_the_outage_began_with_the_first_refusal(blocked: Delivery) -> None:
    assert blocked.blocked_since == 100.0
    blocked.deliver(HELLO, 100.5)
    blocked.ready(101.5)
    assert blocked.blocked_since == 100.0


def test_the_outage_is_over_when_the_sink_is_found_well(blocked: Delivery, drawer: Drawer) -> None:
    drawer.room = math.inf
    assert blocked.ready(100.5)
    assert blocked.blocked_since is None
    assert blocked.deliver(HELLO, 100.5)


def test_the_next_outage_begins_anew(blocked: Delivery, drawer: Drawer) -> None:
    drawer.room = math.inf
    blocked.ready(100.5)
    drawer.room = 0
    blocked.deliver(HELLO, 200.0)
    assert blocked.blocked_since == 200.0


def test_own_messages_go_first_and_in_order(outlet: Delivery, drawer: Drawer, log: Log) -> None:
    log.say(STARTED, "one")
    log.say(STARTED, "two")
    assert outlet.ready(100.0)
    outlet.deliver(HELLO, 100.0)
    assert drawer.messages() == [b"one", b"two", b"hello"]
    assert not log.waiting


def test_own_messages_that_are_refused_wait_in_order(outlet: Delivery, drawer: Drawer, log: Log) -> None:
    for text in ("one", "two", "three"):
        log.say(STARTED, text)
    drawer.room = 1
    assert not outlet.ready(100.0)
    assert outlet.blocked_since == 100.0
    drawer.room = math.inf
    assert outlet.ready(100.5)
    assert drawer.messages() == [b"one", b"two", b"three"]


@pytest.mark.parametrize("back", [100.001, 100.5, 100.999])
def test_a_short_outage_is_never_mentioned(blocked: Delivery, drawer: Drawer, log: Log, back: float) -> None:
    assert not blocked.ready(back)
    assert not log.waiting
    drawer.room = math.inf
    assert blocked.ready(back + 50.0)
    assert drawer.messages() == []


def test_a_long_outage_and_its_end_are_mentioned_once_each(blocked: Delivery, drawer: Drawer) -> None:
    for now in (101.0, 102.0, 200.0):
        assert not blocked.ready(now)
    drawer.room = math.inf
    for now in (223.5, 224.0, 300.0):
        assert blocked.ready(now)
    begin, end = (dict(decode_entry(entry)) for entry in drawer.taken)
    assert begin["PRIORITY"] == b"4"
    assert begin["MESSAGE"].startswith(b"the drawer takes no entries (it is full): ")
    assert end["PRIORITY"] == b"6"
    assert end["MESSAGE"] == b"the drawer takes entries again after 123.5 s"


def test_each_long_outage_is_mentioned(blocked: Delivery, drawer: Drawer) -> None:
    blocked.ready(101.0)
    drawer.room = math.inf
    blocked.ready(102.0)
    drawer.room = 0
    blocked.deliver(HELLO, 200.0)
    blocked.ready(200.5)
    blocked.ready(201.0)
    drawer.room = math.inf
    blocked.ready(203.0)
    assert [message.rpartition(b" after ")[2] for message in drawer.messages()[1::2]] == [b"2.0 s", b"3.0 s"]
    assert len(drawer.taken) == 4


def test_the_complaint_stands_from_the_mention_to_the_end(blocked: Delivery, drawer: Drawer) -> None:
    blocked.ready(100.999)
    assert blocked.complaint == ""
    blocked.ready(101.0)
    assert blocked.complaint == "waiting for the drawer (it is full)"
    drawer.refusal = BusyError("it is locked")
    blocked.ready(102.0)
    assert blocked.complaint == "waiting for the drawer (it is locked)"
    drawer.room = math.inf
    blocked.ready(103.0)
    assert blocked.complaint == ""


def test_the_sink_is_looked_after_when_that_is_due(outlet: Delivery, drawer: Drawer) -> None:
    drawer.look_due = 100.0
    assert outlet.ready(99.9)
    assert drawer.looks == []
    assert outlet.ready(100.0)
    assert drawer.looks == [100.0]


def test_a_sink_that_is_found_away_blocks(outlet: Delivery, drawer: Drawer) -> None:
    drawer.look_due = 100.0
    drawer.room = 0
    assert not outlet.ready(100.0)
    assert outlet.blocked_since == 100.0


@pytest.mark.parametrize("due", [math.inf, 123.0])
def test_while_all_is_well_only_the_sink_has_something_due(outlet: Delivery, drawer: Drawer, due: float) -> None:
    drawer.look_due = due
    poll = select.poll()
    assert outlet.watch(poll, 100.0) == due
    assert poll.poll(0) == []


def test_a_descriptor_that_tells_is_watched(outlet: Delivery, drawer: Drawer, writable: int) -> None:
    drawer.room, drawer.refusal = 0, BusyError("it is full", writable)
    outlet.deliver(HELLO, 100.0)
    poll = select.poll()
    outlet.watch(poll, 100.0)
    assert poll.poll(0) == [(writable, select.POLLOUT)]


@pytest.mark.parametrize(("now", "due"), [(100.0, 101.0), (100.9, 101.0), (101.0, math.inf), (500.0, math.inf)])
def test_beside_a_descriptor_only_the_mention_is_due(
    outlet: Delivery, drawer: Drawer, writable: int, now: float, due: float
) -> None:
    drawer.room, drawer.refusal = 0, BusyError("it is full", writable)
    outlet.deliver(HELLO, 100.0)
    outlet.ready(now)
    assert outlet.watch(select.poll(), now) == due


@pytest.mark.parametrize(
    ("now", "due"),
    [
        *[(100.0, 100.0 + 0.005), (100.015625, 100.015625 + 0.005), (100.5, 100.625), (100.9, 101.0), (101.0, 101.25)],
        *[(102.0, 102.5), (104.0, 105.0), (500.0, 501.0)],
    ],
)
def test_without_a_descriptor_it_is_tried_again_soon_and_then_each_second(
    blocked: Delivery, now: float, due: float
) -> None:
    blocked.ready(now)
    poll = select.poll()
    assert blocked.watch(poll, now) == due
    assert poll.poll(0) == []


def test_what_the_sink_owes_is_handed_on(outlet: Delivery, drawer: Drawer) -> None:
    drawer.lost = [(HELLO, "a socket")]
    assert list(outlet.take_lost()) == [(HELLO, "a socket")]
