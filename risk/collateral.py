"""What assets other than cash count for (RULEBOOK §5).

In: units by account, prices in millionths of a dollar, the terms in force, requirements in cents.
Out: cents by account, exact, rounded down; nothing wraps. An asset is a row of data: another one
needs no code.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import gcd
from typing import Final, NamedTuple

import numpy as np

from events.asset_facts import AssetMoved
from events.asset_terms import AssetTerms
from events.int64 import IntArray
from events.units import HOUR_NS, INT64_MAX, PPM, fits_int64
from risk.asset_prices import AssetPrice

_MICROS_OF_A_CENT: Final = 10_000


class AssetWorth(NamedTuple):
    """What an asset is worth at a time: the price of a unit and the terms in force."""

    price_micros: int
    terms: AssetTerms


@dataclass(slots=True)
class AssetBook:
    """The units of accounts and the prices, by asset.

    units: by account number, one column for each asset that ever came in.
    """

    units: dict[str, array[int]] = field(default_factory=dict)
    prices: dict[str, AssetPrice] = field(default_factory=dict)

    def open_account(self) -> None:
        """Give a new account no units."""
        for column in self.units.values():
            column.append(0)

    def units_of(self, number: int) -> dict[str, int]:
        """The units of an account, by asset."""
        return {asset: column[number] for asset, column in self.units.items()}


def apply_units_moved(book: AssetBook, fact: AssetMoved, *, number: int, accounts: int) -> None:
    """Add to the units of an account. accounts: their number."""
    column = book.units.setdefault(fact.asset, array("q", bytes(8 * accounts)))
    units = column[number] + fact.units
    assert units >= 0, f"{fact.account} would hold {units} units of {fact.asset}"
    assert fits_int64(units), f"{fact.account} would hold {units} units of {fact.asset}"
    column[number] = units


def is_fresh(price: AssetPrice, terms: AssetTerms, *, at: int) -> bool:
    """Whether a price counts at a time: to the end of its last hour, that instant included."""
    return at - price.at <= terms.fresh_hours * HOUR_NS


def worths(book: AssetBook, terms: Mapping[str, AssetTerms], *, at: int) -> dict[str, AssetWorth]:
    """The assets that count at a time: in force, with a fresh price. terms: those in force."""
    return {
        asset: AssetWorth(price.micros, terms[asset])
        for asset, price in book.prices.items()
        if is_fresh(price, terms[asset], at=at)
    }


def counted_by_asset(
    units: Mapping[str, IntArray],
    worth: Mapping[str, AssetWorth],
    *,
    initial: IntArray,
    cash: IntArray,
) -> dict[str, IntArray]:
    """What each asset counts for, apart from the others: (A,), by asset name.

    units: (A,) of each asset; initial, cash: (A,). For no more than keeps cash and assets together
    inside int64.
    """
    room = INT64_MAX - np.maximum(cash, 0)
    by_asset = {}
    for asset, column in sorted(units.items()):
        counted = np.zeros_like(initial)
        if asset in worth:
            counted = np.minimum(asset_cents(column, worth[asset], initial=initial), room)
            room -= counted
        by_asset[asset] = counted
    return by_asset


def asset_cents(units: IntArray, worth: AssetWorth, *, initial: IntArray) -> IntArray:
    """What one asset counts for: (A,), its value less haircut, at most its share of initial.

    floor(units · price · (10⁶ − haircut_ppm) / 10⁶), at most floor(initial · share_ppm / 10⁶).
    """
    price_micros, terms = worth
    numerator, denominator = _reduced(
        price_micros * (PPM - terms.haircut_ppm), PPM * _MICROS_OF_A_CENT
    )
    # Of a requirement in millions and a remainder no product is beyond int64.
    millions, remainder = np.divmod(initial, PPM)
    most = millions * terms.share_ppm + remainder * terms.share_ppm // PPM
    if numerator == 0:
        return np.zeros_like(initial)
    is_narrow = units <= INT64_MAX // numerator
    narrow_units = np.where(is_narrow, units, 0)
    values = narrow_units * min(numerator, INT64_MAX) // denominator
    counted: IntArray = np.minimum(values, most)
    for index in np.flatnonzero(~is_narrow).tolist():
        cents = int(units[index]) * numerator // denominator
        counted[index] = min(cents, int(most[index]))
    return counted


def proceeds_cents(units: int, worth: AssetWorth) -> int:
    """What units bring when they are sold at their price less the haircut, rounded down."""
    price_micros, terms = worth
    return units * price_micros * (PPM - terms.haircut_ppm) // (PPM * _MICROS_OF_A_CENT)


def _reduced(numerator: int, denominator: int) -> tuple[int, int]:
    divisor = gcd(numerator, denominator)
    return numerator // divisor, denominator // divisor
