"""A drill as a table for people and as JSON lines.

JSON has only what RULEBOOK §7 asks for: `waterfall_applied/1` of each default as it would be, then
a line for each standing member with what is left of its contribution.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from events.default_facts import WaterfallApplied
from events.fact_text import encode_fact
from events.units import format_instant
from risk.waterfall import HOUSE_CAPITAL, UNPAID
from services.analysis.drill import DefaultPlayed, Drill, Waiting
from services.reports.formats import table_lines
from services.reports.kind import answer_of
from services.reports.report import NamedCells, Report, TableLayout
from services.reports.shown import fact_words, usd
from services.shards.routing import MEMBER_SHARD

# No member can have such a name, with a blank in it.
_CLEARINGHOUSE: Final = "the clearinghouse"
_OF_NO_MEMBER: Final = {HOUSE_CAPITAL: _CLEARINGHOUSE, UNPAID: "nobody so far"}
_COLUMNS: Final = (
    "line", "member", "account", "origin", "contract", "price_ticks", "move_ppm", "moved_ticks",
    "cash_cents", "positions_cents", "assets_cents", "closed_out_cents", "layer", "payer",
    "amount_cents", "before_cents", "paid_cents", "assessed_cents", "left_cents",
    "assessable_cents", "settlement", "lots", "asset", "units",
)  # fmt: skip
_LAYOUTS: Final = (
    TableLayout(("contract", "price_ticks", "move_ppm", "moved_ticks"), "Prices", ("price",)),
    TableLayout(
        ("account", "member", "origin", "cash_cents", "positions_cents", "assets_cents",
         "closed_out_cents"),
        "Accounts closed out: house accounts, and those below zero", ("account",),
    ),
    TableLayout(("member", "layer", "payer", "amount_cents"), "Who pays", ("layer",)),
    TableLayout(
        ("payer", "before_cents", "paid_cents", "assessed_cents", "left_cents",
         "assessable_cents"),
        "Left for the next default", ("left",),
    ),
    TableLayout(
        ("member", "settlement", "account", "contract", "lots", "asset", "units"),
        "In default already: what the settlement waits for", ("waits",),
    ),
)  # fmt: skip


def drill_table(drill: Drill) -> Iterator[str]:
    """The lines of the table."""
    return table_lines(drill_report(drill))


def drill_json(drill: Drill) -> Iterator[str]:
    """The JSON lines."""
    for played in drill.defaults:
        settled = played.settled
        fact = WaterfallApplied(
            at=drill.at, member=played.member, loss_cents=settled.loss_cents, layers=settled.layers
        )
        yield encode_fact(fact, shard=MEMBER_SHARD, seq=drill.seq).decode()
    for payer in drill.payers:
        yield json.dumps({"member": payer.member, "left_cents": payer.left_cents})


def drill_title(drill: Drill) -> str:
    """What was played, and on which books."""
    members = ", then ".join(played.member for played in drill.defaults)
    books = "as they stand" if drill.day is None else f"after the close of {drill.day}"
    return (
        f"Drill: default of {members} in the scenario {drill.scenario.name}, on the books {books}"
    )


def loss_text(played: DefaultPlayed) -> str:
    """A default's loss in words."""
    return f"{played.member} loses {usd(played.settled.loss_cents)}"


def waiting_lines(drill: Drill) -> Iterator[str]:
    """What the settlements of members wait for that are in default already, in words."""
    for waiting in drill.waiting:
        things = [
            *(f"{lots:,} lots of {contract} in {account}" for account, contract, lots in
              waiting.positions),
            *(f"{units:,} {asset} of {account}, which is below zero" for account, asset, units in
              waiting.assets),
        ]  # fmt: skip
        yield f"the settlement of {waiting.member} is {_order(waiting)} and waits for " + (
            "; ".join(things) or "the next cycle alone"
        )


def drill_report(drill: Drill) -> Report:
    """The drill as a report."""
    rows = [
        *_price_rows(drill),
        *_account_rows(drill),
        *_layer_rows(drill),
        *_left_rows(drill),
        *_waiting_rows(drill),
    ]
    return answer_of(
        drill_title(drill), rows, columns=_COLUMNS, layouts=_LAYOUTS, origins=drill.origins
    )


def _price_rows(drill: Drill) -> Iterator[NamedCells]:
    for move in drill.prices:
        yield {"line": "price", **move._asdict()}


def _account_rows(drill: Drill) -> Iterator[NamedCells]:
    """House accounts and those below zero: no other account pays or is paid."""
    for default in drill.defaults:
        for played in default.accounts:
            if played.after_cents < 0 or played.account.origin == "house":
                yield {
                    "line": "account",
                    "account": played.account.name,
                    "member": default.member,
                    "origin": played.account.origin,
                    "cash_cents": played.cash_cents,
                    "positions_cents": played.position_cents,
                    "assets_cents": played.asset_cents,
                    "closed_out_cents": played.after_cents,
                }


def _layer_rows(drill: Drill) -> Iterator[NamedCells]:
    for default in drill.defaults:
        for layer in default.settled.layers:
            yield {
                "line": "layer",
                "member": default.member,
                "layer": fact_words(layer.layer),
                "payer": layer.member or _OF_NO_MEMBER[layer.layer],
                "amount_cents": layer.amount_cents,
            }
        yield {
            "line": "layer",
            "member": default.member,
            "layer": "loss",
            "amount_cents": default.settled.loss_cents,
        }


def _left_rows(drill: Drill) -> Iterator[NamedCells]:
    capital = drill.defaults[-1].capital_cents
    yield {
        "line": "left",
        "payer": _CLEARINGHOUSE,
        "before_cents": drill.capital_cents,
        "paid_cents": drill.capital_cents - capital,
        "left_cents": capital,
    }
    for payer in drill.payers:
        yield {
            "line": "left",
            "payer": payer.member,
            "before_cents": payer.before.fund_cents,
            "paid_cents": payer.paid_cents,
            "assessed_cents": payer.assessed_cents,
            "left_cents": payer.left_cents,
            "assessable_cents": payer.assessable_cents,
        }


def _waiting_rows(drill: Drill) -> Iterator[NamedCells]:
    for waiting in drill.waiting:
        stated: NamedCells = {
            "line": "waits",
            "member": waiting.member,
            "settlement": _order(waiting),
        }
        for account, contract, lots in waiting.positions:
            yield {**stated, "account": account, "contract": contract, "lots": lots}
        for account, asset, units in waiting.assets:
            yield {**stated, "account": account, "asset": asset, "units": units}
        if not waiting.positions and not waiting.assets:
            yield stated


def _order(waiting: Waiting) -> str:
    if waiting.ordered_at is None:
        return "not ordered yet"
    return f"ordered at {format_instant(waiting.ordered_at)}"
