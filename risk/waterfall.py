"""Who pays for a default, in which order, to the cent (RULEBOOK §7, The waterfall).

In: the cash of a defaulted member's accounts and its contribution, the clearinghouse's capital,
the standing members. Out: the loss by layer, and the postings that settle it. Pure: nothing is
changed. Source of the order: EMIR art. 43-45; customer margin never pays a loss of its firm, nor
another customer's (CFTC 1.20, EMIR art. 39).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from events.default_facts import WaterfallLayer
from events.ledger_names import CAPITAL, UNCOVERED, cash_of, default_of, fund_of
from events.units import PPM
from risk.shares import shares

MEMBER_HOUSE: Final = "member_house"
MEMBER_FUND: Final = "member_fund"
HOUSE_CAPITAL: Final = "house_capital"
OTHER_FUNDS: Final = "other_funds"
ASSESSMENT: Final = "assessment"
UNPAID: Final = "uncovered"


class Defaulter(NamedTuple):
    """A defaulted member whose positions are closed out.

    house_cents: the cash of its house account, 0 without one; customer_cents: the cash of its
    customers' accounts, by account; fund_cents: its contribution to the fund, which may be below 0.
    """

    member: str
    house_account: str | None
    house_cents: int
    customer_cents: Mapping[str, int]
    fund_cents: int


class StandingMember(NamedTuple):
    """A member that is not in default.

    required_cents: of the last sizing, 0 before the first; assessed_cents: for the same default
    already, when it was settled before.
    """

    member: str
    fund_cents: int
    required_cents: int
    assessed_cents: int = 0

    def assessable(self, assessment_ppm: int) -> int:
        """What it may be assessed for the default yet, in cents."""
        return max(0, self.required_cents * assessment_ppm // PPM - self.assessed_cents)


class Movement(NamedTuple):
    """A posting of the settlement, by ledger account."""

    debit: str
    credit: str
    amount_cents: int


class Waterfall(NamedTuple):
    """A default settled: its loss, who pays it, and the postings, in the order of the law.

    Law: the layers add up to the loss; after the postings no account of the member is below zero,
    and `house:default:<member>` is at zero.
    """

    loss_cents: int
    layers: tuple[WaterfallLayer, ...]
    movements: tuple[Movement, ...]


def waterfall(
    defaulter: Defaulter,
    *,
    capital_cents: int,
    standing: Sequence[StandingMember],
    assessment_ppm: int,
) -> Waterfall:
    """Settle a default. assessment_ppm: of its last requirement, the most a member is assessed."""
    lacking = _lacking(defaulter)
    loss_cents = unpaid = sum(lacking.values())
    through = default_of(defaulter.member)
    layers: list[WaterfallLayer] = []
    movements: list[Movement] = []
    means = (*_own_means(defaulter), _Means(HOUSE_CAPITAL, {"": max(0, capital_cents)}, CAPITAL))
    means += (
        *_means_of_standing(standing, assessment_ppm),
        _Means(UNPAID, {"": unpaid}, UNCOVERED),
    )
    for layer, cents_by_payer, ledger_account in means:
        paid = min(unpaid, sum(cents_by_payer.values()))
        for payer, cents in shares(paid, cents_by_payer).items():
            if cents:
                layers.append(WaterfallLayer(layer=layer, member=payer or None, amount_cents=cents))
                debit = ledger_account or fund_of(payer)
                movements.append(Movement(debit, through, cents))
        unpaid -= paid
    movements += [Movement(through, payee, cents) for payee, cents in lacking.items()]
    return Waterfall(loss_cents, tuple(layers), tuple(movements))


class _Means(NamedTuple):
    """What a layer has at most, by the member that pays, or "" for the clearinghouse.

    ledger_account: that pays; empty where it is each member's contribution.
    """

    layer: str
    cents: Mapping[str, int]
    ledger_account: str = ""


def _own_means(defaulter: Defaulter) -> tuple[_Means, ...]:
    """What the defaulter pays. Its house account pays for its customers and for nothing else."""
    customers_lack = sum(max(0, -cents) for cents in defaulter.customer_cents.values())
    house = min(max(0, defaulter.house_cents), customers_lack)
    return (
        _Means(MEMBER_HOUSE, {defaulter.member: house}, cash_of(defaulter.house_account or "")),
        _Means(MEMBER_FUND, {defaulter.member: max(0, defaulter.fund_cents)}),
    )


def _means_of_standing(
    standing: Sequence[StandingMember], assessment_ppm: int
) -> tuple[_Means, ...]:
    """What the standing members pay: their contributions, then what they are assessed."""
    return (
        _Means(OTHER_FUNDS, {each.member: max(0, each.fund_cents) for each in standing}),
        _Means(
            ASSESSMENT,
            {each.member: each.assessable(assessment_ppm) for each in standing},
        ),
    )


def _lacking(defaulter: Defaulter) -> dict[str, int]:
    """What is below zero by ledger account: accounts by name, then the contribution."""
    cash = dict(defaulter.customer_cents)
    if defaulter.house_account is not None:
        cash[defaulter.house_account] = defaulter.house_cents
    balances = {cash_of(account): cash[account] for account in sorted(cash)}
    balances[fund_of(defaulter.member)] = defaulter.fund_cents
    return {name: -cents for name, cents in balances.items() if cents < 0}
