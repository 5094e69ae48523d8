"""The state of a market's books: their hash, and their snapshot, dumped and loaded."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import date
from typing import Any

from events.contracts import PRODUCTS
from risk.index_moves import IndexMoves
from risk.makers import QuotedTime, QuoteRule
from risk.margin import AddOn, Measure
from risk.margin_models import HISTORY_DAYS
from risk.model_review import ModelReview
from risk.price_limits import HaltState
from services.shards.control.state import name_order, shared_hash
from services.shards.market.books import (
    Amendment,
    ContractBooks,
    MarketBooks,
    market_books,
    set_limits,
)
from services.shards.state import (
    Column,
    SnapshotColumns,
    column_hash,
    column_hash_in,
    digest,
)
from settlement.control_books import ControlBooks
from settlement.index.books import IndexBooks
from settlement.positions import Positions
from settlement.quotes import Quote, QuoteBook
from settlement.session_trades import SessionTrades


def market_hash(books: MarketBooks) -> str:
    """The hash of a market's books."""
    tree = _tree(books, column_hash_in(name_order(books.control)), in_stream=column_hash)
    return digest({"control": shared_hash(books.control), **tree})


def dump_market(books: MarketBooks, *, links_sent: int) -> bytes:
    """A snapshot of a market's books, without the control books: `control/0` has those."""
    columns = SnapshotColumns()
    tree = _tree(books, columns, in_stream=columns)
    for name, contract in sorted(books.contracts.items()):
        tree["contracts"][name]["seqs"] = columns(contract.trades.seqs)
    return columns.joined(
        {**tree, "control_number": books.control.number, "links_sent": links_sent}
    )


def load_market(
    tree: dict[str, Any], columns: Sequence[array[int]], *, control: ControlBooks
) -> MarketBooks:
    """The market books of a snapshot. control: as of its control number."""
    product = PRODUCTS[tree["product"]]
    books = market_books(
        product,
        control,
        index=IndexBooks.from_state(product, tree["index"], fixings_kept=HISTORY_DAYS),
    )
    books.clock, books.anchor = tree["clock"], tree["anchor"]
    books.settled_until = tree["settled_until"]
    books.amendments = {name: Amendment(*values) for name, values in tree["amendments"].items()}
    books.review = ModelReview.from_state(tree["review"])
    books.moves = IndexMoves(*tree["moves"])
    for name, contract in tree["contracts"].items():
        books.contracts[name] = _load_contract(name, contract, columns=columns)
    set_limits(books)
    return books


def _tree(books: MarketBooks, by_account: Column, *, in_stream: Column) -> dict[str, Any]:
    return {
        "product": books.product.code,
        "clock": books.clock,
        "anchor": books.anchor,
        "settled_until": books.settled_until,
        "index": books.index.to_state(),
        "contracts": {
            name: _contract_tree(contract, by_account, in_stream=in_stream)
            # In order of symbol, so that columns have the same numbers after a load.
            for name, contract in sorted(books.contracts.items())
        },
        "amendments": {
            name: [amendment.price_ticks, amendment.is_busted]
            for name, amendment in books.amendments.items()
        },
        "review": books.review.to_state(),
        "moves": [books.moves.rises_ppm, books.moves.falls_ppm],
    }


def _contract_tree(
    contract: ContractBooks, by_account: Column, *, in_stream: Column
) -> dict[str, Any]:
    positions, trades = contract.positions, contract.trades
    return {
        "delivery": contract.delivery,
        "last_trading_day": contract.last_trading_day.isoformat(),
        "reference_ticks": contract.reference_ticks,
        "market_ticks": contract.market_ticks,
        "overruled_ticks": contract.overruled_ticks,
        "halts": contract.halts.to_state(),
        "settlements": contract.settlements,
        "traded_lots": contract.traded_lots,
        **_measure_tree(contract),
        "interest_lots": contract.interest_lots,
        "trades_carried": contract.trades_carried,
        **_carried_tree(contract),
        "mark_ticks": positions.mark_ticks,
        "lots": by_account(positions.lots),
        "open_cents": by_account(positions.open_cents),
        "paid_cents": None if positions.paid_cents is None else by_account(positions.paid_cents),
        "trades": [in_stream(column) for column in (trades.times, trades.prices, trades.lots)],
        "quotes": {maker: list(quote) for maker, quote in contract.quotes.by_maker.items()},
        **_quoted_tree(contract, in_stream),
    }


def _carried_tree(contract: ContractBooks) -> dict[str, Any]:
    """The carried price of a contract that has one: few ever do."""
    return {} if contract.carried_ticks is None else {"carried_ticks": contract.carried_ticks}


def _quoted_tree(contract: ContractBooks, in_stream: Column) -> dict[str, Any]:
    """What designated makers quoted, where there are any."""
    entries = {
        maker: [*quoted.rule, quoted.since_ns, in_stream(quoted.edges)]
        for maker, quoted in sorted(contract.quoted.items())
    }
    return {"quoted": entries} if entries else {}


def _load_quoted(tree: dict[str, Any], columns: Sequence[array[int]]) -> dict[str, QuotedTime]:
    return {
        maker: QuotedTime(QuoteRule(*rule), since_ns, columns[edges])
        for maker, (*rule, since_ns, edges) in tree.get("quoted", {}).items()
    }


def _measure_tree(contract: ContractBooks) -> dict[str, Any]:
    measure, add_on = contract.measure, contract.add_on
    return {
        "margin_model": contract.margin_model,
        "measure": None if measure is None else [measure.axis, measure.shocks_ppm],
        "add_on": None if add_on is None else [*add_on],
    }


def _load_measure(tree: dict[str, Any]) -> Measure | None:
    if tree["measure"] is None:
        return None
    axis, shocks_ppm = tree["measure"]
    return Measure(axis, tuple(shocks_ppm))


def _load_contract(
    name: str, tree: dict[str, Any], *, columns: Sequence[array[int]]
) -> ContractBooks:
    paid = tree["paid_cents"]
    times, prices, lots = (columns[number] for number in tree["trades"])
    return ContractBooks(
        symbol=name,
        delivery=tree["delivery"],
        last_trading_day=date.fromisoformat(tree["last_trading_day"]),
        reference_ticks=tree["reference_ticks"],
        market_ticks=tree["market_ticks"],
        overruled_ticks=tree["overruled_ticks"],
        halts=HaltState.from_state(tree["halts"]),
        positions=Positions(
            lots=columns[tree["lots"]],
            open_cents=columns[tree["open_cents"]],
            paid_cents=None if paid is None else columns[paid],
            mark_ticks=tree["mark_ticks"],
        ),
        trades=SessionTrades(seqs=columns[tree["seqs"]], times=times, prices=prices, lots=lots),
        quotes=QuoteBook({maker: Quote(*quote) for maker, quote in tree["quotes"].items()}),
        quoted=_load_quoted(tree, columns),
        settlements=tree["settlements"],
        traded_lots=tree["traded_lots"],
        measure=_load_measure(tree),
        margin_model=tree["margin_model"],
        add_on=None if tree["add_on"] is None else AddOn(*tree["add_on"]),
        interest_lots=tree["interest_lots"],
        trades_carried=tree["trades_carried"],
        carried_ticks=tree.get("carried_ticks"),
    )
