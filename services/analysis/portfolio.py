"""Portfolios as text: trades of options, positions of a CSV file.

In: `SITZ26:-500@2.10`, or a file with the columns contract, lots and perhaps price. Out: trades.
Errors: ValueError that names the text, or the line of the file, and the reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from events.contracts import PRODUCTS, product_of, ticks_of
from events.units import parse_decimal

_TRADE: Final = re.compile(r"(?P<contract>[^:@]+):(?P<lots>[^:@]+)(?:@(?P<price>[^:@]+))?")
_LOTS: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_COLUMNS: Final = (["contract", "lots"], ["contract", "lots", "price"])


class SupposedTrade(NamedTuple):
    """A trade that nobody has made. lots: + is bought; price_ticks: None for the mark."""

    contract: str
    lots: int
    price_ticks: int | None = None


def parse_trade(text: str) -> SupposedTrade:
    """A trade of `CONTRACT:LOTS` or `CONTRACT:LOTS@PRICE`. Errors: ValueError."""
    parts = _TRADE.fullmatch(text)
    if parts is None:
        msg = f"expected CONTRACT:LOTS or CONTRACT:LOTS@PRICE, found {text[:60]!r}"
        raise ValueError(msg)
    return _trade(parts["contract"], parts["lots"], parts["price"] or "")


def read_positions(lines: Iterable[str]) -> Iterator[SupposedTrade]:
    """The positions of a CSV file with a header. Errors: ValueError, with the line's number."""
    rows = csv.reader(lines)
    header = [name.strip() for name in next(rows, [])]
    if header not in _COLUMNS:
        msg = f"line 1: expected the columns contract,lots or contract,lots,price, found {header}"
        raise ValueError(msg)
    for row in rows:
        if not any(row):
            continue
        try:
            yield _trade(*_cells(row, count=len(header)))
        except ValueError as error:
            msg = f"line {rows.line_num}: {error}"
            raise ValueError(msg) from error


def _cells(row: list[str], *, count: int) -> list[str]:
    if len(row) != count:
        msg = f"expected {count} cells, found {len(row)}"
        raise ValueError(msg)
    return row


def _trade(contract: str, lots: str, *prices: str) -> SupposedTrade:
    contract, lots, price = contract.strip(), lots.strip(), "".join(prices).strip()
    if _LOTS.fullmatch(lots) is None or int(lots) == 0:
        msg = f"expected lots as a whole number other than 0, found {lots[:40]!r}"
        raise ValueError(msg)
    product = PRODUCTS.get(product_of(contract))
    if product is None:
        msg = f"no contract {contract[:40]!r}"
        raise ValueError(msg)
    if not price:
        return SupposedTrade(contract, int(lots))
    ticks = ticks_of(parse_decimal(price), product)
    if ticks is None or ticks < 1:
        msg = f"expected a price above 0 in whole ticks of 0.01, found {price[:40]!r}"
        raise ValueError(msg)
    return SupposedTrade(contract, int(lots), ticks)
