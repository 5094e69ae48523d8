"""The audit extract of one trade: from the bytes that came in to the cents that went out.

In: a trade's id. Out: each journal row that speaks of it, with its bytes, chain hash and facts;
then, cycle by cycle, the mark of its contract, the variation of its two accounts in that contract,
and the postings. Cycles are shown to the close of the date asked for; without one, of the session
that last changed the trade.

An auction of a defaulter's account hands the position on: from there its taker is shown too, what
it paid or got, and the waterfall that ended the default (RULEBOOK §7).

`trade_cents` is what this trade alone brings an account in a cycle: what it had brought by then,
lots · (mark − price), nothing once bust, less what earlier cycles brought (RULEBOOK §3, §4). A
contract left without a price because all its trades are bust gives everything back. After an
auction it is the taker's; what a bust or an adjustment changes stays with the account that traded.
The accounts' own variation is of all their trades in the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from events.contracts import product_of
from events.ledger_names import cash_of, owner_of_cash, variation_of
from events.units import SECOND_NS, format_instant
from services.journal.reader import SEQ_MAX
from services.journal.receipts import receipt_of
from services.reports.kind import ReportKind
from services.reports.raw_line import readable
from services.reports.report import (
    Cell,
    NamedCells,
    ReportFact,
    ReportRequest,
    TableLayout,
    fact_name,
)
from services.reports.stored_row import StoredRow
from services.reports.trade_search import TradeRows, find_trade
from services.reports.trade_takeovers import takeovers, waterfalls
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD
from settlement.ledger import cents

_ENDS: Final = b"contract_settled/1"
_UNMARKED: Final = "contract_unmarked/1"
_MARKS: Final = (b"settlement_price_set/1", b"cycle_price_set/1", _ENDS, _UNMARKED.encode())
_CLOSED: Final = "position_closed/1"
_INPUT: Final = "input"
_OF_CYCLE: Final = (*_MARKS, b"variation_settled/1", b"cycle_done/1", _CLOSED.encode())
_FACT_FIELDS: Final = (
    "at", "contract", "lots", "price_ticks", "price_ticks_before", "buyer", "seller", "reason",
    "from_account", "to_account", "reference", "debit", "credit", "amount_cents",
)  # fmt: skip


class Version(NamedTuple):
    """The trade from a row on: its price, None when it is bust."""

    seq: int
    price_ticks: int | None


class SideHolder(NamedTuple):
    """Who holds a side of the trade from a row on."""

    seq: int
    account: str


@dataclass(slots=True)
class ClearedTrade:
    """A trade that was cleared: what it is, how it was changed, the buyer's variation so far.

    buyers, sellers: who traded, then who took the position over; counted: the version of the last
    cycle.
    """

    novated: ReportFact
    versions: list[Version]
    buyers: list[SideHolder]
    sellers: list[SideHolder]
    variation_cents: int = 0
    counted: Version | None = None

    @property
    def accounts(self) -> list[str]:
        """All accounts that the trade is ever with."""
        return self.accounts_at(SEQ_MAX)

    def accounts_at(self, seq: int) -> list[str]:
        """The accounts that the trade was with before a row: buyer, seller, who took over."""
        holders = [self.buyers[0], self.sellers[0], *self.buyers[1:], *self.sellers[1:]]
        return list(dict.fromkeys(holder.account for holder in holders if holder.seq < seq))

    def add_variation(self, seq: int, mark_ticks: int | None) -> dict[str, int]:
        """What a cycle brings each account, in a row of the market. mark_ticks: None for no price.

        Law: who is left without a price has been bust.
        """
        version = [version for version in self.versions if version.seq < seq][-1]
        whole = 0
        if version.price_ticks is not None:
            assert mark_ticks is not None, f"{self.novated['trade_id']} stands without a price"
            whole = cents(self.novated["lots"], mark_ticks - version.price_ticks)
        total, self.variation_cents = whole - self.variation_cents, whole
        changed = self._changed(version, total)
        self.counted = version
        brought: dict[str, int] = {}
        for holders, sign in ((self.buyers, 1), (self.sellers, -1)):
            last = [holder for holder in holders if holder.seq < seq][-1]
            corrected = changed if version.seq > last.seq else 0
            for account, amount in (
                (holders[0].account, corrected),
                (last.account, total - corrected),
            ):
                brought[account] = brought.get(account, 0) + sign * amount
        return brought

    def _changed(self, version: Version, total_cents: int) -> int:
        """What a change since the last cycle makes of the buyer's variation in this one."""
        before = self.counted or self.versions[0]
        if version.price_ticks is None or before.price_ticks is None:
            return total_cents
        return cents(self.novated["lots"], before.price_ticks - version.price_ticks)


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    trade, product = request.options["trade"], request.options.get("product")
    trade_rows = find_trade(view, trade, product=product, until=request.given_date)
    cleared = cleared_trade_of(trade_rows)
    if cleared is not None:
        _follow_default(view, trade_rows, trade=cleared, until=request.given_date)
    return (
        {**cells, **_receipt(view, cells)} if cells["step"] == _INPUT else cells
        for cells in extract_rows(
            trade_rows, cleared, cycles=_cycles(view, trade_rows, trade=cleared)
        )
    )


