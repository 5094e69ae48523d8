"""The state of a shard's books: its hash, its snapshot, and the way back (ARCHITECTURE §3).

One description serves both: a JSON tree in which columns are replaced, for a hash by the SHA-256 of
the column in the order of account names, for a snapshot by their place among the raw columns behind
the tree. No offset, sequence number or time of processing is in a hash; a snapshot has them beside
the tree.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import numpy as np

from events.contracts import PRODUCTS
from events.refusals import Reason, Refusal
from risk import calls, price_limits, withdrawals
from services.shards.market.books import (
    Amendment,
    ContractBooks,
    MarketBooks,
    add_holder,
)
from services.shards.market.position_limits import set_limits
from services.shards.member.books import MemberBooks
from settlement.control_books import Account, ControlBooks, Member, Setting
from settlement.index import books as index_books
from settlement.index.rules import index_rules
from settlement.positions import Positions
from settlement.quotes import Quote, QuoteBook
from settlement.session_trades import SessionTrades

# Accounts hashed at once: about a megabyte of text.
_ROWS_HASHED: Final = 8_192

Column = Callable[["array[int]"], Any]
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def control_hash(books: ControlBooks) -> str:
    """The hash of the control books of `control/0`."""
    return _digest({"shared": shared_hash(books), "cycles_refused": _cycles_refused(books)})


def shared_hash(books: ControlBooks) -> str:
    """The hash of what all shards know alike: refused cycles are remembered in `control/0` only."""
    return _digest({"registry": registry_digest(books), **_control_tree(books)})


def market_hash(books: MarketBooks) -> str:
    """The hash of a market's books."""
    tree = _market_tree(books, _hashed_by_name(books.control), in_stream=_hashed)
    return _digest({"control": shared_hash(books.control), **tree})


def member_hash(books: MemberBooks) -> str:
    """The hash of the members' books."""
    tree = _member_tree(books, _hashed_by_name(books.control))
    return _digest({"control": shared_hash(books.control), **tree})


def registry_digest(books: ControlBooks) -> str:
    """The hash of members and accounts by name; at most once while they stay as they are."""
    if books.registry_hash is None:
        books.registry_hash = _hash_registry(books)
    return books.registry_hash


def _hash_registry(books: ControlBooks) -> str:
    members = [
        [one.name, one.title, one.admitted_at, one.is_defaulted, one.house_account]
        for _, one in sorted(books.members.items())
    ]
    numbered = books.accounts_by_number
    rows = [
        (one.name, one.member.name, one.origin, one.owner, one.opened_at, one.is_suspended)
        for one in map(numbered.__getitem__, name_order(books).tolist())
    ]
    accounts = hashlib.sha256()
    for first in range(0, len(rows), _ROWS_HASHED):
        some = rows[first : first + _ROWS_HASHED]
        accounts.update("".join([*map(repr, some)]).encode())
    return _digest([members, accounts.hexdigest()])


