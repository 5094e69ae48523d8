"""Price limits and halts of one contract (RULEBOOK §6).

In: the reference of the session, prices and execution times of trades, halts by command, the close.
Out: whether a trade is halted, inside, at or beyond the active limit; the facts `contract_halted`
and `contract_resumed`. Decisions read a `HaltState`; only `apply_*` change it. All times are event
times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from events.market_facts import ContractHalted, ContractResumed
from events.units import MINUTE_NS, PPM

# Above every price of 18 digits in ticks: the limit of a contract without a reference.
UNLIMITED_TICKS: Final = 1 << 127

TIER_COMMAND: Final = 0
TIER_NONE: Final = 0
TIER_FIRST: Final = 1
TIER_SECOND: Final = 2

Judgement = Literal["inside", "at_low", "at_high", "beyond"]


@dataclass(frozen=True, slots=True)
class LimitRule:
    """The widths of the two limits and the length of a halt; configured, fixed for a session."""

    first_ppm: int = 150_000
    second_ppm: int = 250_000
    halt_ns: int = 10 * MINUTE_NS


@dataclass(slots=True)
class Halt:
    """One halt, from `from_ns` (included) to `until_ns` (excluded; None: to the close).

    until_least_ns: the earliest end of a halt by the second limit, its trigger + 10 minutes.
    """

    from_ns: int
    until_ns: int | None
    tier: Literal[0, 1, 2]
    until_least_ns: int
    has_resumed: bool = False

    def covers(self, executed_at: int) -> bool:
        """Whether the halt covers a time of execution."""
        return self.from_ns <= executed_at and (
            self.until_ns is None or executed_at < self.until_ns
        )

    def has_ended(self, instant: int) -> bool:
        """Whether the halt's end is known and not after the instant."""
        return self.until_ns is not None and self.until_ns <= instant

    def until_at_close(self, close_at: int) -> int:
        """Its end for a known close; by the second limit the later of close and least end."""
        if self.until_ns is not None:
            return self.until_ns
        return max(close_at, self.until_least_ns) if self.tier == TIER_SECOND else close_at


