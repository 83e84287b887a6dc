"""The kinds of messages that udsd itself writes, each with the id by which `journalctl --catalog` explains it.

The texts are in systemd/udsd.catalog. An id never changes and is never used for something else: people filter by it.
"""

from typing import NamedTuple


class Message(NamedTuple):
    """A kind of message: its MESSAGE_ID (systemd.journal-fields(7)) and its PRIORITY."""

    message_id: bytes
    priority: int


_WARNING, _INFO = 4, 6

STARTED = Message(b"0528bc2dc7814965923d28d912eee771", _INFO)
STOPPED = Message(b"80008352642b4c53a8c16e9abbde2f07", _INFO)
UNDELIVERED = Message(b"94189ede2bf74a51805a77954cd1deb6", 3)
DONE_REFUSED = Message(b"fd7472dff6eb4415889eb6ac3b06c778", _WARNING)
OVER_LIMIT = Message(b"416422a56a5c4ba489b1c3bb8d9c0e8b", _WARNING)
SINK_AWAY = Message(b"36692186dbd24b68b6c87a5857c17190", _WARNING)
SINK_BACK = Message(b"cc2e9d551f9149ccb29c9ae040768a6f", _INFO)
STATISTICS = Message(b"cb3ed0fc43eb4d7bba16a9d1e6b9cbe4", _INFO)
METRICS_FAILED = Message(b"e0a36ed3a3b84a5c91c83ac59c0ef9ae", _WARNING)
FILE_LEFT = Message(b"5acf8aac1dfd492da866ea1f5cb35c68", _WARNING)
