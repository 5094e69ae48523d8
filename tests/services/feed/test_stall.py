"""When nothing moves: who is waited for is said now and then, and a patience ends."""

from __future__ import annotations

import pytest

from services.feed.stall import NothingMoves, Stillness


class Looks:
    """A stillness at times we set."""

    def __init__(self, timeout_s: float | None = None) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self._stillness = Stillness(self.said.append, timeout_s=timeout_s, clock=lambda: self.now)

    def at(self, now: float, seen: object = 1) -> None:
        """Look at a time."""
        self.now = now
        self._stillness.look(seen, "market/SIT")


def test_it_is_said_after_five_seconds_and_then_once_a_minute() -> None:
    looks = Looks()
    for second in range(130):
        looks.at(second)
    assert looks.said == [f"waiting for {seconds} s: market/SIT" for seconds in (5, 65, 125)]


def test_whatever_moves_is_not_still() -> None:
    looks = Looks(timeout_s=4)
    for second in range(100):
        looks.at(second, seen=second // 3)
    assert looks.said == []


def test_patience_ends_and_names_who_was_waited_for() -> None:
    looks = Looks(timeout_s=4)
    looks.at(0)
    looks.at(3.9)
    with pytest.raises(NothingMoves, match="nothing moved for 4 s: market/SIT"):
        looks.at(4)
