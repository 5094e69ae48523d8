"""The laws of a default (RULEBOOK §7 and §9.8) over the rows of `member/0`.

In: a clearinghouse whose log of `member/0` holds every row from 0 on, and its facts. Out: nothing,
or an AssertionError with the numbers. Who has an account is read from the copies of control.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, TypeAlias

from services.shards.clearinghouse import Clearinghouse
from services.shards.routing import CONTROL_SHARD

Fields: TypeAlias = dict[str, Any]
Holders: TypeAlias = dict[str, str]

WATERFALL = "waterfall_applied/1"
MIDDLE = "house:default:"
CYCLES = {"run_cycle/1": "cycle", "close_session/1": "close"}


def copied(clearinghouse: Clearinghouse) -> Iterator[tuple[int, Fields]]:
    """The commands of control as `member/0` got them, with the number of its row."""
    for row in clearinghouse.member.log.pending.rows:
        _, seq, _, origin, _, _, line, *_ = row
        if origin == CONTROL_SHARD:
            yield seq, json.loads(line)


def follow(holders: Holders, command: Fields) -> None:
    """Note who has an account from a command on."""
    if command["type"] == "open_account/1":
        holders[command["account"]] = command["member"]
    elif command["type"] == "port_account/1":
        holders[command["account"]] = command["to_member"]


def holders_by_cycle(clearinghouse: Clearinghouse) -> dict[tuple[str, str], Holders]:
    """Who had each account in a cycle, by business date and the cycle's name."""
    holders, session = Holders(), ""
    by_cycle: dict[tuple[str, str], Holders] = {}
    for _, command in copied(clearinghouse):
        follow(holders, command)
        kind = command["type"]
        if kind in CYCLES:
            by_cycle[session, command.get("cycle", "close")] = dict(holders)
        session = str(command.get("next_business_date", command.get("business_date", session)))
    return by_cycle


def check_defaults(clearinghouse: Clearinghouse, facts: list[Fields]) -> None:
    """Every law of a default, row by row; what the fund has is what was posted."""
    check_fund(facts)
    by_row: dict[int, list[Fields]] = defaultdict(list)
    for fact in facts:
        if fact["shard"] == "member/0":
            by_row[fact["seq"]].append(fact)
    copies, holders = dict(copied(clearinghouse)), Holders()
    balances: dict[str, int] = defaultdict(int)
    for seq in sorted({*by_row, *copies}):
        follow(holders, copies.get(seq, {"type": ""}))
        for fact in by_row[seq]:
            if fact["type"] == "posting/1":
                balances[fact["debit"]] -= fact["amount_cents"]
                balances[fact["credit"]] += fact["amount_cents"]
        settled = [fact for fact in by_row[seq] if fact["type"] == WATERFALL]
        for fact in settled:
            check_waterfall(fact, by_row[seq])
            mine = [name for name, member in holders.items() if member == fact["member"]]
            below = [name for name in mine if balances[f"cash:{name}"] < 0]
            assert below == [], f"row {seq}: {below} stay below zero after {fact}"
        open_cents = {name: cents for name, cents in balances.items() if name.startswith(MIDDLE)}
        assert not any(open_cents.values()), f"row {seq}: {open_cents}"


def check_waterfall(fact: Fields, row: list[Fields]) -> None:
    """The layers add up to the loss, each pays it by one posting, no customer pays."""
    layers, middle = fact["layers"], MIDDLE + fact["member"]
    amounts = [layer["amount_cents"] for layer in layers]
    assert sum(amounts) == fact["loss_cents"] >= 0, fact
    assert all(cents > 0 for cents in amounts), fact
    postings = [one for one in row if one["type"] == "posting/1" and one["for"] == WATERFALL]
    mine = [one for one in postings if middle in {one["debit"], one["credit"]}]
    paid = [(one["debit"], one["amount_cents"]) for one in mine if one["credit"] == middle]
    assert [cents for _, cents in paid] == amounts, (fact, paid)
    for (name, _), layer in zip(paid, layers, strict=True):
        if layer["layer"] == "member_house":
            assert name.startswith("cash:"), (fact, paid)
        else:
            assert name == ledger_account(layer), (fact, paid)
    into = [one["credit"] for one in mine if one["debit"] == middle]
    cash = [name for name in into if name.startswith("cash:")]
    assert cash == sorted(set(cash)), (fact, into)
    assert into in (cash, [*cash, f"fund:{fact['member']}"]), (fact, into)


def ledger_account(layer: Fields) -> str:
    """The ledger account from which a layer pays, but for the defaulter's house account."""
    own = {"house_capital": "house:capital", "uncovered": "house:uncovered"}
    return own.get(layer["layer"], f"fund:{layer['member']}")


def check_fund(facts: list[Fields]) -> None:
    """What moved into the fund and out of it is posted, and for nothing else but a waterfall."""
    moved: dict[str, int] = defaultdict(int)
    for fact in facts:
        if fact["type"] == "fund_moved/1":
            member = fact["member"]
            name = "house:capital" if member is None else f"fund:{member}"
            moved[name] += fact["amount_cents"]
        elif fact["type"] == "posting/1" and fact["for"] == "fund_moved/1":
            assert "house:bank" in {fact["debit"], fact["credit"]}, fact
            moved[fact["credit"]] -= fact["amount_cents"]
            moved[fact["debit"]] += fact["amount_cents"]
        elif fact["type"] == "posting/1" and fact["for"] != WATERFALL:
            sides = (fact["debit"], fact["credit"])
            assert not any(name.startswith(("fund:", "house:capital")) for name in sides), fact
    assert not any(cents for name, cents in moved.items() if name != "house:bank"), moved
