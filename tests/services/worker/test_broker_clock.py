"""Clocks that run apart are told by the messages that come; in doubt they do not."""

from __future__ import annotations

import pytest

from services.broker.messages import BrokenBatch
from services.worker.broker_clock import BrokerClock

NOW = 1_000_000.0


def at(seconds: float, kind: int = 1) -> BrokenBatch:
    """A record that the broker says it took so many seconds after now."""
    return BrokenBatch(0, b"", timestamp=int(NOW + 1000 * seconds), timestamp_type=kind)


@pytest.mark.parametrize(
    ("seconds", "empty_s", "apart"),
    [
        (0.0, None, 0.0),
        (1.9, None, 0.0),
        (3.0, None, 3.0),
        # It may have lain there for an hour, unless the inbox was empty a second ago.
        (-3600.0, None, 0.0),
        (-3600.0, 1.0, -3599.0),
        (-2.9, 1.0, 0.0),
    ],
)
def test_a_broker_is_ahead_of_what_came_and_behind_what_was_not_there(
    seconds: float, empty_s: float | None, apart: float
) -> None:
    clock = BrokerClock()
    empty_ms = None if empty_s is None else NOW - 1000 * empty_s
    clock.note(at(seconds), at(seconds), empty_ms=empty_ms, now_ms=NOW)
    assert clock.apart_s == apart


def test_the_time_of_a_producer_says_nothing_about_the_broker() -> None:
    clock = BrokerClock()
    clock.note(at(9.0, kind=0), at(9.0, kind=0), empty_ms=NOW, now_ms=NOW)
    assert clock.apart_s == 0.0


def test_it_lasts_until_messages_show_that_it_is_over() -> None:
    clock = BrokerClock()
    clock.note(at(-9.0), at(-9.0), empty_ms=NOW, now_ms=NOW)
    clock.note(at(-9.0), at(-9.0), empty_ms=None, now_ms=NOW + 6_000)
    assert clock.seconds(NOW + 6_000) == 6.0
    assert clock.text() == "the broker's clock is at least 9.0 s behind this machine's"
    clock.note(at(0.0), at(0.0), empty_ms=NOW - 1, now_ms=NOW + 1)
    assert (clock.apart_s, clock.seconds(NOW + 9)) == (0.0, 0.0)
