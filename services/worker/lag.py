"""How far a shard is: what Kafka had when it was asked, held against what is durable.

In: about once a second the end of the shard's inbox, and when it was asked for; the offset up to
which all is durable. Out: what is not durable yet, since when, and whether Kafka answers. It is
the same whether Kafka is away, Postgres stands still or a backlog is worked off: nobody is asked
how it goes.
"""

from __future__ import annotations

from collections import deque
from math import inf
from time import monotonic
from typing import Final, NamedTuple

# A batch is durable in a tenth of it. The close of a large market takes longer, and is late then.
FRESH_S: Final = 5.0
# Who is behind by more looks than these is behind anyway.
_LOOKS_MAX: Final = 64


class _Look(NamedTuple):
    """Where an inbox ended. at: when it was asked for."""

    at: float
    end: int


class Progress:
    """The progress of one shard.

    durable: the offset up to which all is; None until the shard is loaded. Any thread may set it.
    """

    def __init__(self) -> None:
        self.durable: int | None = None
        self._begun = monotonic()
        self._heard = -inf
        self._end = 0
        self._passed = -inf
        self._ahead: deque[_Look] = deque(maxlen=_LOOKS_MAX)

    def look(self, end: int, *, at: float) -> None:
        """Kafka has said where the inbox ends."""
        self._heard, self._end = at, end
        self._ahead.append(_Look(at, end))

    @property
    def lag_messages(self) -> int:
        """How many messages Kafka had that are not durable; 0 while nothing is loaded."""
        return 0 if self.durable is None else max(0, self._end - self.durable)

    def lag_seconds(self, now: float) -> float:
        """How long ago all that Kafka had was durable: 0 while it is, and Kafka answers."""
        self._pass()
        if not self._ahead and self.is_heard(now):
            return 0.0
        return now - max(self._passed, self._begun)

    def is_heard(self, now: float) -> bool:
        """Whether Kafka has answered lately."""
        return now - self._heard <= FRESH_S

    def is_caught_up(self, now: float) -> bool:
        """Whether all is durable that Kafka had at some moment lately."""
        self._pass()
        return now - self._passed <= FRESH_S

    def _pass(self) -> None:
        durable = self.durable
        while self._ahead and durable is not None and self._ahead[0].end <= durable:
            self._passed = self._ahead.popleft().at
