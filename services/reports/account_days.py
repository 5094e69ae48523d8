"""What a date did to accounts: cash, assets, requirement, movements, calls, instructions.

In: the rows of `member/0` of a date and, for cash at its beginning, the last close before it. Out:
each account's balance at every cycle, folded from the facts; one that was ported within the date is
an account of either member for its part of the date. Law: the read model `statement` says the same
of every cycle; where it does not, nothing is given out (`derived.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Final, LiteralString

from events.asset_facts import AssetCounted, AssetMoved
from events.contracts import CURRENCY
from events.control_commands import CLOSE_CYCLE
from events.default_facts import AccountAuctioned, WaterfallApplied
from events.ledger_names import owner_of_cash
from events.market_facts import VariationSettled
from events.member_facts import (
    CashAdjusted,
    CollateralMoved,
    MarginSet,
    Posting,
    SettlementInstructed,
)
from services.reports.account_entries import AccountDay, AccountsDay, CycleBalance
from services.reports.derived import check_agreement, keyed
from services.reports.portings import Memberships, Porting
from services.reports.report import DerivedRowsChanged, ReportFact
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
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
# What these move has no fact of the account: its posting stands for it.
_OWN_LINE: Final = frozenset({AccountAuctioned.TYPE, AssetMoved.TYPE, WaterfallApplied.TYPE})


@dataclass(slots=True)
class Moved:
    """What a row moved and set, by account: variation, collateral in cash, margin, assets."""

    variation: dict[str, int] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    margins: dict[str, ReportFact] = field(default_factory=dict)
    assets: defaultdict[str, list[ReportFact]] = field(default_factory=lambda: defaultdict(list))


def read_accounts_day(
    view: JournalView,
    day: date,
    *,
    accounts: Sequence[Account],
    had: Memberships,
    member: str | None = None,
) -> AccountsDay:
    """A date of accounts, checked against the read model.

    had: the members of accounts, of this date at least; member: of which alone is to be told.
    Errors: DerivedRowsChanged.
    """
    opened = {
        account.name: AccountDay(account, had.at_opening(account, day)) for account in accounts
    }
    of_day = AccountsDay(day, opened, member)
    # Where nothing was ported the database picks the member's rows.
    whose = None if had.are_changed else member
    _open(view, of_day, member=whose)
    of_day.barriers = list(view.barriers(MEMBER_SHARD, day))
    barriers = {row.seq for row in of_day.barriers}
    portings = had.on(day)
    for seq, row in _rows_in_order(view, of_day, portings=portings):
        if row is None:
            _port(of_day, next(porting for porting in portings if porting.seq == seq))
        else:
            _fold(of_day, row, is_barrier=seq in barriers)
    _check(view, of_day, member=whose)
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
        elif fact["for"] == CollateralMoved.TYPE:
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
    view: JournalView, of_day: AccountsDay, *, portings: Collection[Porting]
) -> Iterator[tuple[int, StoredRow | None]]:
    """The rows that speak of accounts, of cycles without any fact too; None: a porting."""
    waiting: list[tuple[int, StoredRow | None]] = [(row.seq, row) for row in of_day.barriers]
    waiting += [(porting.seq, None) for porting in portings]
    waiting.sort(key=itemgetter(0))
    for row in view.rows(MEMBER_SHARD, of_day.day, words=_WORDS):
        while waiting and waiting[0][0] <= row.seq:
            seq, copy = waiting.pop(0)
            if seq < row.seq or copy is None:
                yield seq, copy
        yield row.seq, row
    yield from waiting


def _port(of_day: AccountsDay, porting: Porting) -> None:
    """An account leaves its member with all its cash, and comes to another."""
    fact = porting.fact
    before = of_day.accounts.get(fact["account"])
    if before is None:
        return
    after = AccountDay(before.account, fact["to_member"], ported_cents=before.cash_cents)
    after.opening_initial_cents = before.initial_cents
    after.collateral_cents = before.collateral_cents
    after.cash_cents, after.came_cents = before.cash_cents, before.came_cents
    for entry, cents in ((before, -before.cash_cents), (after, before.cash_cents)):
        entry.movements.append({**fact, "seq": porting.seq, "amount_cents": cents})
    before.ported_cents -= before.cash_cents
    before.cash_cents = before.collateral_cents = before.came_cents = 0
    before.has_left = True
    of_day.departed.append(before)
    of_day.accounts[before.account.name] = after


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
        if fact["for"] in _OWN_LINE:
            stated = {**fact, "type": fact["for"], "asset": CURRENCY, "amount_cents": cents}
            account.movements.append(stated)
        if fact["for"] != CollateralMoved.TYPE:
            account.other_cents += cents
            continue
        moved.paid[name] = moved.paid.get(name, 0) + cents
        if cents > 0:
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
            name, balance.seq, account.member, account.account.origin, balance.cycle,
            balance.cash_cents, balance.variation_cents, balance.initial_cents,
            balance.maintenance_cents, balance.on_deposit_cents, balance.parts,
        )
        for account in (*of_day.departed, *of_day.accounts.values())
        for name in [account.account.name]
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
