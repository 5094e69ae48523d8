"""The types of every margin model (RULEBOOK §5); the models are in `margin_models`.

A model is two functions. `measure` runs in a market at the close, once per contract, and turns
history into integers: the loss of a lot in ppm of its price, scenario by scenario. `require` runs
in every cycle of the members and turns lots, prices and these integers into cents, for one account
or a million. Only integers pass between them, so that every machine adds the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from events.int64 import IntArray

# The axis of a rate: one scenario for each side, with the same loss.
RATE: Final = "rate"


@dataclass(frozen=True, slots=True)
class ContractHistory:
    """The settlement prices and index fixings of a contract at its close, newest last.

    settlements: in ticks, today's included; fixings: of the product's index, in micros.
    """

    settlements: Sequence[int]
    fixings: Sequence[int]


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


class Holding(NamedTuple):
    """The positions in a contract.

    accounts, lots: columns of one length, by rising account number; price_cents: of a lot, None
    while there is no price.
    """

    accounts: IntArray
    lots: IntArray
    price_cents: int | None
    measure: Measure


class Requirement(NamedTuple):
    """The initial margin of accounts.

    initial: (accounts,) cents, rounded up, never below 0. parts: for each holding the margin of its
    positions, in cents.
    """

    initial: IntArray
    parts: list[IntArray]


class MarginModel(NamedTuple):
    """A row of the table of models.

    history_days: prices and fixings that a market keeps for it; parameters: names of the settings
    that `measure` receives; require: takes holdings and the number of accounts.
    """

    name: str
    history_days: int
    parameters: tuple[str, ...]
    measure: Callable[[ContractHistory, Mapping[str, int]], Measure]
    require: Callable[[Sequence[Holding], int], Requirement]


def rate(rate_ppm: int, **evidence: int | str | None) -> Measure:
    """The measure of a rate: a loss in ppm of the price on either side."""
    return Measure(RATE, (rate_ppm,), evidence)