@dataclass(slots=True)
class HaltState:
    """The limits and halts of one contract in the open session.

    tier_triggered: the last limit hit in this session: 0 none, 1 the first, 2 the second.
    """

    contract: str
    reference_ticks: int | None
    rule: LimitRule = field(default_factory=LimitRule)
    tier_triggered: Literal[0, 1, 2] = TIER_NONE
    halts: list[Halt] = field(default_factory=list)

    @property
    def limits(self) -> tuple[int, int] | None:
        """The active limits, low and high; None without a reference."""
        if self.reference_ticks is None:
            return None
        is_first = self.tier_triggered == TIER_NONE
        share_ppm = self.rule.first_ppm if is_first else self.rule.second_ppm
        return limits_of(self.reference_ticks, share_ppm)

    @property
    def ordinary_bounds(self) -> tuple[int, int, bool]:
        """Low, high and whether there are halts.

        Without halts a trade with low < price < high is ordinary: it is inside the limits and not
        halted, triggers nothing and resumes nothing. Only `apply_*` change the bounds.
        """
        low, high = self.limits or (-UNLIMITED_TICKS, UNLIMITED_TICKS)
        return low, high, bool(self.halts)

    def to_state(self) -> dict[str, Any]:
        """The state in plain values for a snapshot or a hash."""
        return {
            "contract": self.contract,
            "reference_ticks": self.reference_ticks,
            "rule": [self.rule.first_ppm, self.rule.second_ppm, self.rule.halt_ns],
            "tier_triggered": self.tier_triggered,
            "halts": [
                [halt.from_ns, halt.until_ns, halt.tier, halt.until_least_ns, halt.has_resumed]
                for halt in self.halts
            ],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The limits and halts of a state. Law: their `to_state` equals it."""
        return cls(
            contract=state["contract"],
            reference_ticks=state["reference_ticks"],
            rule=LimitRule(*state["rule"]),
            tier_triggered=state["tier_triggered"],
            halts=[Halt(*halt) for halt in state["halts"]],
        )


def limits_of(reference_ticks: int, share_ppm: int) -> tuple[int, int]:
    """The limits around a reference: the width rounded down to the tick, at least one tick."""
    width = max(1, reference_ticks * share_ppm // PPM)
    return reference_ticks - width, reference_ticks + width


def is_halted(state: HaltState, executed_at: int) -> bool:
    """Whether a halt, resumed since or not, covers a time of execution."""
    return any(halt.covers(executed_at) for halt in state.halts)


def judge_price(state: HaltState, price_ticks: int) -> Judgement:
    """The position of a price among the active limits: beyond is refused, at a limit clears."""
    limits = state.limits
    if limits is None:
        return "inside"
    low, high = limits
    if price_ticks < low or price_ticks > high:
        return "beyond"
    if price_ticks == low:
        return "at_low"
    return "at_high" if price_ticks == high else "inside"


def trigger(state: HaltState, price_ticks: int, *, executed_at: int) -> ContractHalted | None:
    """The halt by a cleared trade at the active limit; the second limit triggers only once."""
    judgement = judge_price(state, price_ticks)
    if judgement not in {"at_low", "at_high"} or state.tier_triggered == TIER_SECOND:
        return None
    is_first = state.tier_triggered == TIER_NONE
    return ContractHalted(
        at=executed_at,
        contract=state.contract,
        tier=TIER_FIRST if is_first else TIER_SECOND,
        direction="up" if judgement == "at_high" else "down",
        until=executed_at + state.rule.halt_ns if is_first else None,
        trigger_ticks=price_ticks,
        reason=None,
    )


def command_halt(state: HaltState, *, until: int | None, at: int, reason: str) -> ContractHalted:
    """The halt ordered by the exchange; without `until` it lasts to the close."""
    return ContractHalted(
        at=at,
        contract=state.contract,
        tier=TIER_COMMAND,
        direction=None,
        until=until,
        trigger_ticks=None,
        reason=reason,
    )


def resumes_before_trade(state: HaltState, executed_at: int) -> list[ContractResumed]:
    """The resumption to record before a cleared trade: one fact for all halts ended by its time.

    Its `at` is the end of the last of them.
    """
    return _resumed(
        state,
        [
            halt.until_ns
            for halt in state.halts
            if halt.until_ns is not None and not halt.has_resumed and halt.has_ended(executed_at)
        ],
    )


def close_session(state: HaltState, close_at: int) -> list[ContractResumed]:
    """The resumption to record at the close: one fact for all halts that end by then.

    Its `at` is the end of the last of them, which is the close for a halt to the close. While a
    halt reaches past the close the contract does not resume.
    """
    ends = [halt.until_at_close(close_at) for halt in state.halts if not halt.has_resumed]
    return [] if any(end > close_at for end in ends) else _resumed(state, ends)


def apply_halted(state: HaltState, fact: ContractHalted) -> None:
    """Remember a halt; one by a limit makes the second limit the active one."""
    until_least = fact.at + state.rule.halt_ns if fact.tier == TIER_SECOND else fact.at
    state.halts.append(Halt(fact.at, fact.until, fact.tier, until_least))
    if fact.tier != TIER_COMMAND:
        state.tier_triggered = fact.tier


def apply_resumed(state: HaltState, fact: ContractResumed) -> None:
    """Mark the halts that ended by the fact's time; late trades inside them are still refused."""
    for halt in state.halts:
        if halt.has_ended(fact.at):
            halt.has_resumed = True


def apply_new_session(
    state: HaltState,
    reference_ticks: int | None,
    *,
    close_at: int,
    rule: LimitRule | None = None,
) -> None:
    """Open the next session: first limits around the new reference, ended halts forgotten.

    close_at: the close of the session before; a halt that reaches past it continues to a fixed end.
    """
    for halt in state.halts:
        halt.until_ns = halt.until_at_close(close_at)
    state.halts = [halt for halt in state.halts if not halt.has_ended(close_at)]
    state.reference_ticks = reference_ticks
    state.tier_triggered = TIER_NONE
    state.rule = rule or state.rule


def _resumed(state: HaltState, ends: list[int]) -> list[ContractResumed]:
    return [ContractResumed(at=max(ends), contract=state.contract)] if ends else []
