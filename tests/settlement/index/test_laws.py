"""Laws of the index, over many made-up histories (RULEBOOK §2, §9)."""

from __future__ import annotations

import json
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from events.contracts import PRODUCTS
from events.units import HOUR_NS
from settlement.index.books import IndexBooks, exact_inputs, index_value
from settlement.index.formula import capped_weights
from settlement.index.rules import DEFAULT_RULES
from tests.settlement.index.index_desk import FIXINGS_KEPT, START, Desk

VOLUMES = st.lists(st.one_of(st.integers(1, 9), st.integers(1, 2**63 - 1)), min_size=1, max_size=40)


def capped(volumes: list[int]) -> list[Fraction]:
    return capped_weights(volumes, DEFAULT_RULES.cap_of(len(volumes)))


def poured(volumes: list[int]) -> list[Fraction]:
    """Water-filling by the definition: each round's excess to those below the cap, pro rata."""
    cap = DEFAULT_RULES.cap_of(len(volumes))
    weights = [Fraction(volume, sum(volumes)) for volume in volumes]
    while max(weights) > cap:
        excess = sum(weight - cap for weight in weights if weight > cap)
        below = sum(weight for weight in weights if weight < cap)
        weights = [
            weight + excess * Fraction(weight, below) if weight < cap else cap for weight in weights
        ]
    return weights


@given(VOLUMES)
def test_weights_sum_to_one_and_none_is_above_the_cap(volumes: list[int]) -> None:
    weights = capped(volumes)
    assert sum(weights) == 1
    assert max(weights) <= DEFAULT_RULES.cap_of(len(volumes))
    assert min(weights) > 0


@given(VOLUMES)
def test_weights_are_those_of_pouring_by_the_definition(volumes: list[int]) -> None:
    assert capped(volumes) == poured(volumes)


@given(VOLUMES)
def test_a_larger_volume_never_weighs_less(volumes: list[int]) -> None:
    weights = capped(sorted(volumes))
    assert weights == sorted(weights)


REPORT = st.tuples(
    st.sampled_from(["score", "quote", "quote", "quote", "weigh", "retire", "pass", "fix"]),
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.sampled_from(["m", "n"]),
    st.sampled_from(["0", "0.5", "1", "1.02", "3", "3.1", "9.4", "90.01"]),
    st.integers(-12, 50).map(lambda steps: steps * HOUR_NS // 2),
)
HISTORY = st.lists(REPORT, max_size=60)


def lived(history: list[tuple[str, str, str, str, int]]) -> Desk:
    """Five providers of one model each, through a history of reports around the clock."""
    desk = Desk()
    for provider in "abcde":
        desk.score(f"{provider}/m")
        desk.weigh(provider, ord(provider) - 96)
    for kind, provider, model, number, ahead in history:
        name, at = f"{provider}/{model}", max(START, desk.clock + ahead)
        match kind:
            case "score":
                desk.score(name, at, scores=("86" if len(number) == 1 else "85", None, number))
                desk.score(name, at, scores=("88", None, None))
            case "quote":
                desk.quote(name, number, at)
            case "weigh":
                desk.weigh(provider, len(number) - 1, at)
            case "retire":
                desk.retire(name, at)
            case "pass":
                desk.move_to(max(desk.clock, at))
            case _:
                desk.fix(at)
    return desk


@given(HISTORY)
@settings(max_examples=150)
def test_replaying_the_recorded_facts_gives_the_same_books(
    history: list[tuple[str, str, str, str, int]],
) -> None:
    desk = lived(history)
    replayed = desk.replay()
    assert replayed == desk.books
    assert json.dumps(replayed.to_state()) == json.dumps(desk.books.to_state())


@given(HISTORY)
@settings(max_examples=150)
def test_a_snapshot_gives_the_books_back(history: list[tuple[str, str, str, str, int]]) -> None:
    desk = lived(history)
    books = desk.books
    state = json.loads(json.dumps(books.to_state()))
    restored = IndexBooks.from_state(PRODUCTS["SIT"], state, fixings_kept=FIXINGS_KEPT)
    assert restored == books
    assert restored.to_state() == state
    assert exact_inputs(restored, desk.clock) == books.inputs


@given(HISTORY)
@settings(max_examples=150)
def test_what_stands_is_always_the_index_of_the_clock(
    history: list[tuple[str, str, str, str, int]],
) -> None:
    desk = lived(history)
    inputs = exact_inputs(desk.books, desk.clock)
    assert inputs == desk.books.inputs
    if inputs:
        assert sum(each.weight for each in inputs) == 1
        prices = [each.adjusted_price for each in inputs]
        assert min(prices) <= index_value(inputs) <= max(prices)
        assert desk.books.value_micros == round(index_value(inputs) * 1_000_000)
    assert desk.books.is_stale is (not inputs and desk.books.value_micros is not None)


@given(
    st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100)), min_size=1, max_size=8).flatmap(
        lambda rows: st.tuples(st.just(rows), st.permutations(range(len(rows))))
    )
)
def test_the_order_of_providers_does_not_change_the_value(
    drawn: tuple[list[tuple[int, int]], list[int]],
) -> None:
    rows, order = drawn
    states = []
    for turns in (list(range(len(rows))), order):
        desk = Desk()
        for turn in turns:
            tokens, price = rows[turn]
            desk.score(f"p{turn}/m")
            desk.weigh(f"p{turn}", tokens)
            desk.quote(f"p{turn}/m", str(price))
        states.append((desk.books.inputs, desk.books.value_micros))
    assert states[0] == states[1]


def test_the_state_is_canonical_whatever_the_order_of_reports() -> None:
    first, second = Desk(), Desk()
    for desk, providers in ((first, "ab"), (second, "ba")):
        for provider in providers:
            desk.score(f"{provider}/m")
            desk.weigh(provider, 1)
    assert json.dumps(first.books.to_state()) == json.dumps(second.books.to_state())
    assert list(first.books.to_state()) == sorted(first.books.to_state())
