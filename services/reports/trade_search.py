"""Finding one trade in the journal by its id, and every row that speaks of it.

In: an id, perhaps a product. Out: rows with those of their facts that name the trade. The
remembered ids lead to the first row; from there on the market's rows are searched for the id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from events.codec import decode_command
from events.command import TRADE, Command
from services.journal.id_index import IdIndex, identity_keys
from services.reports.report import ReportFact, UnknownSubject
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
from services.shards.ids import Identity, ids_named

_NAMING: Final = (b"trade_", b"command_refused/1")
_TRADE_COMMANDS: Final = ("submit_trade/1", "bust_trade/1", "adjust_trade_price/1")
_CHANGES: Final = ("trade_novated/1", "trade_busted/1", "trade_price_adjusted/1")


@dataclass(slots=True)
class TradeRows:
    """The rows that speak of a trade, and the date to whose close they were looked for."""

    rows: list[tuple[StoredRow, list[ReportFact]]]
    until: date


def find_trade(
    view: JournalView, trade: str, *, product: str | None, until: date | None
) -> TradeRows:
    """All rows of a trade. Errors: UnknownSubject when no product knows it, or several do."""
    firsts = [
        row for shard in view.markets(product) for row in _first_row(view, trade, shard=shard)
    ]
    if not firsts:
        where = f" in {product}" if product else ""
        msg = (
            f"no trade {trade} is known{where}; what was refused as malformed or before the first "
            "session is not remembered by its id: see `report refusals`"
        )
        raise UnknownSubject(msg)
    if len(firsts) > 1:
        names = ", ".join(row.shard.partition("/")[2] for row in firsts)
        msg = f"trade {trade} is known in {names}: name one with --product"
        raise UnknownSubject(msg)
    rows = [
        (row, facts)
        for row in view.rows_naming(trade, first=firsts[0], until=until or date.max)
        if (facts := [fact for fact in row.facts(*_NAMING) if _is_about(fact, trade)])
    ]
    changed = [row.business_date for row, facts in rows if _has_change(facts)]
    shown_until = until or max(changed, default=firsts[0].business_date)
    return TradeRows(
        [entry for entry in rows if entry[0].business_date <= shown_until], shown_until
    )


def _first_row(view: JournalView, trade: str, *, shard: str) -> Iterator[StoredRow]:
    """The row that first brought the id to a shard."""
    index, named = IdIndex(shard, view.reader.connection), Identity(TRADE, trade)
    for seqs in index.lookup(identity_keys(TRADE, [trade])).values():
        for row in view.rows_numbered(shard, seqs):
            command = decode_command(row.line)
            # A hash leads here: another id may share it.
            if isinstance(command, Command) and named in ids_named(command, shard):
                yield row
                return


def _is_about(fact: ReportFact, trade: str) -> bool:
    if fact["type"] == "command_refused/1":
        return fact["command_type"] in _TRADE_COMMANDS and fact["reference"] == trade
    return bool(fact.get("trade_id") == trade)


def _has_change(facts: list[ReportFact]) -> bool:
    return any(fact["type"] in _CHANGES for fact in facts)
