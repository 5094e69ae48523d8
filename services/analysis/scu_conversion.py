"""Hours of GPUs and their prices as Standard Compute Units (RULEBOOK §1, D).

In: rows of hours and prices, the table of GPUs. Out: a report of each row, and of all the hours,
the SCU and the mean price of one, weighed by SCU (the whole cost over all SCU); or for each time in
the rows the mean of its rows as a `publish_index/1` line. All in fractions; what is printed is
rounded half to even to a millionth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from events.market_commands import PublishIndex
from events.units import PPM, format_instant, micros
from services.reports.kind import answer_of
from services.reports.report import NamedCells, Origin, Report, TableLayout
from services.sources.gpu_hours import scu_of, usd_per_scu
from services.sources.gpu_prices import GpuPrice, WrongRow

_COLUMNS: Final = (
    "line", "row", "at", "gpu", "hours_millionths", "usd_per_hour_micros",
    "scu_per_hour_millionths", "scu_millionths", "usd_per_scu_micros",
)  # fmt: skip


class ScuPrice(NamedTuple):
    """A row with what an hour of its GPU is, what its hours are, and what an SCU costs."""

    price: GpuPrice
    scu_ppm: int
    scu: Fraction
    usd_per_scu: Fraction


def in_scu(
    rows: Iterable[GpuPrice | WrongRow], table: Mapping[str, int]
) -> Iterator[ScuPrice | WrongRow]:
    """The rows in SCU, by millionths of an SCU by GPU; one of another GPU is wrong."""
    for row in rows:
        if isinstance(row, WrongRow):
            yield row
        elif row.gpu not in table:
            yield WrongRow(
                row.row, f"gpu: expected one of {', '.join(table)}, found {row.gpu[:40]}"
            )
        else:
            ppm = table[row.gpu]
            yield ScuPrice(row, ppm, scu_of(row.hours, ppm), usd_per_scu(row.usd_per_hour, ppm))


def conversion_report(
    prices: Sequence[ScuPrice], *, table: str, origins: Sequence[Origin]
) -> Report:
    """The rows, and all together. table: which it is, in words."""
    return answer_of(
        f"GPU hours in SCU, by {table}",
        [*map(_cells, prices), *([_total(prices)] if prices else [])],
        columns=_COLUMNS,
        layouts=(
            TableLayout(_COLUMNS[1:], "Rows", ("row",)),
            TableLayout(
                ("hours_millionths", "scu_millionths", "usd_per_scu_micros"), "All", ("all",)
            ),
        ),
        origins=origins,
    )


def index_lines(prices: Sequence[ScuPrice], product: str) -> Iterator[str]:
    """For each time, in order, the mean price of its rows as a command, weighed by SCU."""
    by_time: dict[int, list[ScuPrice]] = {}
    for price in prices:
        assert price.price.at is not None, price
        by_time.setdefault(price.price.at, []).append(price)
    for at in sorted(by_time):
        whole, beyond = divmod(micros(_mean(by_time[at])), PPM)
        fields = {"product": product, "value": f"{whole}.{beyond:06d}", "at": format_instant(at)}
        yield json.dumps({"type": PublishIndex.TYPE, **fields}, separators=(",", ":"))


def _cells(price: ScuPrice) -> NamedCells:
    row = price.price
    return {
        "line": "row",
        "row": row.row,
        "at": None if row.at is None else format_instant(row.at),
        "gpu": row.gpu,
        "hours_millionths": micros(Fraction(row.hours)),
        "usd_per_hour_micros": micros(Fraction(row.usd_per_hour)),
        "scu_per_hour_millionths": price.scu_ppm,
        "scu_millionths": micros(price.scu),
        "usd_per_scu_micros": micros(price.usd_per_scu),
    }


def _total(prices: Sequence[ScuPrice]) -> NamedCells:
    hours = sum((Fraction(price.price.hours) for price in prices), Fraction(0))
    return {
        "line": "all",
        "hours_millionths": micros(hours),
        "scu_millionths": micros(sum((price.scu for price in prices), Fraction(0))),
        "usd_per_scu_micros": micros(_mean(prices)),
    }


def _mean(prices: Sequence[ScuPrice]) -> Fraction:
    """The whole cost over all SCU; of hours above 0."""
    cost = sum((price.scu * price.usd_per_scu for price in prices), Fraction(0))
    return cost / sum((price.scu for price in prices), Fraction(0))
