"""The times at which Kafka received messages, as it tells them.

In: messages in the order of their rows. Out: the moments of the rows, one for each run of messages
with the same time. The topics that we make tell the time of the broker (`topic_creation.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from services.broker.messages import NO_TIME, Message, Stamp
from services.hosting.receipts import Moment, ReceiptClock

# Kafka's CreateTime and LogAppendTime.
_CLOCKS: Final[dict[int | None, ReceiptClock]] = {0: "producer", 1: "broker"}
# Up to the end of the year 9999. Any number may come from a producer; -1 stands for none.
_MS_MAX: Final = 253_402_300_799_999
_STAMP: Final = itemgetter(Message._fields.index("stamp"))
_NO_STAMP: Final[Stamp] = (NO_TIME, None)


def moments_of(
    messages: Sequence[Message], *, seq: int, now: Moment
) -> Iterator[tuple[int, Moment]]:
    """The moments of messages, each with the first row it is of.

    seq: of the row of the first message; now: for messages that have no time.
    """
    for stamp, run in groupby(messages, key=_STAMP):
        timestamp, timestamp_type = stamp or _NO_STAMP
        clock = _CLOCKS.get(timestamp_type)
        if clock is None or not 0 <= timestamp <= _MS_MAX:
            yield seq, now
        else:
            yield seq, Moment(timestamp // 1000, clock)
        seq += len([*run])
