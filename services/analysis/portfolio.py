"""Portfolios as text: trades of options, positions of a CSV file.

In: `SITZ26:-500@2.10`, or a file with the columns contract, lots and perhaps price. Out: trades.
Errors: ValueError that names the text and the reason; of a file CsvTrouble, with the line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from events.contracts import PRODUCTS, product_of, ticks_of
from events.units import parse_decimal
from services.sources.named_columns import NamedColumns, rows_of_file

_TRADE: Final = re.compile(r"(?P<contract>[^:@]+):(?P<lots>[^:@]+)(?:@(?P<price>[^:@]+))?")
_LOTS: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_COLUMNS: Final = NamedColumns(("contract", "lots"), optional=("price",))


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
    return _trade(parts["contract"], parts["lots"], price=parts["price"] or "")


def positions_of_file(path: Path) -> list[SupposedTrade]:
    """The positions of a CSV file. Errors: CsvTrouble."""

    def position(cells: Mapping[str, str]) -> SupposedTrade:
        return _trade(cells["contract"], cells["lots"], price=cells.get("price", ""))

    return rows_of_file(path, _COLUMNS, parse=position)


def _trade(contract: str, lots: str, *, price: str) -> SupposedTrade:
    contract, lots, price = contract.strip(), lots.strip(), price.strip()
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
