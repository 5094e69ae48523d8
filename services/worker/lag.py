"""The lag of a shard: the end of its inbox in Kafka against the offset that is durable.

In: about once a second the end of the shard's inbox, the offset up to which it can be read, and the
time of the request; the offset up to which all is durable. Out: the number of messages not durable
yet, since when, why, and whether Kafka answers. The end is that of all messages, also of
those that an open transaction keeps from being read. Lag is computed the same way in every
situation; no component reports its own state.
"""

from __future__ import annotations

from collections import deque
from math import inf
from time import monotonic
from typing import Final, NamedTuple

from services.worker.open_transaction import OpenTransaction

# A batch is durable in a tenth of it. The close of a large market takes longer, and is late then.
FRESH_S: Final = 5.0
# A shard that is behind more ends than these is not caught up anyway.
_ENDS_MAX: Final = 64


class _InboxEnd(NamedTuple):
    """The end of an inbox. at: the time of the request."""

    at: float
    end: int


class Lag:
    """The lag of one shard.

    durable: the offset up to which all is; None until the shard is loaded. Any thread may set it.
    """

    def __init__(self) -> None:
        self.durable: int | None = None
        self.transaction = OpenTransaction()
        self._start = monotonic()
        self._answered_at = -inf
        self._end = 0
        self._reached_at = -inf
        self._not_reached: deque[_InboxEnd] = deque(maxlen=_ENDS_MAX)

    def note_end(self, end: int, *, at: float, readable: int | None = None) -> None:
        """Note the end of the inbox that Kafka has answered.

        readable: up to which offset it gives messages, if a transaction is open.
        """
        self.transaction.note(end if readable is None else readable, end=end, at=at)
        self._answered_at, self._end = at, end
        self._not_reached.append(_InboxEnd(at, end))

    @property
    def messages(self) -> int:
        """The number of messages in Kafka that are not durable; 0 while nothing is loaded."""
        return 0 if self.durable is None else max(0, self._end - self.durable)

    def seconds(self, now: float) -> float:
        """Seconds since all messages in Kafka were durable: 0 while they are, and Kafka answers."""
        self._reach()
        if not self._not_reached and self.is_answered(now):
            return 0.0
        return now - max(self._reached_at, self._start)

    @property
    def is_behind_transaction(self) -> bool:
        """True if all is durable that Kafka gives, and a transaction holds the rest."""
        transaction, durable = self.transaction, self.durable
        return transaction.is_open and durable is not None and durable >= transaction.offset

    def late_because(self, now: float) -> str:
        """Why messages are not durable, in words."""
        text = f"{self.messages} messages are not durable"
        return f"{text}: {self.transaction.text(now)}" if self.is_behind_transaction else text

    def is_answered(self, now: float) -> bool:
        """True if Kafka has answered lately."""
        return now - self._answered_at <= FRESH_S

    def is_caught_up(self, now: float) -> bool:
        """True if all messages are durable that Kafka had at some moment lately."""
        self._reach()
        return now - self._reached_at <= FRESH_S

    def _reach(self) -> None:
        durable = self.durable
        while self._not_reached and durable is not None and self._not_reached[0].end <= durable:
            self._reached_at = self._not_reached.popleft().at
