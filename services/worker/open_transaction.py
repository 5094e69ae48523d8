"""A transaction that another producer has left open in an inbox.

In: about once a second the offset up to which Kafka lets messages be read (its last stable offset),
and the end of the inbox. Out: for how long it has been open, at least, and whether to log it now.
Nothing from its first message on is read before it ends: its producer may yet abort it, and a trade
that was cleared cannot be taken back.
"""

from __future__ import annotations

from math import inf

from services.worker.lasting import Lasting


class OpenTransaction:
    """The first transaction that is open in an inbox. offset: of its first message."""

    def __init__(self) -> None:
        self.offset = 0
        self._since = inf
        self._lasting = Lasting()

    def note(self, offset: int, *, end: int, at: float) -> None:
        """Note the offset up to which all transactions have ended, and the end of the inbox."""
        if offset == end:
            self._since = inf
        elif offset != self.offset or self._since == inf:
            self._since = at
        self.offset = offset

    @property
    def is_open(self) -> bool:
        """Whether there is one."""
        return self._since < inf

    def seconds(self, now: float) -> float:
        """For how long it has been seen to be open; 0 if there is none."""
        return max(0.0, now - self._since)

    def is_to_log(self, now: float) -> bool:
        """True once it is open for longer than usual, and then once a minute."""
        return self._lasting.is_to_log(self.seconds(now), now=now)

    def text(self, now: float) -> str:
        """What it is, in words."""
        seconds = f"for {self.seconds(now):.0f} s"
        return f"a transaction of another producer is open from offset {self.offset} on, {seconds}"
