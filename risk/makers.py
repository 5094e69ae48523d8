"""The obligation of market makers to quote (RULEBOOK §6).

In: a maker's quotes in a contract during a session, the halts, the close. Out: how long it is
scored, and how long of that a quote stood that keeps the rule; in nanoseconds, exactly. All times
are event times.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple, Self

from events.units import PPM

# A narrower spread than two ticks is asked of nobody: at low prices 2 % is less than a tick.
SPREAD_LEAST_TICKS: Final = 2


class QuoteRule(NamedTuple):
    """The widest spread as a share of the mid price, and the least lots of a side."""

    spread_ppm: int
    lots_least: int

    def is_kept_by(self, bid_ticks: int | None, ask_ticks: int | None, *, lots: int) -> bool:
        """Whether both sides are there and near enough; lots: of the smaller one."""
        if bid_ticks is None or ask_ticks is None or lots < self.lots_least:
            return False
        widest = self.spread_ppm * (bid_ticks + ask_ticks) // (2 * PPM)
        return ask_ticks - bid_ticks <= max(SPREAD_LEAST_TICKS, widest)


@dataclass(slots=True)
class QuotedTime:
    """When the quotes of a maker in a contract kept the rule, in the open session.

    since_ns: from when the last quote stands. edges: begins and ends in turn; while their number is
    odd, the last quote keeps the rule.
    """

    rule: QuoteRule
    since_ns: int
    edges: array[int] = field(default_factory=lambda: array("q"))

    def follow(self, at: int, *, is_kept: bool) -> None:
        """Take a quote, or a lapse: it stands from its time, but not before the one it replaces."""
        self.since_ns = max(self.since_ns, at)
        if is_kept != bool(len(self.edges) % 2):
            self.edges.append(self.since_ns)

    def spans(self, close_at: int) -> Iterable[tuple[int, int]]:
        """The times in which the rule was kept; the last ends with the close."""
        return zip(self.edges[::2], [*self.edges[1::2], close_at], strict=False)


@dataclass(frozen=True, slots=True)
class ScoredTime:
    """The time in which a maker is scored: parts that do not touch, in order.

    passed_ns: what had passed of them at each begin, and at the end of all.
    """

    begins: Sequence[int]
    passed_ns: Sequence[int]

    @classmethod
    def between(cls, begin: int, close_at: int, *, halts: Iterable[tuple[int, int]]) -> Self:
        """All from a begin to the close, without halts. halts: begin, and end not included."""
        begins, lengths = [], []
        for halted_at, until in [*sorted(halts), (close_at, close_at)]:
            length = min(halted_at, close_at) - begin
            if length > 0:
                begins.append(begin)
                lengths.append(length)
            begin = max(begin, until)
        return cls(begins, [*accumulate(lengths, initial=0)])

    @property
    def total_ns(self) -> int:
        """All of it."""
        return self.passed_ns[-1]

    def within(self, spans: Iterable[tuple[int, int]]) -> int:
        """The part of it that lies in other times, which do not overlap each other."""
        return sum(max(0, self._passed(end) - self._passed(begin)) for begin, end in spans)

    def _passed(self, instant: int) -> int:
        """What has passed of it at an instant."""
        number = bisect_right(self.begins, instant) - 1
        if number < 0:
            return 0
        since_begin = instant - self.begins[number]
        return min(self.passed_ns[number] + since_begin, self.passed_ns[number + 1])


def is_quoting_met(quoted_ns: int, scored_ns: int, *, least_ppm: int) -> bool:
    """Whether the share of the scored time was quoted, exactly; nothing scored is met."""
    return quoted_ns * PPM >= least_ppm * scored_ns
