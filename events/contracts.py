"""The contract table: products, and the symbols of their contracts (RULEBOOK §1).

A new product is one entry in `PRODUCTS`; nothing else in the code lists products.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

MONTH_CODES: Final = "FGHJKMNQUVXZ"
QUARTER_MONTHS: Final = (3, 6, 9, 12)
CONSECUTIVE_MONTHS: Final = 6
QUARTERS_AFTER: Final = 4
PRODUCT_LETTERS: Final = 3
# Products are quoted, margined and settled in it.
CURRENCY: Final = "USD"
CENTS_PER_USD: Final = 100
# An hour of it is one Standard Compute Unit.
UNIT_GPU: Final = "H100-80GB-SXM"

_SYMBOL: Final = re.compile(rf"([A-Z]{{3}})([{MONTH_CODES}])([0-9]{{2}})", re.ASCII)
_CENTURY: Final = 2000


@dataclass(frozen=True, slots=True)
class Product:
    """One futures product: its lot, its tick and the origin of its index.

    quote: the unit of its price, for one lot; lot_units: units of the underlying in a lot;
    is_compute: the underlying is hours of GPUs. Law: a tick is one cent a lot, so that prices in
    ticks times lots are cents everywhere.
    """

    code: str
    underlying: str
    quote: str
    lot_units: int
    ticks_per_usd: int
    is_index_external: bool
    is_compute: bool

    def __post_init__(self) -> None:
        """Assert a code that symbols can carry, and ticks of one cent."""
        assert len(self.code) == PRODUCT_LETTERS, f"{self.code}: expected three letters"
        assert self.code.isascii(), f"{self.code}: expected letters A to Z"
        assert self.code.isupper(), f"{self.code}: expected letters A to Z"
        ticks = f"{self.code}: expected {CENTS_PER_USD} ticks a dollar, found {self.ticks_per_usd}"
        assert self.ticks_per_usd == CENTS_PER_USD, ticks

    @property
    def micros_per_tick(self) -> int:
        """A tick in millionths of a dollar, the unit of the index."""
        return 1_000_000 // self.ticks_per_usd


PRODUCTS: Final[dict[str, Product]] = {
    "SIT": Product(
        code="SIT",
        underlying="Standard Inference Token",
        quote="USD per million SIT",
        lot_units=1_000_000,
        ticks_per_usd=100,
        is_index_external=False,
        is_compute=False,
    ),
    "SCU": Product(
        code="SCU",
        underlying=f"Standard Compute Unit: one hour of an {UNIT_GPU}",
        quote="USD per SCU",
        lot_units=1,
        ticks_per_usd=100,
        is_index_external=True,
        is_compute=True,
    ),
}

PRODUCTS_AT_START: Final = ("SIT",)


@dataclass(frozen=True, slots=True, order=True)
class Delivery:
    """A delivery month."""

    year: int
    month: int

    @property
    def text(self) -> str:
        """`YYYY-MM`."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def next(self) -> Delivery:
        """The month after."""
        return Delivery(self.year + self.month // 12, self.month % 12 + 1)


def delivery_of(day: date) -> Delivery:
    """The delivery month of a day."""
    return Delivery(day.year, day.month)


def product_of(contract: str) -> str:
    """The product of a contract: its first three letters (WIRE §2)."""
    return contract[:PRODUCT_LETTERS]


def symbol(product: str, delivery: Delivery) -> str:
    """`SITZ26` for SIT, December 2026."""
    return f"{product}{MONTH_CODES[delivery.month - 1]}{delivery.year % 100:02d}"


def parse_symbol(contract: str) -> Delivery | None:
    """The delivery month of a well-formed symbol; None for any other text."""
    match = _SYMBOL.fullmatch(contract)
    if match is None:
        return None
    return Delivery(_CENTURY + int(match.group(3)), MONTH_CODES.index(match.group(2)) + 1)


def ticks_of(price: Decimal, product: Product) -> int | None:
    """The price in ticks; None when it is not a whole number of ticks."""
    ticks = price * product.ticks_per_usd
    whole = int(ticks)
    return whole if whole == ticks else None
