"""What a date did to accounts: cash, assets, requirement, movements, calls, instructions.

In: the rows of `member/0` of a date and, for cash at its beginning, the last close before it. Out:
each account's balance at every cycle, folded from the facts. Law: the read model `statement` says
the same of every cycle; where it does not, nothing is given out (`derived.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, LiteralString

from events.asset_facts import AssetCounted
from events.control_commands import CLOSE_CYCLE
from events.ledger_names import owner_of_cash
from events.market_facts import VariationSettled
from events.member_facts import (
    CashAdjusted,
    CollateralMoved,
    MarginSet,
    Posting,
    SettlementInstructed,
)
from services.reports.derived import check_agreement, keyed
from services.reports.report import DerivedRowsChanged, ReportFact
from services.reports.view import JournalView, StoredRow
from services.shards.routing import MEMBER_SHARD
from settlement.control_books import Account

_STATEMENTS: Final[LiteralString] = """
SELECT account, seq, member, origin, cycle, cash_cents, variation_cents, initial_cents,
       maintenance_cents, equity_cents, positions
FROM clearing.statement WHERE business_date = %(day)s
AND (%(member)s::text IS NULL OR member = %(member)s) ORDER BY seq
"""
_COLUMNS: Final = (
    "account", "seq", "member", "origin", "cycle", "cash_cents", "variation_cents",
    "initial_cents", "maintenance_cents", "equity_cents", "positions",
)  # fmt: skip
_KEY: Final = 2
_CASH: Final = _COLUMNS.index("cash_cents")
_POSTING, _MARGIN = Posting.TYPE.encode(), MarginSet.TYPE.encode()
_COUNTED: Final = AssetCounted.TYPE.encode()
_INSTRUCTED: Final = SettlementInstructed.TYPE.encode()
_MOVEMENTS: Final = (
    b"collateral_moved/", b"withdrawal_", b"asset_moved/", b"asset_withdrawal_", b"cash_adjusted/",
    b"margin_call",
)  # fmt: skip
_WORDS: Final = (*_MOVEMENTS, _POSTING, _MARGIN, _COUNTED, _INSTRUCTED)


@dataclass(slots=True)
class CycleBalance:
    """An account at a cycle.

    equity_cents: after the cycle's variation, before its withdrawals, as `margin_set` states it;
    collateral_cents: what assets count for in it; on_deposit_cents: what is there after the
    withdrawals; assets: the units then, and what they count for.
    """

    seq: int
    cycle: str
    cash_cents: int
    variation_cents: int
    initial_cents: int
    maintenance_cents: int
    equity_cents: int
    collateral_cents: int
    on_deposit_cents: int
    parts: list[dict[str, Any]]
    assets: list[ReportFact]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say of the account."""
        return not (self.cash_cents or self.variation_cents or self.parts)


@dataclass(slots=True)
class Moved:
    """What a row moved and set, by account: variation, other cash, margin, assets."""

    variation: dict[str, int] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    margins: dict[str, ReportFact] = field(default_factory=dict)
    assets: defaultdict[str, list[ReportFact]] = field(default_factory=lambda: defaultdict(list))


@dataclass(slots=True)
class AccountDay:
    """An account on a date. Law: opening and the four kinds of movement make the cash.

    came_cents: deposits since the last cycle.
    """

    account: Account
    opening_cents: int = 0
    opening_initial_cents: int = 0
    cash_cents: int = 0
    collateral_cents: int = 0
    variation_cents: int = 0
    deposits_cents: int = 0
    withdrawals_cents: int = 0
    other_cents: int = 0
    balances: list[CycleBalance] = field(default_factory=list)
    movements: list[ReportFact] = field(default_factory=list)
    came_cents: int = 0

    @property
    def initial_cents(self) -> int:
        """The requirement of the last cycle: of the date, else of the close before it."""
        return self.balances[-1].initial_cents if self.balances else self.opening_initial_cents

    @property
    def on_deposit_cents(self) -> int:
        """What is there for margin at the end."""
        return self.cash_cents + self.collateral_cents


@dataclass(slots=True)
class AccountsDay:
    """All accounts asked for on a date, by name, and what members were instructed.

    barriers: the rows of the cycles; opened_by: the row of the close before, 0 if there is none.
    """

    day: date
    accounts: dict[str, AccountDay]
    names: frozenset[bytes] = field(init=False)
    instructions: list[ReportFact] = field(default_factory=list)
    barriers: list[StoredRow] = field(default_factory=list)
    opened_by: int = 0

    def __post_init__(self) -> None:
        """Note the names as they stand in the journal."""
        self.names = frozenset(name.encode() for name in self.accounts)


