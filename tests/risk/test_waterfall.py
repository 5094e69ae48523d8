"""The waterfall (RULEBOOK §7), worked by hand, against a naive twin, and its laws."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.waterfall import Defaulter, Movement, StandingMember, Waterfall, waterfall

Layers = list[tuple[str, str | None, int]]
FULL = 1_000_000


def defaulter(
    house: int, *, fund: int = 0, customers: Mapping[str, int] | None = None, member: str = "A"
) -> Defaulter:
    """Member A with its house account A-H."""
    return Defaulter(member, f"{member}-H", house, customers or {}, fund)


def others(*of_each: tuple[str, int, int]) -> list[StandingMember]:
    """Standing members: name, contribution, requirement."""
    return [StandingMember(*values) for values in of_each]


def layers_of(settled: Waterfall) -> Layers:
    """The layers in plain values."""
    return [(layer.layer, layer.member, layer.amount_cents) for layer in settled.layers]


# Defaulter, capital, standing members, assessment_ppm, loss, layers.
BY_HAND = {
    "the house pays for its customers and nothing else is touched": (
        defaulter(800, fund=50, customers={"A-C": -500, "A-D": -100}), 1_000, [], FULL,
        600, [("member_house", "A", 600)],
    ),
    "the house account pays only what customers lack": (
        defaulter(800, fund=-50, customers={"A-C": -500}), 0, [], FULL,
        550, [("member_house", "A", 500), ("uncovered", None, 50)],
    ),
    "a contribution below zero alone is not the house account's": (
        defaulter(800, fund=-50), 30, [], FULL, 50, [("house_capital", None, 30),
        ("uncovered", None, 20)],
    ),
    "a customer's cash pays neither another customer nor the firm": (
        defaulter(-100, customers={"A-C": 1_000, "A-D": -10}), 0, [], FULL,
        110, [("uncovered", None, 110)],
    ),
    "no loss has no layers": (defaulter(0, fund=9, customers={"A-C": 5}), 9, [], FULL, 0, []),
    "every layer in the order of the law": (
        # Loss 100 + 200 = 300 of customers (house 40), fund 30, capital 20: 210 left. B and C have
        # 60 and 30; assessed at half of 100 and 51: 50 and 25. 45 are not covered.
        defaulter(40, fund=30, customers={"A-D": -200, "A-C": -100}), 20,
        others(("C", 30, 51), ("B", 60, 100)), 500_000,
        300, [("member_house", "A", 40), ("member_fund", "A", 30), ("house_capital", None, 20),
              ("other_funds", "B", 60), ("other_funds", "C", 30),
              ("assessment", "B", 50), ("assessment", "C", 25), ("uncovered", None, 45)],
    ),
    "requirements of a first close, nothing paid in": (
        defaulter(-100_000_000), 0, others(("B", 0, 33_333_333), ("C", 0, 33_333_333)), FULL,
        100_000_000, [("assessment", "B", 33_333_333), ("assessment", "C", 33_333_333),
                      ("uncovered", None, 33_333_334)],
    ),
    "no standing member": (
        defaulter(-100, fund=30), 20, [], FULL,
        100, [("member_fund", "A", 30), ("house_capital", None, 20), ("uncovered", None, 50)],
    ),
    "no capital, and a capital below zero pays nothing": (
        defaulter(-10), -5, others(("B", 100, 0)), FULL, 10, [("other_funds", "B", 10)],
    ),
    "no assessment": (
        defaulter(-100), 0, others(("B", 30, 500)), 0,
        100, [("other_funds", "B", 30), ("uncovered", None, 70)],
    ),
    "equals by name, and who pays nothing is not named": (
        defaulter(-5), 0, others(("D", 0, 9), ("C", 7, 9), ("B", 7, 9)), FULL,
        5, [("other_funds", "B", 3), ("other_funds", "C", 2)],
    ),
    "a contribution below zero pays nothing, and is assessed like any": (
        defaulter(-20), 0, others(("B", -50, 10), ("C", 6, 10)), FULL,
        20, [("other_funds", "C", 6), ("assessment", "B", 7), ("assessment", "C", 7)],
    ),
    "an assessment is rounded down": (
        defaulter(-20), 0, others(("B", 0, 3), ("C", 0, 0)), 333_333,
        20, [("uncovered", None, 20)],
    ),
    "beyond what an int64 holds": (
        defaulter(-(2**63), customers={"A-C": -(2**63)}), 0, [], FULL,
        2**64, [("uncovered", None, 2**64)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND.values(), ids=BY_HAND)
def test_who_pays_what(
    case: tuple[Defaulter, int, list[StandingMember], int, int, Layers],
) -> None:
    of_default, capital, standing, assessment_ppm, loss, layers = case
    settled = waterfall(
        of_default, capital_cents=capital, standing=standing, assessment_ppm=assessment_ppm
    )
    assert (settled.loss_cents, layers_of(settled)) == (loss, layers)


def test_the_postings_go_through_the_default_to_each_account_by_name_then_to_the_fund() -> None:
    settled = waterfall(
        defaulter(-7, fund=-3, customers={"B-c": -4, "A-C": -2, "A-K": 9}),
        capital_cents=6,
        standing=others(("B", 5, 2), ("C", 0, 2)),
        assessment_ppm=FULL,
    )
    assert settled.movements == (
        Movement("house:capital", "house:default:A", 6),
        Movement("fund:B", "house:default:A", 5),
        Movement("fund:B", "house:default:A", 2),
        Movement("fund:C", "house:default:A", 2),
        Movement("house:uncovered", "house:default:A", 1),
        Movement("house:default:A", "cash:A-C", 2),
        Movement("house:default:A", "cash:A-H", 7),
        Movement("house:default:A", "cash:B-c", 4),
        Movement("house:default:A", "fund:A", 3),
    )


def test_the_house_account_and_the_own_contribution_pay_from_their_ledger_accounts() -> None:
    settled = waterfall(
        defaulter(3, fund=9, customers={"A-C": -5}), capital_cents=0, standing=[], assessment_ppm=0
    )
    assert settled.movements == (
        Movement("cash:A-H", "house:default:A", 3),
        Movement("fund:A", "house:default:A", 2),
        Movement("house:default:A", "cash:A-C", 5),
    )


def test_a_member_without_a_house_account_has_customers_alone() -> None:
    settled = waterfall(
        Defaulter("A", None, 0, {"A-C": -5}, 2), capital_cents=0, standing=[], assessment_ppm=0
    )
    assert layers_of(settled) == [("member_fund", "A", 2), ("uncovered", None, 3)]
    assert settled.movements[-1] == Movement("house:default:A", "cash:A-C", 5)


CENTS = st.integers(-60, 60) | st.integers(-(2**63), 2**63 - 1)
FROM_ZERO = st.integers(0, 60) | st.integers(0, 2**63 - 1)
CUSTOMERS = st.dictionaries(st.sampled_from(["A-C", "A-D", "Z", "a"]), CENTS)
DEFAULTERS = st.builds(
    Defaulter, st.just("A"), st.just("A-H"), CENTS, CUSTOMERS, CENTS
) | st.builds(Defaulter, st.just("A"), st.none(), st.just(0), CUSTOMERS, CENTS)
STANDING = st.lists(
    st.builds(StandingMember, st.sampled_from(["B", "C", "b", "D-1"]), CENTS, FROM_ZERO, FROM_ZERO),
    unique_by=lambda member: member.member,
)
PPM_SHARE = st.sampled_from([0, 1, 333_333, FULL, 2_000_000])


def units_of(pool: int, weights: dict[str, int]) -> dict[str, int]:
    """The twin's shares: by the rank of the remainder of each weight's part of the pool."""
    whole = sum(weights.values())
    order = sorted(weights, key=lambda name: (-(pool * weights[name] % whole), name))
    floors = {name: pool * weights[name] // whole for name in weights}
    spare = pool - sum(floors.values())
    return {name: floors[name] + (order.index(name) < spare) for name in sorted(weights)}


def twin(
    of_default: Defaulter, capital: int, standing: list[StandingMember], assessment_ppm: int
) -> tuple[int, Layers]:
    """The waterfall written from the law a second time: a loss that flows down step by step."""
    customers = -sum(cents for cents in of_default.customer_cents.values() if cents < 0)
    firm = -min(0, of_default.house_cents) - min(0, of_default.fund_cents)
    layers: Layers = []
    by_house = min(customers, max(of_default.house_cents, 0))
    after_house = customers + firm - by_house
    layers.append(("member_house", "A", by_house))
    by_fund = min(after_house, max(of_default.fund_cents, 0))
    layers.append(("member_fund", "A", by_fund))
    by_capital = min(after_house - by_fund, max(capital, 0))
    layers.append(("house_capital", None, by_capital))
    due = after_house - by_fund - by_capital
    funds = {name: fund for name, fund, _, _ in standing if fund > 0}
    levy = {
        name: max(need * assessment_ppm // 10**6 - assessed, 0)
        for name, _, need, assessed in standing
    }
    for layer, pots in (("other_funds", funds), ("assessment", levy)):
        parts = dict(sorted(pots.items())) if sum(pots.values()) <= due else units_of(due, pots)
        layers += [(layer, name, part) for name, part in parts.items()]
        due -= sum(parts.values())
    layers.append(("uncovered", None, due))
    return customers + firm, [layer for layer in layers if layer[2]]


@given(DEFAULTERS, CENTS, STANDING, PPM_SHARE)
def test_it_is_that_of_the_naive_twin(
    of_default: Defaulter, capital: int, standing: list[StandingMember], assessment_ppm: int
) -> None:
    settled = waterfall(
        of_default, capital_cents=capital, standing=standing, assessment_ppm=assessment_ppm
    )
    expected = twin(of_default, capital, standing, assessment_ppm)
    assert (settled.loss_cents, layers_of(settled)) == expected


def balances_before(
    of_default: Defaulter, capital: int, standing: list[StandingMember]
) -> dict[str, int]:
    """Balances by ledger account."""
    balances = {f"cash:{name}": cents for name, cents in of_default.customer_cents.items()}
    if of_default.house_account is not None:
        balances[f"cash:{of_default.house_account}"] = of_default.house_cents
    balances |= {f"fund:{member.member}": member.fund_cents for member in standing}
    balances[f"fund:{of_default.member}"] = of_default.fund_cents
    return balances | {"house:capital": capital}


def settle(balances: dict[str, int], settled: Waterfall) -> dict[str, int]:
    """Balances after the postings."""
    after = dict(balances)
    for debit, credit, cents in settled.movements:
        assert cents > 0
        after[debit] = after.get(debit, 0) - cents
        after[credit] = after.get(credit, 0) + cents
    return after


@given(DEFAULTERS, CENTS, STANDING, PPM_SHARE)
def test_the_layers_add_up_and_the_postings_bring_all_that_lacks_to_zero_and_no_further(
    of_default: Defaulter, capital: int, standing: list[StandingMember], assessment_ppm: int
) -> None:
    settled = waterfall(
        of_default, capital_cents=capital, standing=standing, assessment_ppm=assessment_ppm
    )
    before = balances_before(of_default, capital, standing)
    after = settle(before, settled)
    assert sum(layer.amount_cents for layer in settled.layers) == settled.loss_cents
    assert after.pop("house:default:A", 0) == 0
    for name, cents in of_default.customer_cents.items():
        assert after[f"cash:{name}"] == max(0, cents)  # no customer pays, whatever it has
    for name, cents in (("cash:A-H", of_default.house_cents), ("fund:A", of_default.fund_cents)):
        assert 0 <= after.get(name, 0) <= max(0, cents)
    assert min(0, capital) <= after["house:capital"] <= capital


@given(DEFAULTERS, CENTS, STANDING, PPM_SHARE)
def test_nobody_pays_more_than_its_contribution_and_its_assessment(
    of_default: Defaulter, capital: int, standing: list[StandingMember], assessment_ppm: int
) -> None:
    settled = waterfall(
        of_default, capital_cents=capital, standing=standing, assessment_ppm=assessment_ppm
    )
    after = settle(balances_before(of_default, capital, standing), settled)
    for name, fund, required, assessed in standing:
        cap = max(0, required * assessment_ppm // 10**6 - assessed)
        assert after[f"fund:{name}"] >= min(0, fund) - cap


Books = dict[str, Defaulter]


def play(order: tuple[str, ...], books: Books, required: int) -> dict[str, int]:
    """Balances after several defaults at once: who waits for its settlement pays for none."""
    balances = {"house:capital": 25, "fund:S": 40, "fund:T": 30}
    for each in books.values():
        balances |= {f"fund:{each.member}": each.fund_cents, f"cash:{each.member}-H": 0}
        balances[f"cash:{each.member}-H"] = each.house_cents
        balances |= {f"cash:{name}": cents for name, cents in each.customer_cents.items()}
    for name in order:
        settled = waterfall(
            books[name],
            capital_cents=balances["house:capital"],
            standing=[StandingMember(each, balances[f"fund:{each}"], required) for each in "ST"],
            assessment_ppm=FULL,
        )
        balances = settle(balances, settled)
    return balances


@given(
    st.lists(st.tuples(st.integers(-90, 30), st.integers(-90, 30), st.integers(-9, 40)),
             min_size=2, max_size=3),
    st.integers(0, 30),
)  # fmt: skip
def test_the_order_of_defaults_changes_no_sum_but_the_split(
    cents: list[tuple[int, int, int]], required: int
) -> None:
    books = {
        name: defaulter(house, fund=fund, customers={f"{name}-C": customer}, member=name)
        for name, (house, customer, fund) in zip("ABC", cents, strict=False)
    }
    totals: list[tuple[int, int]] = []
    for order in permutations(books):
        after = play(order, books, required)
        own = {name for name in after if name.removeprefix("cash:")[0] in books}
        own |= {f"fund:{name}" for name in books}
        assert all(after[name] >= 0 for name in own)
        mutual = ("house:capital", "fund:S", "fund:T", "house:uncovered")
        totals.append((sum(after[name] for name in sorted(own)),
                       sum(after.get(name, 0) for name in mutual)))  # fmt: skip
    assert len({*totals}) == 1
