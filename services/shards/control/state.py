"""The state of control books: their hash, and their snapshot, dumped and loaded.

The hash of the books that all shards have alike is one part; only `control/0` remembers the refused
cycles.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any, Final

import numpy as np

from events.asset_terms import AssetTerms
from events.int64 import IntArray
from events.refusals import Reason, Refusal
from services.shards.state import canonical_json, day_text, digest, parse_day
from settlement.control_books import Account, AssetSetting, ControlBooks, Member, Setting

# Accounts hashed at once: about a megabyte of text.
_ACCOUNTS_AT_ONCE: Final = 8_192


def control_hash(books: ControlBooks) -> str:
    """The hash of the books of `control/0`."""
    return digest({"shared": shared_hash(books), "cycles_refused": _cycles_refused(books)})


def shared_hash(books: ControlBooks) -> str:
    """The hash of the control books without refused cycles, which is the same in all shards."""
    return digest({"registry": registry_hash(books), **_tree(books)})


def registry_hash(books: ControlBooks) -> str:
    """The hash of members and accounts by name, computed once while they do not change."""
    if books.registry_hash is None:
        books.registry_hash = _hash_registry(books)
    return books.registry_hash


def name_order(books: ControlBooks) -> IntArray:
    """Account numbers in the order of account names."""
    names = [account.name for account in books.accounts_by_number]
    return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)


def dump_control(books: ControlBooks) -> bytes:
    """A snapshot of control books, with members and accounts in the order of their numbers."""
    tree = {
        **_tree(books),
        "number": books.number,
        "cycles_refused": _cycles_refused(books),
        "products": books.products,
        "products_listed": books.products_listed,
        "settings": [[name, product, value] for (name, product), value in books.settings.items()],
        "cycle_at": {name: used[-1] for name, used in books.cycles.items()},
        "members": [_member(member) for member in books.members.values()],
        "accounts": [_account(account) for account in books.accounts_by_number],
    }
    return canonical_json(tree)


def load_control(state: bytes) -> ControlBooks:
    """The control books of a snapshot."""
    tree = json.loads(state)
    books = ControlBooks(
        number=tree["number"],
        clock=tree["clock"],
        anchor=tree["anchor"],
        business_date=parse_day(tree["business_date"]),
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
        waiting=[Setting(date.fromisoformat(day), *values) for day, *values in tree["waiting"]],
        makers=tree.get("makers", {}),
        net_capital=tree.get("net_capital", {}),
        settlements_ordered=tree.get("settlements_ordered", {}),
        assets={name: AssetTerms(*terms) for name, terms in tree.get("assets", {}).items()},
        assets_waiting=[
            AssetSetting(date.fromisoformat(day), asset, AssetTerms(*terms))
            for day, asset, *terms in tree.get("assets_waiting", ())
        ],
    )
    for name, *terms in tree["members"]:
        books.members[name] = Member(name, *terms)
    for number, (name, member, *values) in enumerate(tree["accounts"]):
        account = Account(number, name, books.members[member], *values)
        books.accounts[name] = account
        books.accounts_by_number.append(account)
    return books


def _hash_registry(books: ControlBooks) -> str:
    members = [_member(member) for _, member in sorted(books.members.items())]
    numbered = books.accounts_by_number
    rows = [tuple(_account(numbered[number])) for number in name_order(books).tolist()]
    accounts = hashlib.sha256()
    for first in range(0, len(rows), _ACCOUNTS_AT_ONCE):
        chosen = rows[first : first + _ACCOUNTS_AT_ONCE]
        accounts.update("".join([*map(repr, chosen)]).encode())
    return digest([members, accounts.hexdigest()])


def _member(member: Member) -> list[Any]:
    return [
        member.name,
        member.title,
        member.admitted_at,
        member.is_defaulted,
        member.house_account,
        *([member.affiliation] if member.affiliation else []),
    ]


def _account(account: Account) -> list[Any]:
    return [
        account.name,
        account.member.name,
        account.origin,
        account.owner,
        account.opened_at,
        account.is_suspended,
        *([account.opened_for] if account.opened_for else []),
    ]


def _tree(books: ControlBooks) -> dict[str, Any]:
    return {
        "clock": books.clock,
        "anchor": books.anchor,
        "business_date": day_text(books.business_date),
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
            [setting.effective_date.isoformat(), setting.parameter, setting.product, setting.value]
            for setting in books.waiting
        ],
        **_makers_tree(books),
        **_assets(books),
    }


def _makers_tree(books: ControlBooks) -> dict[str, Any]:
    """Makers, net capital and ordered settlements where there are any."""
    entries = {
        "makers": books.makers,
        "net_capital": books.net_capital,
        "settlements_ordered": books.settlements_ordered,
    }
    return {name: entry for name, entry in entries.items() if entry}


def _assets(books: ControlBooks) -> dict[str, Any]:
    """Terms of assets; nothing without any, so that books without assets keep their hashes."""
    tree = {
        "assets": books.assets,
        "assets_waiting": [
            [setting.effective_date.isoformat(), setting.asset, *setting.terms]
            for setting in books.assets_waiting
        ],
    }
    return {name: part for name, part in tree.items() if part}


def _cycles_refused(books: ControlBooks) -> dict[str, list[str]]:
    return {
        name: [*map(str, used), refusal.reason.value, refusal.detail]
        for name, (used, refusal) in books.cycles_refused.items()
    }