def read_accounts_day(
    view: JournalView, day: date, *, accounts: Sequence[Account], member: str | None = None
) -> AccountsDay:
    """A date of accounts, checked against the read model. member: of all the accounts, if any.

    Errors: DerivedRowsChanged.
    """
    of_day = AccountsDay(day, {account.name: AccountDay(account) for account in accounts})
    _open(view, of_day, member=member)
    barriers = {row.seq: row for row in view.barriers(MEMBER_SHARD, day)}
    of_day.barriers = list(barriers.values())
    for row in _rows_in_order(view, day, barriers=barriers):
        _fold(of_day, row, is_barrier=row.seq in barriers)
    _check(view, of_day, member=member)
    return of_day


def _open(view: JournalView, of_day: AccountsDay, *, member: str | None) -> None:
    """What was there at the beginning: after the last close, and what moved since, if anything."""
    cash: dict[str, int] = {}
    days_since = [] if of_day.day == date.min else [date.min]
    for day in reversed([day for day in view.sessions() if day < of_day.day]):
        closes = [row for row in view.barriers(MEMBER_SHARD, day) if row.cycle == CLOSE_CYCLE]
        if closes:
            of_day.opened_by = closes[-1].seq
            rows = view.ask(_STATEMENTS, {"day": day, "member": member})
            cash = {row[0]: row[_CASH] for row in rows if row[1] == of_day.opened_by}
            _open_margins(of_day, closes[-1], cash=cash)
            days_since.remove(date.min)
            break
        days_since.append(day)  # Among workers the members may be behind.
    for day in days_since:
        _add_postings(view, day, cash=cash)
    for name, account in of_day.accounts.items():
        account.opening_cents = account.cash_cents = cash.get(name, 0)


def _open_margins(of_day: AccountsDay, close: StoredRow, *, cash: Mapping[str, int]) -> None:
    """The requirements that the close before has set; they tell of the cash there, too."""
    paid: dict[str, int] = {}
    margins: list[ReportFact] = []
    for fact in close.facts(_POSTING, _MARGIN, _COUNTED, accounts=of_day.names):
        if fact["type"] == MarginSet.TYPE:
            margins.append(fact)
        elif fact["type"] == AssetCounted.TYPE:
            of_day.accounts[fact["account"]].collateral_cents += fact["counted_cents"]
        elif fact["for"] != VariationSettled.TYPE:
            for name, cents in _sides(fact):
                paid[name] = paid.get(name, 0) + cents
    for fact in margins:
        name = fact["account"]
        account = of_day.accounts[name]
        account.opening_initial_cents = fact["initial_cents"]
        right = fact["equity_cents"] - fact.get("collateral_cents", 0) + paid.get(name, 0)
        _expect_opening(of_day, name, right=right, recorded=cash.get(name, 0))


def _expect_opening(of_day: AccountsDay, name: str, *, right: int, recorded: int) -> None:
    if right != recorded:
        msg = (
            f"not printed: statement {name} {of_day.opened_by}: the journal makes cash_cents "
            f"{right}, found {recorded}"
        )
        raise DerivedRowsChanged(msg)


def _add_postings(view: JournalView, day: date, *, cash: dict[str, int]) -> None:
    """Add to the cash of accounts what a date without a close moved."""
    for row in view.rows(MEMBER_SHARD, day, words=(_POSTING,)):
        for fact in row.facts(_POSTING):
            for name, cents in _sides(fact):
                cash[name] = cash.get(name, 0) + cents


def _rows_in_order(
    view: JournalView, day: date, *, barriers: dict[int, StoredRow]
) -> Iterator[StoredRow]:
    """The rows of a date that speak of accounts, those of cycles without any fact too."""
    waiting = list(barriers.values())
    for row in view.rows(MEMBER_SHARD, day, words=_WORDS):
        while waiting and waiting[0].seq < row.seq:
            yield waiting.pop(0)
        if waiting and waiting[0].seq == row.seq:
            waiting.pop(0)
        yield row
    yield from waiting


