"""All reports: one file each, one line in the table.

In: a report's name. Out: what it tells, its options, and, once it is asked for, the function that
makes it: help and other reports do not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from services.reports.kind import ReportKind


class ReportOption(NamedTuple):
    """An option of reports, as the command line names and explains it."""

    name: str
    metavar: str
    tells: str


class ListedReport(NamedTuple):
    """A report as help lists it: what it tells; which options of OPTIONS it takes and needs."""

    tells: str
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


OPTIONS: Final = (
    ReportOption("member", "M", "one member; else all"),
    ReportOption("account", "A", "one account"),
    ReportOption("contract", "C", "one contract"),
    ReportOption("product", "P", "one product"),
    ReportOption("trade", "ID", "the trade's id"),
)
_ANY: Final = ("member", "account", "contract", "product")
LISTED: Final = {
    "statement": ListedReport(
        "a summary by member and origin; then positions, balances, movements, calls",
        ("member", "account"),
    ),
    "members": ListedReport(
        "requirement, collateral, excess or deficit, what is due and what came since, by origin",
        ("member",),
    ),
    "calls": ListedReport(
        "margin calls open now, or missed since the last cycle; with dates, open then or ended",
        ("member", "account"),
    ),
    "trades": ListedReport(
        "the trade register: cleared, bust, adjusted, transferred, taken over", _ANY
    ),
    "activity": ListedReport(
        "trades, volume, turnover, open interest by contract", ("contract", "product")
    ),
    "prices": ListedReport(
        "settlement prices with tier and reference, marks, final settlements, margin rates",
        ("contract", "product"),
    ),
    "index": ListedReport("index values with their inputs, prices held, the fixing", ("product",)),
    "spread": ListedReport(
        "front prices of SCU and SIT, the million SIT an SCU must bring, spreads cleared"
    ),
    "halts": ListedReport(
        "contracts halted, by which limit or command, and resumed", ("contract", "product")
    ),
    "limits": ListedReport("position limits warned of and breached", _ANY),
    "large-traders": ListedReport(
        "reportable positions by owner and contract, with shares of open interest",
        ("contract", "product"),
    ),
    "makers": ListedReport(
        "what makers quoted, of the time scored; obligations met and missed; net capital", _ANY
    ),
    "fund": ListedReport(
        "the default fund: size, what members must have, have and lack, calls, what moved",
        ("member",),
    ),
    "default": ListedReport(
        "each default from missed call to last cent: commands, facts, postings, who paid",
        ("member",),
    ),
    "stress": ListedReport(
        "by scenario the two largest losses over margin; cover, what the fund must have and has"
    ),
    "postings": ListedReport(
        "every cent that moved: debit, credit, amount, what for", ("member", "account", "product")
    ),
    "refusals": ListedReport("what was refused, why, and its bytes", _ANY),
    "config": ListedReport(
        "parameters in force with their sources, values that wait, changes ordered", ("product",)
    ),
    "trade": ListedReport(
        "one trade from bytes in to cents out, to the close of the date",
        ("trade", "product"),
        ("trade",),
    ),
}


class _Kinds(Mapping[str, "ReportKind"]):
    """The kinds of all reports by name, each read from its file when it is asked for."""

    def __getitem__(self, name: str) -> ReportKind:
        if name not in LISTED:
            raise KeyError(name)
        module = name.replace("-", "_")
        kind: ReportKind = getattr(
            import_module(f"services.reports.{module}"), f"{module.upper()}_REPORT"
        )
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(LISTED)

    def __len__(self) -> int:
        return len(LISTED)


REPORTS: Final[Mapping[str, ReportKind]] = _Kinds()