def name_order(books: ControlBooks) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Account numbers in the order of account names."""
    names = [account.name for account in books.accounts_by_number]
    return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.intp)


def _hashed(column: array[int]) -> str:
    return hashlib.sha256(column.tobytes()).hexdigest()


def _hashed_by_name(control: ControlBooks) -> Column:
    order = name_order(control)

    def column_hash(column: array[int]) -> str:
        ordered = np.frombuffer(column, dtype=np.int64)[order] if len(column) else b""
        raw = ordered.astype("<i8").tobytes() if isinstance(ordered, np.ndarray) else ordered
        return hashlib.sha256(raw).hexdigest()

    return column_hash


def _digest(tree: object) -> str:
    return hashlib.sha256(_ENCODER.encode(tree).encode()).hexdigest()


def _control_tree(books: ControlBooks) -> dict[str, Any]:
    return {
        "clock": books.clock,
        "business_date": _day(books.business_date),
        "opened_at": books.opened_at,
        "cycles_past": [[name, at] for name, at in books.cycles_past],
        "cycles": {name: [str(part) for part in used] for name, used in books.cycles.items()},
        "products": sorted(books.products),
        "products_listed": sorted(books.products_listed),
        "holidays": sorted(day.isoformat() for day in books.holidays),
        "settings": sorted(
            [name, product or "", value] for (name, product), value in books.settings.items()
        ),
        "waiting": [
            [one.effective_date.isoformat(), one.parameter, one.product, one.value]
            for one in books.waiting
        ],
    }


def _cycles_refused(books: ControlBooks) -> dict[str, list[str]]:
    return {
        name: [*map(str, used), refusal.reason.value, refusal.detail]
        for name, (used, refusal) in books.cycles_refused.items()
    }


def _market_tree(books: MarketBooks, by_account: Column, *, in_stream: Column) -> dict[str, Any]:
    return {
        "product": books.product.code,
        "clock": books.clock,
        "index": index_books.to_state(books.index),
        "contracts": {
            name: _contract_tree(one, by_account, in_stream=in_stream)
            # In order of symbol: columns are numbered as they come, restored or not.
            for name, one in sorted(books.contracts.items())
        },
        "amendments": {
            name: [one.price_ticks, one.is_busted] for name, one in books.amendments.items()
        },
    }


def _contract_tree(one: ContractBooks, by_account: Column, *, in_stream: Column) -> dict[str, Any]:
    positions, trades = one.positions, one.trades
    return {
        "delivery": one.delivery,
        "last_trading_day": one.last_trading_day.isoformat(),
        "reference_ticks": one.reference_ticks,
        "halts": price_limits.to_state(one.halts),
        "settlements": one.settlements,
        "rate_ppm": one.rate_ppm,
        "interest_lots": one.interest_lots,
        "trades_carried": one.trades_carried,
        "mark_ticks": positions.mark_ticks,
        "lots": by_account(positions.lots),
        "open_cents": by_account(positions.open_cents),
        "paid_cents": None if positions.paid_cents is None else by_account(positions.paid_cents),
        "trades": [in_stream(column) for column in (trades.times, trades.prices, trades.lots)],
        "quotes": {maker: list(quote) for maker, quote in one.quotes.by_maker.items()},
    }


def _member_tree(books: MemberBooks, by_account: Column) -> dict[str, Any]:
    had_position = array("q", list(books.had_position))
    return {
        "clock": books.clock,
        "cash": by_account(books.cash),
        "initial": by_account(books.initial),
        "maintenance": by_account(books.maintenance),
        "had_position": by_account(had_position),
        "calls": sorted(row[1:] for row in calls.to_state(books.calls)),
        "withdrawals": [
            [row[0], row[1], *row[3:]] for row in withdrawals.to_state(books.withdrawals)
        ],
        "house_cents": books.house_cents,
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


class _Columns:
    """Raw columns behind a snapshot's tree; a column in the tree is its place among them."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    def __call__(self, column: array[int]) -> int:
        self.raw.append(column.tobytes())
        return len(self.raw) - 1


def dump_control(books: ControlBooks) -> bytes:
    """A snapshot of control books, with members and accounts in the order of their numbers."""
    tree = {
        **_control_tree(books),
        "number": books.number,
        "cycles_refused": _cycles_refused(books),
        "products": books.products,
        "products_listed": books.products_listed,
        "settings": [[name, product, value] for (name, product), value in books.settings.items()],
        "cycle_at": {name: used[-1] for name, used in books.cycles.items()},
        "members": [
            [one.name, one.title, one.admitted_at, one.is_defaulted, one.house_account]
            for one in books.members.values()
        ],
        "accounts": [
            [one.name, one.member.name, one.origin, one.owner, one.opened_at, one.is_suspended]
            for one in books.accounts_by_number
        ],
    }
    return _ENCODER.encode(tree).encode()


def load_control(state: bytes) -> ControlBooks:
    """The control books of a snapshot."""
    tree = json.loads(state)
    books = ControlBooks(
        number=tree["number"],
        clock=tree["clock"],
        business_date=_parse_day(tree["business_date"]),
        opened_at=tree["opened_at"],
        cycles={name: ("run_cycle/1", name, at) for name, at in tree["cycle_at"].items()},
        cycles_past=[(name, at) for name, at in tree["cycles_past"]],
        cycles_refused={
            name: (("run_cycle/1", name, int(at)), Refusal(Reason(reason), detail))
            for name, (_, _, at, reason, detail) in tree["cycles_refused"].items()
        },
        products=tree["products"],
        products_listed=tree["products_listed"],
        holidays={date.fromisoformat(day) for day in tree["holidays"]},
        settings={(name, product): value for name, product, value in tree["settings"]},
        waiting=[Setting(date.fromisoformat(day), *rest) for day, *rest in tree["waiting"]],
    )
    for name, title, admitted_at, is_defaulted, house in tree["members"]:
        books.members[name] = Member(name, title, admitted_at, is_defaulted, house)
    for number, (name, member, origin, owner, opened_at, is_suspended) in enumerate(
        tree["accounts"]
    ):
        account = Account(
            number, name, books.members[member], origin, owner, opened_at, is_suspended
        )
        books.accounts[name] = account
        books.accounts_by_number.append(account)
    return books