def _follow_default(
    view: JournalView, trade_rows: TradeRows, *, trade: ClearedTrade, until: date | None
) -> None:
    """Add the rows of auctions and waterfalls, and show cycles up to the last of them."""
    if not any(member.is_defaulted for member in view.control.members.values()):
        return
    first = trade_rows.rows[0][0].business_date
    days = [day for day in view.sessions() if first <= day <= (until or date.max)]
    rows = list(takeovers(view, trade.novated, days=days))
    for row, facts in rows:
        for fact in facts:
            for holders in (trade.buyers, trade.sellers):
                if fact.get("from_account") == holders[-1].account:
                    holders.append(SideHolder(row.seq, fact["to_account"]))
    rows += waterfalls(view, trade.accounts, days=days)
    trade_rows.rows = sorted([*trade_rows.rows, *rows], key=lambda entry: entry[0].decided)
    last = max(row.business_date for row, _ in trade_rows.rows)
    trade_rows.until = max(trade_rows.until, last)


def _receipt(view: JournalView, cells: NamedCells) -> NamedCells:
    """The second in which an input was received and whose clock said so, if it was recorded."""
    receipt = receipt_of(view.reader, str(cells["shard"]), seq=int(str(cells["seq"])))
    if receipt is None:
        return {}
    return {"received_at": format_instant(receipt.second * SECOND_NS), "clock": receipt.clock}


def extract_rows(
    trade_rows: TradeRows,
    trade: ClearedTrade | None,
    *,
    cycles: Iterable[tuple[StoredRow, list[StoredRow]]],
) -> Iterator[NamedCells]:
    """The extract's rows: what speaks of the trade, and the cycles, as they were decided."""
    waiting = list(trade_rows.rows)
    for market_row, member_rows in cycles:
        assert trade is not None, "a trade that was not cleared is in no cycle"
        while waiting and waiting[0][0].decided < market_row.decided:
            yield from _input_and_facts(*waiting.pop(0))
        yield from _cycle(trade, market_row, member_rows=member_rows)
    for row, facts in waiting:
        yield from _input_and_facts(row, facts)


def cleared_trade_of(trade_rows: TradeRows) -> ClearedTrade | None:
    """The trade with its changes; None if it was refused."""
    facts = [fact for _, stated in trade_rows.rows for fact in stated]
    novated = [fact for fact in facts if fact["type"] == "trade_novated/1"]
    if not novated:
        return None
    versions = [Version(novated[0]["seq"], novated[0]["price_ticks"])]
    for fact in facts:
        if fact["type"] == "trade_price_adjusted/1":
            versions.append(Version(fact["seq"], fact["price_ticks"]))
        elif fact["type"] == "trade_busted/1":
            versions.append(Version(fact["seq"], None))
    buyer, seller = (
        SideHolder(novated[0]["seq"], novated[0][side]) for side in ("buyer", "seller")
    )
    return ClearedTrade(novated[0], versions, [buyer], [seller])


def _input_and_facts(row: StoredRow, facts: Sequence[ReportFact]) -> Iterator[NamedCells]:
    """The bytes that came in with their place in the chain, and what was stated about the trade."""
    text, exact = readable(row.line)
    cells: dict[str, Cell] = {"step": _INPUT, "line": text, "line_hex": exact}
    cells |= {"origin": row.origin, "position": row.position, "chain": row.chain.hex()}
    yield _row_key(row) | cells
    for fact in facts:
        stated = {name: fact.get(name) for name in _FACT_FIELDS} | {"step": fact_name(fact["type"])}
        if "loss_cents" in fact:
            stated |= {"amount_cents": fact["loss_cents"], "reference": fact["member"]}
        yield _row_key(row) | stated


