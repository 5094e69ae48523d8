"""The types of every margin model (RULEBOOK §5); the models are in `margin_models`.

A model is two functions. `measure` runs in a market at the close, once per contract, and turns
history into integers: the loss of a lot in ppm of its price, scenario by scenario. `require` runs
in every cycle of the members and turns lots, prices and these integers into cents, for one account
or a million. Only integers pass between them, so that every machine adds the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, NamedTuple, Protocol

from events.int64 import IntArray

# The axis of a rate: one scenario for each side, with the same loss.
RATE: Final = "rate"
# How the axis of a contract begins that offsets nothing, in its last sessions.
ALONE: Final = "alone/"
# Then a contract is on the way to its settlement, which no other month shares.
_LAST_SESSIONS: Final = 2


@dataclass(frozen=True, slots=True)
class ContractHistory:
    """What a market knows of a contract at its close, newest last.

    settlements: in ticks, today's included; fixings: of the product's index, in micros. rank: 0 for
    the front month, among the contracts that go on; days_left, sessions_left: from the close to the
    end of the last trading day. business_date: None only where no model of scenarios is measured.
    ladder_days: the days_left of each contract that goes on, by rank; empty for one by itself.
    """

    settlements: Sequence[int]
    fixings: Sequence[int]
    product: str = ""
    business_date: date | None = None
    rank: int = 0
    days_left: int = 0
    sessions_left: int = 0
    ladder_days: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """The losses of a lot by scenario.

    axis: only scenarios of one axis are the same states of the world in several contracts.
    shocks_ppm: of the price, + is a loss of a long position; for a rate the loss of either side.
    evidence: the inputs of the measure, for the fact; never fed back. fallback: the name of what
    stands in where history does not suffice.
    """

    axis: str
    shocks_ppm: tuple[int, ...]
    evidence: Mapping[str, int | str | None] = field(default_factory=dict)
    fallback: str | None = None

    @property
    def long_ppm(self) -> int:
        """The largest loss of a long position in ppm of the price, never below 0."""
        return max(0, *self.shocks_ppm)

    @property
    def short_ppm(self) -> int:
        """The largest loss of a short position in ppm of the price, never below 0."""
        if self.axis == RATE:
            return self.long_ppm
        return max(0, -min(self.shocks_ppm))


class AddOn(NamedTuple):
    """The inputs of the add-ons to a contract's margin.

    traded_lots: the median of lots traded in a session, None without the concentration add-on;
    half_spread_ppm: half the spread that makers are allowed; jump_ppm: the move of a jump to the
    second price limit, None without that add-on.
    """

    traded_lots: int | None
    half_spread_ppm: int
    jump_ppm: int | None


NO_ADD_ON: Final = AddOn(None, 0, None)


class Holding(NamedTuple):
    """The positions in a contract.

    accounts, lots: columns of one length, by rising account number; price_cents: of a lot, None
    while there is no price. product: of the contract; add_on: None without add-ons.
    """

    accounts: IntArray
    lots: IntArray
    price_cents: int | None
    measure: Measure
    product: str = ""
    add_on: AddOn | None = None


class Requirement(NamedTuple):
    """The initial margin of accounts under one model, without add-ons.

    initial: (accounts,) cents, rounded up, never below 0. parts: for each holding the margin that
    its positions ask alone, in cents. credit: (accounts,) cents, what offsetting takes off: parts
    of an account − credit = initial; None where nothing offsets.
    """

    initial: IntArray
    parts: list[IntArray]
    credit: IntArray | None = None


class Require(Protocol):
    """From positions to requirements. settings: the portfolio parameters of the model."""

    def __call__(
        self, holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
    ) -> Requirement:
        """The requirement of each account, by account number."""


class MarginModel(NamedTuple):
    """A row of the table of models.

    history_days: prices and fixings that a market keeps for it; parameters: names of the settings
    that `measure` receives; require: takes holdings, the number of accounts and the settings named
    by `portfolio_parameters`, which are the clearinghouse's and not a product's. scenario_names:
    of a model whose scenarios are the same every day.
    """

    name: str
    history_days: int
    parameters: tuple[str, ...]
    measure: Callable[[ContractHistory, Mapping[str, int]], Measure]
    require: Require
    portfolio_parameters: tuple[str, ...] = ()
    scenario_names: tuple[str, ...] = ()


def rate(rate_ppm: int, *, fallback: str | None = None, **evidence: int | str | None) -> Measure:
    """The measure of a rate: a loss in ppm of the price on either side."""
    return Measure(RATE, (rate_ppm,), evidence, fallback)


def axis_of(history: ContractHistory, axis: str) -> str:
    """The axis of a contract under a model of scenarios, its own in its last two sessions."""
    if history.sessions_left > _LAST_SESSIONS or history.business_date is None:
        return axis
    return f"{ALONE}{history.product}/{history.business_date + timedelta(days=history.days_left)}"


def stated_measure(fact: Mapping[str, Any]) -> Measure:
    """The measure that a recorded `margin_rate_set` or `margin_scenarios_set` states."""
    if "rate_ppm" in fact:
        return rate(fact["rate_ppm"])
    return Measure(fact["axis"], tuple(fact["shocks_ppm"]), fact["evidence"], fact["fallback"])
