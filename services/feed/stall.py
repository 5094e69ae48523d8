"""When nothing moves: who is waited for is said, and after as long as we were told to wait we stop.

In: what is waited for, at each look. Out: a line now and then, or `NothingMoves`.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

SAID_AFTER_S: Final = 5.0
SAID_AGAIN_AFTER_S: Final = 60.0

Say = Callable[[str], None]
Clock = Callable[[], float]


class NothingMoves(Exception):
    """Nothing moved for as long as we were to wait; the message names what is waited for."""


class Stillness:
    """How long nothing has moved. timeout_s: None to wait for ever."""

    def __init__(
        self, say: Say, *, timeout_s: float | None = None, clock: Clock = monotonic
    ) -> None:
        self._say = say
        self._timeout_s = timeout_s
        self._clock = clock
        self._seen: object = None
        self.begin()

    def begin(self) -> None:
        """Something moved, or a new wait begins."""
        self._since = self._said = self._clock()
        self._is_said = False

    def look(self, seen: object, awaited: str) -> None:
        """Look once more. seen: differs from that of the last look when something moved.

        Errors: NothingMoves.
        """
        now = self._clock()
        if seen != self._seen:
            self._seen = seen
            self.begin()
        elif self._timeout_s is not None and now - self._since >= self._timeout_s:
            msg = f"nothing moved for {self._timeout_s:g} s: {awaited}"
            raise NothingMoves(msg)
        elif now - self._said >= (SAID_AGAIN_AFTER_S if self._is_said else SAID_AFTER_S):
            self._say(f"waiting for {now - self._since:.0f} s: {awaited}")
            self._said, self._is_said = now, True
