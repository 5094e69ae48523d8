"""Cells and heads as people read them: dollars, percent, hours; the unit is in the cell.

In: a column's name, which has its unit, and a cell. Out: text. CSV and JSON keep the integers.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from events.units import MINUTE_NS, PPM, SECOND_NS
from services.reports.raw_line import printable
from services.reports.report import Cell, SettingText, fact_name

_UNITS: Final = frozenset({"cents", "ticks", "micros", "millionths", "ppm", "minutes", "ns"})
# Numbers that count nothing.
_NUMBERED: Final = ("seq", "position", "tier", "rules")
# What people call them.
_HEADS: Final = {
    "initial_cents": "requirement",
    "net_cents": "net: pay -, collect +",
    "calls_remaining_cents": "calls remaining",
    "age_minutes": "age of call",
}
_PER_CENT: Final = PPM // 100
_HOUR_MINUTES: Final = 60


def head_text(column: str) -> str:
    """A column's name without its unit, in words."""
    if column in _HEADS:
        return _HEADS[column]
    words = column.removeprefix("is_").split("_")
    return " ".join(word for word in words if word not in _UNITS)


def cell_text(column: str, cell: Cell) -> str:
    """A cell of a table for people."""
    if isinstance(cell, SettingText):
        return _setting(cell)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return _number(column, cell)
    return printable(plain_text(cell))


def fact_words(name: str) -> str:
    """The name of a fact in words, without its version."""
    return fact_name(name).replace("_", " ")


def plain_text(cell: Cell) -> str:
    """A cell as it stands in CSV."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def usd(cents: int) -> str:
    """Cents as dollars, to the cent."""
    return _dollars(cents, decimals=2)


def percent(ppm: int) -> str:
    """Millionths as percent, exactly."""
    whole, fraction = divmod(abs(ppm), _PER_CENT)
    decimals = f"{fraction:04d}".rstrip("0").ljust(2, "0")
    return f"{'-' if ppm < 0 else ''}{whole:,}.{decimals} %"


def _number(column: str, number: int) -> str:
    units = _UNITS & set(column.split("_"))
    if units & {"cents", "ticks"}:
        return usd(number)  # A tick is a cent a lot (Product).
    if "micros" in units:
        return _dollars(number, decimals=6)
    if "millionths" in units:
        return _dollars(number, decimals=6).replace("$", "")
    if "ppm" in units:
        return percent(number)
    if "minutes" in units:
        hours, minutes = divmod(number, _HOUR_MINUTES)
        return f"{hours:,} h {minutes:02d} min"
    if "ns" in units:
        return _seconds(number)
    return str(number) if column in _NUMBERED else f"{number:,}"


def _dollars(amount: int, *, decimals: int) -> str:
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), 10**decimals)
    return f"{sign}${whole:,}.{fraction:0{decimals}d}"


def _seconds(number: int) -> str:
    """Nanoseconds as hours, minutes and seconds, exactly."""
    minutes, within_minute = divmod(number, MINUTE_NS)
    hours, minutes = divmod(minutes, _HOUR_MINUTES)
    seconds, fraction = divmod(within_minute, SECOND_NS)
    decimals = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{hours:,}:{minutes:02d}:{seconds:02d}{decimals}"


def _setting(setting: SettingText) -> str:
    """A parameter's value in the unit of its kind."""
    if not setting.isdigit():
        return printable(setting)
    if setting.kind == "ppm":
        return percent(int(setting))
    return usd(int(setting)) if setting.kind == "cents" else f"{int(setting):,} {setting.kind}"
