"""Where a margin call comes from: back to lots, marks, losses of a lot and prices.

In: the id of a call, account/date/cycle. Out: one row for the call, one for the requirement, one
for each asset and what its units count for, then for each position its lots, its mark, its measure
and the prices that the measure was taken on; each with the journal row that states it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Final

from events.asset_facts import AssetCounted
from events.contracts import product_of
from events.control_commands import CLOSE_CYCLE
from events.index_facts import IndexFixed
from events.market_facts import (
    ContractListed,
    CyclePriceSet,
    MarginRateSet,
    MarginScenariosSet,
    SettlementPriceSet,
)
from events.member_facts import MarginCalled, MarginSet
from events.units import parse_date
from risk.margin import stated_measure
from risk.volatility import PRICES
from services.reports.kind import ReportKind
from services.reports.report import (
    Cell,
    NamedCells,
    ReportFact,
    ReportRequest,
    TableLayout,
    UnknownSubject,
    fact_name,
)
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD, market_shard

_CALL_PARTS: Final = 3
_MARKS: Final = tuple(kind.TYPE.encode() for kind in (SettlementPriceSet, CyclePriceSet))
_MEASURES: Final = tuple(kind.TYPE.encode() for kind in (MarginRateSet, MarginScenariosSet))
_FIXED: Final = IndexFixed.TYPE.encode()
_SETTLED: Final = SettlementPriceSet.TYPE.encode()
_LISTED: Final = ContractListed.TYPE.encode()
_REQUIRED: Final = (
    "initial_cents", "maintenance_cents", "equity_cents", "collateral_cents", "credit_cents",
    "add_on_cents", "model",
)  # fmt: skip


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    call = request.options["call"]
    account, day, cycle = _call_parts(call)
    row = _barrier(view, MEMBER_SHARD, day=day, cycle=cycle)
    called = [fact for fact in _stated(row, MarginCalled, account=account) if fact["call"] == call]
    required = _stated(row, MarginSet, account=account)
    if not called:
        msg = f"no call {call} was made"
        raise UnknownSubject(msg)
    assert row is not None, call
    yield _cells(row, called[0], step="margin_called") | {
        "amount_cents": called[0]["amount_cents"], "detail": f"due {called[0]['deadline']}",
    }  # fmt: skip
    for fact in required:
        named = {name: fact[name] for name in _REQUIRED}
        yield _cells(row, fact, step="margin_set") | named
        yield from _assets(row, account)
        for part in fact["parts"]:
            yield _cells(row, fact, step="position") | part
            yield from _behind(view, part["contract"], day=day, cycle=cycle)


def _assets(row: StoredRow, account: str) -> Iterator[NamedCells]:
    for fact in _stated(row, AssetCounted, account=account):
        yield _cells(row, fact, step="asset_counted") | {
            "amount_cents": fact["counted_cents"],
            "detail": f"{fact['units']} units of {fact['asset']}",
        }


def _call_parts(call: str) -> tuple[str, date, str]:
    parts = call.split("/")
    try:
        if len(parts) == _CALL_PARTS:
            return parts[0], parse_date(parts[1]), parts[2]
    except ValueError:
        pass
    msg = f"expected a call as account/date/cycle, found {call[:80]!r}"
    raise UnknownSubject(msg)


def _barrier(view: JournalView, shard: str, *, day: date, cycle: str) -> StoredRow | None:
    return next((row for row in view.barriers(shard, day) if row.cycle == cycle), None)


def _stated(
    row: StoredRow | None, kind: type[MarginCalled | MarginSet | AssetCounted], *, account: str
) -> list[ReportFact]:
    if row is None:
        return []
    facts = row.facts(kind.TYPE.encode(), naming=account)
    return [fact for fact in facts if fact["account"] == account]


def _behind(view: JournalView, contract: str, *, day: date, cycle: str) -> Iterator[NamedCells]:
    """Mark, measure and prices of a contract in a cycle."""
    shard = market_shard(product_of(contract))
    sessions = [session for session in view.sessions() if session <= day]
    closed = sessions if cycle == CLOSE_CYCLE else sessions[:-1]
    yield from _mark(view, shard, contract=contract, cycle=cycle, sessions=sessions)
    source = None
    for session in reversed(closed):
        row = _barrier(view, shard, day=session, cycle=CLOSE_CYCLE)
        facts = [] if row is None else _of_contract(row, _MEASURES, contract=contract)
        if row is not None and facts:
            yield _measure(row, facts[0])
            source = facts[0].get("sigma_source", "tpi")
            break
    if source in ("contract", "tpi"):
        yield from _prices(view, shard, contract=contract, source=source, sessions=closed)


def _mark(
    view: JournalView, shard: str, *, contract: str, cycle: str, sessions: list[date]
) -> Iterator[NamedCells]:
    """The mark: of the cycle itself, else the last one before, else the price at the listing."""
    for session in reversed(sessions):
        barriers = [*view.barriers(shard, session)]
        if session == sessions[-1]:
            names = [row.cycle for row in barriers]
            barriers = barriers[: names.index(cycle) + 1] if cycle in names else barriers
        for row in reversed(barriers):
            for fact in _of_contract(row, _MARKS, contract=contract):
                yield _cells(row, fact, step="mark") | {
                    "price_ticks": fact["price_ticks"], "detail": fact_name(fact["type"]),
                }  # fmt: skip
                return
        for row in view.rows(shard, session, words=(_LISTED,)):
            for fact in _of_contract(row, (_LISTED,), contract=contract):
                yield _cells(row, fact, step="mark") | {
                    "price_ticks": fact["reference_ticks"], "detail": fact_name(fact["type"]),
                }  # fmt: skip
                return


def _measure(row: StoredRow, fact: ReportFact) -> NamedCells:
    measure = stated_measure(fact)
    evidence = {
        name: fact[name] for name in ("sigma_ppm", "sigma_source", "axis") if name in fact
    } | dict(fact["evidence"])
    return _cells(row, fact, step="measure") | {
        "model": fact["model"],
        "long_ppm": measure.long_ppm,
        "short_ppm": measure.short_ppm,
        "paper_rate_ppm": fact["paper_rate_ppm"],
        "fallback": fact["fallback"],
        "detail": json.dumps(evidence, separators=(",", ":")),
    }


def _prices(
    view: JournalView, shard: str, *, contract: str, source: str, sessions: list[date]
) -> Iterator[NamedCells]:
    """The last 21 prices, newest first: settlement prices of the contract, or fixings."""
    for session in list(reversed(sessions))[:PRICES]:
        row = _barrier(view, shard, day=session, cycle=CLOSE_CYCLE)
        if row is None:
            continue
        if source == "contract":
            for fact in _of_contract(row, (_SETTLED,), contract=contract):
                yield _cells(row, fact, step="price") | {"price_ticks": fact["price_ticks"]}
            continue
        for fact in row.facts(_FIXED):
            yield _cells(row, fact, step="price") | {"value_micros": fact["value_micros"]}


def _of_contract(row: StoredRow, kinds: tuple[bytes, ...], *, contract: str) -> list[ReportFact]:
    return [fact for fact in row.facts(*kinds, naming=contract) if fact["contract"] == contract]


def _cells(row: StoredRow, fact: ReportFact, *, step: str) -> dict[str, Cell]:
    return {
        "step": step,
        "business_date": row.business_date,
        "shard": row.shard,
        "seq": row.seq,
        "contract": fact.get("contract"),
        "account": fact.get("account"),
    }


CALL_REPORT: Final = ReportKind(
    name="call",
    title="Explanation",
    columns=(
        "step", "business_date", "shard", "seq", "account", "contract", "amount_cents",
        *_REQUIRED, "lots", "margin_cents", "price_ticks", "value_micros", "long_ppm",
        "short_ppm", "paper_rate_ppm", "fallback", "detail",
    ),
    rows=_rows,
    layouts=(
        TableLayout(
            ("business_date", "shard", "seq", "amount_cents", *_REQUIRED, "detail"),
            "Requirement", ("margin_called", "margin_set", "asset_counted"), "step",
        ),
        TableLayout((
            "step", "business_date", "shard", "seq", "contract", "lots", "margin_cents",
            "price_ticks", "value_micros", "model", "long_ppm", "short_ppm", "fallback", "detail",
        ), "Positions, marks, losses of a lot, prices", ("position", "mark", "measure", "price"),
            "step"),
    ),
    is_of_dates=False,
)  # fmt: skip