def _row_key(row: StoredRow) -> dict[str, Cell]:
    return {"business_date": row.business_date, "shard": row.shard, "seq": row.seq}


def _cycles(
    view: JournalView, trade_rows: TradeRows, *, trade: ClearedTrade | None
) -> Iterator[tuple[StoredRow, list[StoredRow]]]:
    """The market's barrier rows after the trade, each with the members' row that paid."""
    if trade is None:
        return
    first = trade_rows.rows[0][0]
    contract = trade.novated["contract"]
    for day in view.days(ReportRequest(trade_rows.until, since=first.business_date)):
        paid = {row.cycle: row for row in view.barriers(MEMBER_SHARD, day)}
        for market_row in view.barriers(first.shard, day):
            if market_row.seq > first.seq:
                member_row = paid.get(market_row.cycle)
                yield market_row, [] if member_row is None else [member_row]
                if any(market_row.facts(_ENDS, naming=contract)):
                    return


def _cycle(
    trade: ClearedTrade, market_row: StoredRow, *, member_rows: Sequence[StoredRow]
) -> Iterator[NamedCells]:
    contract = trade.novated["contract"]
    facts = list(market_row.facts(*_OF_CYCLE, naming=contract))
    cycle = next(market_row.facts(b"cycle_done/1"))["cycle"]
    same = _row_key(market_row) | {"contract": contract, "cycle": cycle}
    brought: dict[str, int] = {}
    for fact in facts:
        if fact["type"].encode() in _MARKS and fact["contract"] == contract:
            mark = fact.get("price_ticks")
            brought = trade.add_variation(market_row.seq, mark)
            step = fact_name(fact["type"])
            yield same | {"at": fact["at"], "step": step, "price_ticks": mark}
    paid = {
        fact["account"]: fact
        for fact in facts
        if fact["type"] == "variation_settled/1" and fact["contract"] == contract
    }
    accounts = trade.accounts_at(market_row.seq)
    for account in accounts:
        trade_cents = brought.get(account)
        if account in paid or trade_cents:
            amount = paid[account]["amount_cents"] if account in paid else 0
            cells = {"step": "variation_settled", "account": account, "amount_cents": amount}
            yield same | cells | {"trade_cents": trade_cents}
    for fact in facts:
        if fact["type"] == _CLOSED and fact["account"] in accounts:
            ended = {name: fact[name] for name in ("at", "account", "lots")}
            yield same | ended | {"step": fact_name(_CLOSED)}
    for row in member_rows:
        yield from _postings(row, accounts, contract=contract, cycle=cycle)


def _postings(
    row: StoredRow, accounts: Sequence[str], *, contract: str, cycle: str
) -> Iterator[NamedCells]:
    """The postings of the accounts' variation in the product."""
    variation = variation_of(product_of(contract))
    cash_accounts = {cash_of(account) for account in accounts}
    for fact in row.facts(b"posting/1", naming=variation):
        if {fact["debit"], fact["credit"]} & cash_accounts:
            (cash,) = {fact["debit"], fact["credit"]} - {variation}
            cells: dict[str, Cell] = {
                name: fact[name] for name in ("at", "debit", "credit", "amount_cents")
            }
            cells |= {"step": "posting", "cycle": cycle, "account": owner_of_cash(cash)}
            yield _row_key(row) | cells


TRADE_REPORT: Final = ReportKind(
    name="trade",
    title="Audit extract",
    columns=(
        "business_date", "shard", "seq", "step", "at", "account", "contract", "cycle", "lots",
        "price_ticks", "price_ticks_before", "buyer", "seller", "from_account", "to_account",
        "amount_cents", "trade_cents", "debit", "credit", "reference", "reason", "received_at",
        "clock", "origin", "position", "line", "line_hex", "chain",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "shard", "seq", "step", "cycle", "account", "lots", "price_ticks",
            "price_ticks_before", "amount_cents", "trade_cents", "debit", "credit", "reason",
        ), "Steps"),
        TableLayout((
            "business_date", "seq", "step", "contract", "lots", "from_account", "to_account",
            "reference",
        ), "Taken over", ("position_taken_over",), "step"),
        TableLayout(("shard", "seq", "received_at", "clock", "origin", "position", "line", "chain"),
                    "Bytes in", (_INPUT,), "step"),
    ),
    is_of_dates=False,
)  # fmt: skip