def dump_market(books: MarketBooks, *, links_sent: int) -> bytes:
    """A snapshot of a market's books; the control books they need stand in `control/0`'s own."""
    columns = _Columns()
    tree = _market_tree(books, columns, in_stream=columns)
    for name, one in sorted(books.contracts.items()):
        tree["contracts"][name]["seqs"] = columns(one.trades.seqs)
    beside = {
        "control_number": books.control.number,
        "links_sent": links_sent,
    }
    return _join({**tree, **beside}, columns)


def load_market(state: bytes, control: ControlBooks) -> tuple[MarketBooks, int]:
    """The market books of a snapshot and the links sent. control: as of its control number."""
    tree, columns = _split(state)
    product = PRODUCTS[tree["product"]]
    books = MarketBooks(
        product=product,
        control=control,
        index=index_books.from_state(product, tree["index"]),
        clock=tree["clock"],
        amendments={name: Amendment(*one) for name, one in tree["amendments"].items()},
    )
    books.index.rules = index_rules(control, product.code)
    for account in control.accounts_by_number:
        add_holder(books, account)
    for name, one in tree["contracts"].items():
        books.contracts[name] = _load_contract(name, one, columns=columns)
    set_limits(books)
    return books, tree["links_sent"]


def _load_contract(name: str, tree: dict[str, Any], *, columns: list[array[int]]) -> ContractBooks:
    paid = tree["paid_cents"]
    times, prices, lots = (columns[place] for place in tree["trades"])
    return ContractBooks(
        symbol=name,
        delivery=tree["delivery"],
        last_trading_day=date.fromisoformat(tree["last_trading_day"]),
        reference_ticks=tree["reference_ticks"],
        halts=price_limits.from_state(tree["halts"]),
        positions=Positions(
            lots=columns[tree["lots"]],
            open_cents=columns[tree["open_cents"]],
            paid_cents=None if paid is None else columns[paid],
            mark_ticks=tree["mark_ticks"],
        ),
        trades=SessionTrades(seqs=columns[tree["seqs"]], times=times, prices=prices, lots=lots),
        quotes=QuoteBook({maker: Quote(*quote) for maker, quote in tree["quotes"].items()}),
        settlements=tree["settlements"],
        rate_ppm=tree["rate_ppm"],
        interest_lots=tree["interest_lots"],
        trades_carried=tree["trades_carried"],
    )


def dump_member(books: MemberBooks) -> bytes:
    """A snapshot of the members' books; the control books stand in `control/0`'s own."""
    columns = _Columns()
    tree = _member_tree(books, columns)
    beside = {
        "control_number": books.control.number,
        "links_read": books.links_read,
        "calls": calls.to_state(books.calls),
        "withdrawals": withdrawals.to_state(books.withdrawals),
    }
    return _join({**tree, **beside}, columns)


def load_member(state: bytes, control: ControlBooks) -> MemberBooks:
    """The member books of a snapshot. control: as of its control number."""
    tree, columns = _split(state)
    return MemberBooks(
        control=control,
        clock=tree["clock"],
        cash=columns[tree["cash"]],
        initial=columns[tree["initial"]],
        maintenance=columns[tree["maintenance"]],
        had_position=bytearray(columns[tree["had_position"]].tolist()),
        calls=calls.from_state(tree["calls"]),
        withdrawals=withdrawals.from_state(tree["withdrawals"]),
        house_cents=tree["house_cents"],
        links_read=tree["links_read"],
    )


def control_number(state: bytes) -> int:
    """The control number as of which a snapshot of another shard was made."""
    tree, _ = _split(state)
    number: int = tree["control_number"]
    return number


def _join(tree: dict[str, Any], columns: _Columns) -> bytes:
    whole = {**tree, "columns": [len(raw) for raw in columns.raw]}
    return _ENCODER.encode(whole).encode() + b"\n" + b"".join(columns.raw)


def _split(state: bytes) -> tuple[dict[str, Any], list[array[int]]]:
    head, _, raw = state.partition(b"\n")
    tree = json.loads(head)
    columns, place = [], 0
    for length in tree["columns"]:
        column = array("q")
        column.frombytes(raw[place : place + length])
        columns.append(column)
        place += length
    return tree, columns


def _parse_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
