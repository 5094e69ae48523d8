"""A wait that makes no progress is reported now and then, and ends after its timeout."""

from __future__ import annotations

import pytest

from services.feed.stall import Stalled, StallTimer


class Checks:
    """A stall timer whose clock the test sets."""

    def __init__(self, timeout_s: float | None = None) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self._stall = StallTimer(self.lines.append, timeout_s=timeout_s, clock=lambda: self.now)

    def at(self, now: float, progress: object = 1) -> None:
        """Check at a time."""
        self.now = now
        self._stall.check(progress, "market/SIT")


def test_a_wait_is_reported_after_five_seconds_and_then_once_a_minute() -> None:
    checks = Checks()
    for second in range(130):
        checks.at(second)
    assert checks.lines == [f"waiting for {seconds} s: market/SIT" for seconds in (5, 65, 125)]


def test_progress_restarts_the_timer() -> None:
    checks = Checks(timeout_s=4)
    for second in range(100):
        checks.at(second, progress=second // 3)
    assert checks.lines == []


def test_the_timeout_ends_the_wait_and_names_what_is_awaited() -> None:
    checks = Checks(timeout_s=4)
    checks.at(0)
    checks.at(3.9)
    with pytest.raises(Stalled, match="nothing moved for 4 s: market/SIT"):
        checks.at(4)
