"""How far a broker's clock is from this machine's, told by the messages of an inbox.

In: the broker's time of messages, when they came, and when the inbox was still empty. Out: how far
the two clocks are apart, at least. No message can have been taken after it came, or before a look
that found nothing.
"""

from __future__ import annotations

from math import inf
from typing import Final

from services.broker.messages import Record

# A message is seen when all brokers in step have it: a second later, if one of them is slow.
APART_MS_MIN: Final = 2_000
_BY_BROKER: Final = 1


class BrokerClock:
    """The clock of the broker that leads an inbox. apart_s: above 0 if it is ahead of ours."""

    def __init__(self) -> None:
        self.apart_s = 0.0
        self._since = inf

    def note(self, first: Record, last: Record, *, empty_ms: float | None, now_ms: float) -> None:
        """Note messages that have just come.

        empty_ms: when the inbox was last seen to be empty; None if more may have waited since.
        """
        if last.timestamp_type != _BY_BROKER:
            return
        ahead_ms = last.timestamp - now_ms
        behind_ms = 0 if empty_ms is None else empty_ms - first.timestamp
        if max(ahead_ms, behind_ms) > APART_MS_MIN:
            self.apart_s = (ahead_ms if ahead_ms > behind_ms else -behind_ms) / 1000
            self._since = min(self._since, now_ms)
        elif empty_ms is not None or self.apart_s > 0:
            self.apart_s, self._since = 0.0, inf

    def seconds(self, now_ms: float) -> float:
        """For how long they have been apart; 0 if they are not."""
        return max(0.0, now_ms - self._since) / 1000

    def text(self) -> str:
        """What is wrong, in words."""
        side = "ahead of" if self.apart_s > 0 else "behind"
        return f"the broker's clock is at least {abs(self.apart_s):.1f} s {side} this machine's"