def _fold(of_day: AccountsDay, row: StoredRow, *, is_barrier: bool) -> None:
    """Add what a row says; after a barrier every account has a balance."""
    moved = Moved()
    for fact in row.facts(*_WORDS, accounts=of_day.names):
        if fact["type"] == Posting.TYPE:
            _post(of_day, fact, moved=moved)
        elif fact["type"] == SettlementInstructed.TYPE:
            of_day.instructions.append(fact)
        elif fact["type"] == MarginSet.TYPE:
            moved.margins[fact["account"]] = fact
        elif fact["type"] == AssetCounted.TYPE:
            moved.assets[fact["account"]].append(fact)
        elif fact["type"] == CashAdjusted.TYPE:
            _adjust(of_day, fact)
        else:
            account = of_day.accounts[fact["account"]]
            account.movements.append(fact)
            if fact["type"] == CollateralMoved.TYPE:
                account.came_cents += max(0, fact["amount_cents"])
    if is_barrier:
        for account in of_day.accounts.values():
            _balance(of_day, account, row=row, moved=moved)


def _adjust(of_day: AccountsDay, fact: ReportFact) -> None:
    """Note an adjustment with both accounts: what it pays or gets."""
    for name, sign in ((fact["debit_account"], -1), (fact["credit_account"], 1)):
        if name in of_day.accounts:
            stated = {**fact, "amount_cents": sign * fact["amount_cents"]}
            of_day.accounts[name].movements.append(stated)


def _balance(of_day: AccountsDay, account: AccountDay, *, row: StoredRow, moved: Moved) -> None:
    """Note an account's balance at a cycle. moved: by the cycle, of all accounts."""
    name = account.account.name
    margin, assets = moved.margins.get(name, {}), moved.assets[name]
    collateral = margin.get("collateral_cents", 0)
    account.collateral_cents = sum(fact["counted_cents"] for fact in assets)
    account.came_cents = 0
    equity = account.cash_cents + collateral - moved.paid.get(name, 0)
    stated = margin.get("equity_cents", equity)
    right = account.opening_cents + stated - equity
    _expect_opening(of_day, name, right=right, recorded=account.opening_cents)
    assert row.cycle is not None, f"{row.shard} {row.seq} is no cycle"
    account.balances.append(
        CycleBalance(
            seq=row.seq,
            cycle=row.cycle,
            cash_cents=account.cash_cents,
            variation_cents=moved.variation.get(name, 0),
            initial_cents=margin.get("initial_cents", 0),
            maintenance_cents=margin.get("maintenance_cents", 0),
            equity_cents=equity,
            collateral_cents=collateral,
            on_deposit_cents=account.on_deposit_cents,
            parts=margin.get("parts", []),
            assets=assets,
        )
    )


def _post(of_day: AccountsDay, fact: ReportFact, *, moved: Moved) -> None:
    for name, cents in _sides(fact):
        account = of_day.accounts.get(name)
        if account is None:
            continue
        account.cash_cents += cents
        if fact["for"] == VariationSettled.TYPE:
            account.variation_cents += cents
            moved.variation[name] = moved.variation.get(name, 0) + cents
            continue
        moved.paid[name] = moved.paid.get(name, 0) + cents
        if fact["for"] != CollateralMoved.TYPE:
            account.other_cents += cents
        elif cents > 0:
            account.deposits_cents += cents
        else:
            account.withdrawals_cents += cents


def _sides(posting: ReportFact) -> Iterator[tuple[str, int]]:
    """The accounts whose cash a posting moves, and by how much."""
    for side, sign in (("debit", -1), ("credit", 1)):
        owner = owner_of_cash(posting[side])
        if owner is not None:
            yield owner, sign * posting["amount_cents"]


def _check(view: JournalView, of_day: AccountsDay, *, member: str | None) -> None:
    """Compare the balances with the read model: a row for whom there is cash, lots or variation."""
    expected = [
        (
            name, balance.seq, account.account.member.name, account.account.origin, balance.cycle,
            balance.cash_cents, balance.variation_cents, balance.initial_cents,
            balance.maintenance_cents, balance.on_deposit_cents, balance.parts,
        )
        for name, account in of_day.accounts.items()
        for balance in account.balances
        if not balance.is_empty
    ]  # fmt: skip
    rows = view.ask(_STATEMENTS, {"day": of_day.day, "member": member})
    recorded = [(*row[:-1], json.loads(row[-1])) for row in rows if row[0] in of_day.accounts]
    check_agreement(
        "statement",
        expected=keyed(_COLUMNS, expected, key=_KEY),
        recorded=keyed(_COLUMNS, recorded, key=_KEY),
    )
