"""The state of the members' books: their hash, and their snapshot, dumped and loaded."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from risk.asset_prices import AssetPrice
from risk.calls import CallBook
from risk.collateral import AssetBook
from risk.fund import FundBook
from risk.withdrawals import WithdrawalBook
from services.shards.control.state import name_order, shared_hash
from services.shards.member.books import MemberBooks
from services.shards.state import Column, SnapshotColumns, column_hash_in, digest
from settlement.control_books import ControlBooks


def member_hash(books: MemberBooks) -> str:
    """The hash of the members' books."""
    tree = _tree(books, column_hash_in(name_order(books.control)))
    return digest({"control": shared_hash(books.control), **tree})


def dump_member(books: MemberBooks) -> bytes:
    """A snapshot of the members' books, without the control books: `control/0` has those."""
    columns = SnapshotColumns()
    snapshot = {
        **_tree(books, columns),
        "control_number": books.control.number,
        "calls": books.calls.to_state(),
        "withdrawals": books.withdrawals.to_state(),
    }
    return columns.joined(snapshot)


def load_member(
    tree: dict[str, Any], columns: Sequence[array[int]], *, control: ControlBooks
) -> MemberBooks:
    """The member books of a snapshot. control: as of its control number."""
    return MemberBooks(
        control=control,
        clock=tree["clock"],
        cash=columns[tree["cash"]],
        initial=columns[tree["initial"]],
        maintenance=columns[tree["maintenance"]],
        had_position=bytearray(columns[tree["had_position"]].tolist()),
        calls=CallBook.from_state(tree["calls"]),
        withdrawals=WithdrawalBook.from_state(tree["withdrawals"]),
        assets=_load_assets(tree.get("assets"), columns),
        fund=FundBook.from_state(tree["fund"]),
        settlements=dict(tree["settlements"]),
        settled=tree["settled"],
        clearinghouse_cents=tree["house_cents"],
    )


def _tree(books: MemberBooks, by_account: Column) -> dict[str, Any]:
    had_position = array("q", list(books.had_position))
    return {
        "clock": books.clock,
        "cash": by_account(books.cash),
        "initial": by_account(books.initial),
        "maintenance": by_account(books.maintenance),
        "had_position": by_account(had_position),
        "calls": sorted(values for _, *values in books.calls.to_state()),
        "withdrawals": [
            [reference, account, *values]
            for reference, account, _, *values in books.withdrawals.to_state()
        ],
        "fund": books.fund.to_state(),
        "settlements": [[member, at] for member, at in books.settlements.items()],
        "settled": books.settled,
        "house_cents": books.clearinghouse_cents,
        **_assets(books.assets, by_account),
    }


def _assets(assets: AssetBook, by_account: Column) -> dict[str, Any]:
    """Units and prices of assets; nothing without any, so that such books keep their hashes."""
    if not assets.prices and not assets.units:
        return {}
    units = {asset: by_account(column) for asset, column in sorted(assets.units.items())}
    prices = {asset: astuple(price) for asset, price in assets.prices.items()}
    return {"assets": {"units": units, "prices": prices}}


def _load_assets(tree: dict[str, Any] | None, columns: Sequence[array[int]]) -> AssetBook:
    if tree is None:
        return AssetBook()
    return AssetBook(
        units={asset: columns[number] for asset, number in tree["units"].items()},
        prices={asset: AssetPrice(*values) for asset, values in tree["prices"].items()},
    )
