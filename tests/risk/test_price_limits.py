"""Price limits and halts (RULEBOOK §6), sentence by sentence, and against a naive reading."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.market_facts import ContractHalted, ContractResumed
from events.units import parse_instant
from risk.price_limits import (
    HaltState,
    LimitRule,
    apply_halted,
    apply_new_session,
    apply_resumed,
    close_session,
    command_halt,
    is_halted,
    judge_price,
    limits_of,
    resumes_before_trade,
    trigger,
)


def at(clock: str) -> int:
    return parse_instant(f"2026-06-08T{clock}Z")


CLOSE = at("21:00:00")


def state_at_207() -> HaltState:
    return HaltState("SITM26", 207)


def trade(state: HaltState, price_ticks: int, clock: str) -> ContractHalted | None:
    return clear(state, price_ticks, at(clock))


def clear(state: HaltState, price_ticks: int, executed_at: int) -> ContractHalted | None:
    for fact in resumes_before_trade(state, executed_at):
        apply_resumed(state, fact)
    halted = trigger(state, price_ticks, executed_at=executed_at)
    if halted is not None:
        apply_halted(state, halted)
    return halted


def halt_by_command(state: HaltState, clock: str, until: str | None) -> None:
    until_ns = None if until is None else at(until)
    apply_halted(state, command_halt(state, until=until_ns, at=at(clock), reason="a fault"))


def close(state: HaltState, close_at: int = CLOSE) -> list[ContractResumed]:
    facts = close_session(state, close_at)
    for fact in facts:
        apply_resumed(state, fact)
    apply_new_session(state, state.reference_ticks, close_at=close_at)
    return facts


@pytest.mark.parametrize(
    ("reference", "share_ppm", "low", "high"),
    [
        (207, 150_000, 176, 238),  # 31.05 down to 31
        (207, 250_000, 156, 258),  # 51.75 down to 51
        (200, 150_000, 170, 230),
        (6, 150_000, 5, 7),  # 0.9: at least one tick
        (1, 150_000, 0, 2),
    ],
)
def test_the_width_is_rounded_down_to_the_tick_and_at_least_one(
    reference: int, share_ppm: int, low: int, high: int
) -> None:
    assert limits_of(reference, share_ppm) == (low, high)


def test_a_price_is_inside_at_or_beyond_the_active_limit() -> None:
    state = state_at_207()
    judgements = [judge_price(state, price) for price in (175, 176, 177, 237, 238, 239)]
    assert judgements == ["beyond", "at_low", "inside", "inside", "at_high", "beyond"]


def test_a_trade_at_the_first_limit_halts_for_ten_minutes_from_its_own_time() -> None:
    assert trade(state_at_207(), 238, "10:00:00") == ContractHalted(
        at=at("10:00:00"),
        contract="SITM26",
        tier=1,
        direction="up",
        until=at("10:10:00"),
        trigger_ticks=238,
        reason=None,
    )


def test_a_trade_at_the_low_limit_halts_downwards() -> None:
    halted = trade(state_at_207(), 176, "10:00:00")
    assert halted is not None
    assert halted.direction == "down"


@pytest.mark.parametrize("price", [237, 239])
def test_a_trade_inside_or_beyond_the_limit_triggers_nothing(price: int) -> None:
    assert trade(state_at_207(), price, "10:00:00") is None


def test_a_halt_includes_its_beginning_and_excludes_its_end() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    clocks = ("09:59:59.999999999", "10:00:00", "10:09:59.999999999", "10:10:00")
    assert [is_halted(state, at(clock)) for clock in clocks] == [False, True, True, False]


def test_a_late_trade_inside_a_halt_is_halted_even_after_the_contract_resumed() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    trade(state, 207, "10:12:00")
    assert is_halted(state, at("10:05:00"))


def test_after_a_first_halt_the_second_limit_is_active_in_both_directions() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    assert [judge_price(state, price) for price in (155, 156, 258, 259)] == [
        "beyond", "at_low", "at_high", "beyond",
    ]  # fmt: skip


def test_a_trade_executed_before_a_halt_is_judged_by_the_limits_active_now() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    assert not is_halted(state, at("09:50:00"))
    assert trade(state, 238, "09:50:00") is None
    assert judge_price(state, 250) == "inside"


def test_the_second_limit_halts_to_the_close_and_is_printed_null() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    halted = trade(state, 156, "11:00:00")
    assert halted == ContractHalted(
        at=at("11:00:00"),
        contract="SITM26",
        tier=2,
        direction="down",
        until=None,
        trigger_ticks=156,
        reason=None,
    )
    assert is_halted(state, at("23:00:00"))


def test_further_trades_at_the_second_limit_trigger_nothing_more() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    trade(state, 258, "11:00:00")
    assert trade(state, 156, "10:30:00") is None
    assert judge_price(state, 156) == "at_low"


def test_a_halt_by_command_changes_no_limit_and_has_neither_direction_nor_trigger() -> None:
    state = state_at_207()
    fact = command_halt(state, until=None, at=at("12:00:00"), reason="a fault")
    apply_halted(state, fact)
    assert (fact.tier, fact.direction, fact.until, fact.trigger_ticks) == (0, None, None, None)
    assert state.limits == (176, 238)


def test_a_contract_resumes_before_the_first_trade_at_its_end() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    assert resumes_before_trade(state, at("10:09:59")) == []
    facts = resumes_before_trade(state, at("10:10:00"))
    assert facts == [ContractResumed(at=at("10:10:00"), contract="SITM26")]


def test_a_contract_resumes_once() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    trade(state, 207, "10:20:00")
    assert resumes_before_trade(state, at("10:30:00")) == []
    assert close(state) == []


def test_one_fact_resumes_from_several_halts_at_the_end_of_the_last() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    halt_by_command(state, "10:05:00", "10:30:00")
    facts = resumes_before_trade(state, at("11:00:00"))
    assert [fact.at for fact in facts] == [at("10:30:00")]
    apply_resumed(state, facts[0])
    assert resumes_before_trade(state, at("11:00:00")) == []


def test_a_trade_between_two_halts_resumes_from_the_first_only() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    halt_by_command(state, "10:20:00", "10:30:00")
    trade(state, 207, "10:15:00")
    assert [fact.at for fact in resumes_before_trade(state, at("10:30:00"))] == [at("10:30:00")]


def test_a_contract_that_did_not_trade_again_resumes_at_the_close() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    assert [fact.at for fact in close(state)] == [at("10:10:00")]
    assert state.halts == []


@pytest.mark.parametrize(("clock", "end"), [("20:50:00", "21:00:00"), ("20:49:00", "21:00:00")])
def test_a_second_halt_of_ten_minutes_or_more_ends_with_the_close(clock: str, end: str) -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    trade(state, 207, "10:20:00")
    trade(state, 258, clock)
    assert [fact.at for fact in close(state)] == [at(end)]
    assert not is_halted(state, at(clock))


def test_a_second_halt_shortly_before_the_close_goes_on_for_its_ten_minutes() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    trade(state, 207, "10:20:00")
    trade(state, 258, "20:55:00")
    assert close(state) == []
    assert is_halted(state, at("21:04:59"))
    assert [fact.at for fact in resumes_before_trade(state, at("21:06:00"))] == [at("21:05:00")]


def test_a_first_halt_that_reaches_past_the_close_goes_on() -> None:
    state = state_at_207()
    trade(state, 238, "20:50:00.000000001")
    assert close(state) == []
    assert is_halted(state, CLOSE)
    assert [fact.at for fact in close(state, at("22:00:00"))] == [at("21:00:00.000000001")]


def test_a_first_halt_that_ends_with_the_close_ends_there() -> None:
    state = state_at_207()
    trade(state, 238, "20:50:00")
    assert [fact.at for fact in close(state)] == [CLOSE]


def test_a_halt_by_command_without_an_end_lasts_to_the_close_and_not_longer() -> None:
    state = state_at_207()
    halt_by_command(state, "20:59:00", None)
    assert [fact.at for fact in close(state)] == [CLOSE]
    assert not is_halted(state, CLOSE)


def test_a_halt_by_command_may_reach_into_the_next_session() -> None:
    state = state_at_207()
    halt_by_command(state, "20:59:00", "23:00:00")
    assert close(state) == []
    assert is_halted(state, at("22:59:59"))


def test_a_contract_does_not_resume_at_a_close_that_another_halt_reaches_past() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    halt_by_command(state, "20:59:00", "23:00:00")
    assert close(state) == []
    assert [halt.from_ns for halt in state.halts] == [at("20:59:00")]


def test_halts_of_earlier_sessions_that_ended_are_forgotten() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    close(state)
    assert not is_halted(state, at("10:05:00"))
    assert state.ordinary_bounds == (176, 238, False)


def test_the_next_session_has_first_limits_around_its_own_reference() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    apply_new_session(state, 300, close_at=CLOSE, rule=LimitRule(first_ppm=100_000))
    assert state.limits == (270, 330)
    assert trade(state, 330, "21:10:00") is not None


def test_a_contract_without_a_reference_has_no_limits() -> None:
    state = HaltState("SITM26", None)
    assert judge_price(state, 10**20) == "inside"
    assert trade(state, 10**20, "10:00:00") is None
    low, high, has_halts = state.ordinary_bounds
    assert low < 0 < 10**20 < high
    assert not has_halts


def test_a_contract_without_a_reference_can_be_halted_by_command() -> None:
    state = HaltState("SITM26", None)
    halt_by_command(state, "10:00:00", "10:30:00")
    assert is_halted(state, at("10:29:59"))
    assert state.ordinary_bounds[2]


def test_the_state_comes_back_from_its_plain_values() -> None:
    state = state_at_207()
    trade(state, 238, "10:00:00")
    trade(state, 207, "10:20:00")
    trade(state, 258, "20:55:00")
    stored = json.loads(json.dumps(state.to_state()))
    assert HaltState.from_state(stored) == state


CLOCKS = st.integers(min_value=at("20:30:00"), max_value=at("21:30:00"))
EVENTS = st.lists(st.tuples(st.integers(min_value=150, max_value=264), CLOCKS), max_size=12)


@given(events=EVENTS)
def test_a_trade_inside_the_ordinary_bounds_changes_nothing(
    events: list[tuple[int, int]],
) -> None:
    state = state_at_207()
    for price, clock in events:
        low, high, has_halts = state.ordinary_bounds
        halted = trigger(state, price, executed_at=clock)
        if low < price < high and not has_halts:
            assert judge_price(state, price) == "inside"
            assert not is_halted(state, clock)
            assert resumes_before_trade(state, clock) == []
            assert halted is None
        if halted is not None:
            apply_halted(state, halted)


class NaiveHalts:
    """Halts as bare spans, read off RULEBOOK §6 once more: [from, until, has_resumed]."""

    def __init__(self) -> None:
        """Begin without a halt."""
        self.spans: list[tuple[int, int, bool]] = []
        self.stage = 0

    def is_halted(self, executed_at: int) -> bool:
        """Whether any span holds the time."""
        return any(start <= executed_at < end for start, end, _ in self.spans)

    def resume_at_close(self) -> list[int]:
        """The same at the close; while a span reaches past it the contract stays halted."""
        return [] if any(end > CLOSE for _, end, _ in self.spans) else self.resume(CLOSE)

    def resume(self, instant: int) -> list[int]:
        """The end of the last span that ended by then and had not resumed."""
        ends = [end for _, end, is_done in self.spans if end <= instant and not is_done]
        self.spans = [(a, end, is_done or end <= instant) for a, end, is_done in self.spans]
        return [max(ends)] if ends else []

    def clear(self, price: int, executed_at: int) -> None:
        """Note a cleared trade; the close is known here from the start."""
        ten_minutes_on = executed_at + 600_000_000_000
        if self.stage == 0 and price in {176, 238}:
            self.spans.append((executed_at, ten_minutes_on, False))
            self.stage = 1
        elif self.stage == 1 and price in {156, 258}:
            self.spans.append((executed_at, max(CLOSE, ten_minutes_on), False))
            self.stage = 2


SESSION_CLOCKS = st.integers(min_value=at("20:30:00"), max_value=CLOSE - 1)
SESSION_PRICES = st.sampled_from([156, 176, 207, 238, 258])


@given(
    events=st.lists(st.tuples(SESSION_PRICES, SESSION_CLOCKS), max_size=12),
    late=st.lists(CLOCKS, max_size=5),
)
def test_halts_begin_and_resume_as_a_naive_list_of_spans_does(
    events: list[tuple[int, int]], late: list[int]
) -> None:
    state, naive = state_at_207(), NaiveHalts()
    for price, clock in events:
        assert is_halted(state, clock) == naive.is_halted(clock)
        if is_halted(state, clock) or judge_price(state, price) == "beyond":
            continue
        facts = resumes_before_trade(state, clock)
        assert [fact.at for fact in facts] == naive.resume(clock)
        naive.clear(price, clock)
        clear(state, price, clock)
    assert [fact.at for fact in close(state)] == naive.resume_at_close()
    naive.spans = [span for span in naive.spans if span[1] > CLOSE]
    assert [is_halted(state, clock) for clock in late] == [naive.is_halted(c) for c in late]
