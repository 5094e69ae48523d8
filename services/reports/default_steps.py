"""Which facts are about a default, and how a report shows them.

In: the member, its accounts as of then, and the calls that it had not met when it was declared; a
fact and its row. Out: whether the fact belongs to the default; its cells. An account that is ported
belongs to the default no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from events.control_facts import CommandRefused
from events.ledger_names import cash_of, default_of, fund_of
from events.market_facts import PositionTransferred
from events.member_facts import Posting
from services.reports.filters import names_account
from services.reports.raw_line import readable_fields
from services.reports.report import Cell, ReportFact, fact_name
from services.reports.stored_row import StoredRow
from services.shards.routing import MEMBER_SHARD

_AMOUNTS: Final = ("amount_cents", "payment_cents", "loss_cents", "remaining_cents")
_GIVERS: Final = ("account", "seller", "from_account", "debit_account")
_TAKERS: Final = ("to_account", "buyer", "credit_account")
_REFERENCES: Final = ("call", "reference", "trade_id", "transfer", "cycle")
_SAME: Final = (
    "at", "contract", "lots", "price_ticks", "asset", "units", "debit", "credit",
    "reason", "to_member",
)  # fmt: skip


@dataclass(slots=True)
class Concern:
    """A default. calls: open or missed before it.

    declared_at: by shard the row that follows the declaration; accounts: of the member, each with
    the rows that follow its porting, if it was ported. has_begun: the first of the calls was made;
    from then on the money of the member counts, from the declaration on all that happens.
    """

    member: str
    accounts: Mapping[str, Mapping[str, int]]
    calls: set[str]
    declared_at: Mapping[str, int]
    has_begun: bool = False

    def is_declared(self, row: StoredRow) -> bool:
        """Whether a row comes after the declaration, or states it."""
        return row.seq >= self.declared_at.get(row.shard, 0)

    def accounts_at(self, row: StoredRow) -> set[str]:
        """The accounts that the member had at a row."""
        return {
            account
            for account, ported_at in self.accounts.items()
            if row.shard not in ported_at or row.seq <= ported_at[row.shard]
        }


def concerned(concern: Concern, fact: ReportFact, *, row: StoredRow) -> bool:
    """Whether a fact is about a default, or led to it."""
    if fact.get("call") in concern.calls:
        concern.has_begun = True
        return True
    if not concern.is_declared(row) and not (concern.has_begun and row.shard == MEMBER_SHARD):
        return False
    if fact["type"] == Posting.TYPE:
        owned = {cash_of(account) for account in concern.accounts_at(row)}
        owned |= {fund_of(concern.member), default_of(concern.member)}
        return bool(owned & {fact["debit"], fact["credit"]})
    named = readable_fields(row.line) if fact["type"] == CommandRefused.TYPE else fact
    accounts = concern.accounts_at(row)
    return names_account(named, accounts) or named.get("member") == concern.member


def step_cells(fact: ReportFact) -> dict[str, Cell]:
    """A fact or posting. account: who pays or gives; to_account: who gets."""
    is_posting = fact["type"] == Posting.TYPE
    cells: dict[str, Cell] = {name: fact.get(name) for name in _SAME}
    cells |= {
        "line": "posting" if is_posting else "fact",
        "step": fact_name(fact["for"] if is_posting else fact["type"]),
        "account": _first(fact, _GIVERS),
        "to_account": _first(fact, _TAKERS),
        "amount_cents": _first(fact, _AMOUNTS),
        "reference": _first(fact, _REFERENCES),
    }
    if fact["type"] == PositionTransferred.TYPE and fact["side"] == "short":
        cells["lots"] = -fact["lots"]
    return cells


def _first(fact: ReportFact, names: tuple[str, ...]) -> Cell:
    """The first of these fields that a fact has."""
    return next((fact[name] for name in names if fact.get(name) is not None), None)
