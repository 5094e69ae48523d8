"""Reports what a wait is for, and ends it with `Stalled` after the configured time.

In: at each check, how far the work is and what is waited for. Out: a line now and then, or
`Stalled` when nothing has changed for the configured time.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

REPORT_AFTER_S: Final = 5.0
REPORT_AGAIN_AFTER_S: Final = 60.0

Say = Callable[[str], None]
Clock = Callable[[], float]


class Stalled(Exception):
    """Nothing changed for the configured time; the message names what is waited for."""


class StallTimer:
    """A timer of the time without a change. timeout_s: None to wait for ever."""

    def __init__(
        self, say: Say, *, timeout_s: float | None = None, clock: Clock = monotonic
    ) -> None:
        self._say = say
        self._timeout_s = timeout_s
        self._clock = clock
        self._progress: object = None
        self.restart()

    def restart(self) -> None:
        """Measure from now on: a new wait begins."""
        self._since = self._reported_at = self._clock()
        self._is_reported = False

    def check(self, progress: object, awaited: str) -> None:
        """Report or end a wait. progress: differs from the last check's if something changed.

        Errors: Stalled.
        """
        now = self._clock()
        report_after_s = REPORT_AGAIN_AFTER_S if self._is_reported else REPORT_AFTER_S
        if progress != self._progress:
            self._progress = progress
            self.restart()
        elif self._timeout_s is not None and now - self._since >= self._timeout_s:
            msg = f"nothing moved for {self._timeout_s:g} s: {awaited}"
            raise Stalled(msg)
        elif now - self._reported_at >= report_after_s:
            self._say(f"waiting for {now - self._since:.0f} s: {awaited}")
            self._reported_at, self._is_reported = now, True
