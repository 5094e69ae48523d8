"""What a portfolio would ask for: margin before and after trades that nobody has made.

In: the books as they stand, or after a close; an account, trades, models. Out: for each model the
requirement before and after, the difference, the positions behind it, and what drives it. The
positions and marks are those of now; the measures those of the last close. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Final

import numpy as np

from events.units import INT64_MAX
from risk.margin import RATE
from risk.margin_models import MODELS
from risk.requirement import maintenance_of
from services.analysis.books_at import BooksAt, books_at
from services.analysis.portfolio import SupposedTrade
from services.reports.kind import answer_of
from services.reports.report import NamedCells, Report, TableLayout, UnknownSubject
from services.reports.view import JournalView
from services.shards.links import ContractFlow
from services.shards.market.margin import ContractMeasure, measure_of, measure_under
from services.shards.member.margin import add_up
from settlement.ledger import cents

_TOTALS: Final = (
    "parts_cents", "credit_cents", "add_on_cents", "initial_cents", "maintenance_cents",
    "equity_cents", "excess_cents",
)  # fmt: skip
_COLUMNS: Final = (
    "model", "step", "contract", "lots", "mark_ticks", "margin_cents", "loss_ppm", "fallback",
    *_TOTALS, "driver",
)  # fmt: skip
_LAYOUTS: Final = (
    TableLayout(
        ("model", "step", *_TOTALS, "driver"),
        "Requirement", ("before", "after", "difference"), "step",
    ),
    TableLayout(
        ("model", "step", "contract", "lots", "mark_ticks", "margin_cents", "loss_ppm", "fallback"),
        "Positions", ("position before", "position after"), "step",
    ),
)  # fmt: skip

_Lots = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A question. account: None for a portfolio of its own; models: None for those in force."""

    account: str | None
    trades: Sequence[SupposedTrade]
    models: Sequence[str] | None
    day: date | None


def what_if(view: JournalView, question: WhatIf) -> Report:
    """The answer as a report. Errors: UnknownSubject."""
    books = books_at(view, question.day)
    before = {} if question.account is None else _positions(books, question.account)
    after = dict(before)
    for trade in question.trades:
        after[trade.contract] = after.get(trade.contract, 0) + trade.lots
    models: Sequence[str | None] = question.models or [None]
    rows = [
        row
        for model in models
        for row in _answer(books, question, model=model, lots=(before, after))
    ]
    about = "a portfolio" if question.account is None else question.account
    return answer_of(
        f"Margin of {about} before and after {len(question.trades)} trades, by the measures of "
        f"{books.business_date}",
        rows,
        columns=_COLUMNS,
        layouts=_LAYOUTS,
        origins=view.origins(question.day),
    )


def _positions(books: BooksAt, account: str) -> dict[str, int]:
    if account not in books.member.control.accounts:
        msg = f"no account {account}"
        raise UnknownSubject(msg)
    return dict(books.lots_of(books.member.number_of(account)))


def _answer(
    books: BooksAt, question: WhatIf, *, model: str | None, lots: tuple[_Lots, _Lots]
) -> Iterator[NamedCells]:
    """The rows of one model: totals before, after and their difference, then the positions."""
    variation = (0, sum(_variation(books, trade) for trade in question.trades))
    totals: list[dict[str, int]] = []
    positions: list[NamedCells] = []
    names = model
    for step, portfolio, gained in zip(("before", "after"), lots, variation, strict=True):
        flows = [
            _flow(books, symbol, lots=signed_lots, model=model)
            for symbol, signed_lots in sorted(portfolio.items())
            if signed_lots
        ]
        names = model or "+".join(dict.fromkeys(flow.model for flow in flows))
        total, margins = _total(books, flows, account=question.account, gained_cents=gained)
        yield {"model": names, "step": step, **total, "driver": _driver(flows)}
        totals.append(total)
        positions += [
            _position(flow, margin, step=f"position {step}")
            for flow, margin in zip(flows, margins, strict=True)
        ]
    difference = {name: totals[1][name] - totals[0][name] for name in _TOTALS}
    yield {"model": names, "step": "difference", **difference}
    yield from positions


def _equity(books: BooksAt, account: str | None, *, gained_cents: int, initial_cents: int) -> int:
    """Cash with what trades gain, and what assets count for under a requirement."""
    if account is None:
        return gained_cents
    member = books.member
    funds = member.funds_of(member.number_of(account))
    cash_cents = funds.cash_cents + gained_cents
    supposed = replace(funds, cash_cents=cash_cents, initial_cents=initial_cents)
    return cash_cents + member.collateral_of(supposed, member.clock or 0)


def _variation(books: BooksAt, trade: SupposedTrade) -> int:
    """What a trade gains at the mark of its contract, in cents."""
    mark = books.contract(trade.contract)[1].positions.mark_ticks
    if trade.price_ticks is None or mark is None:
        return 0
    return cents(trade.lots, mark - trade.price_ticks)


def _flow(books: BooksAt, symbol: str, *, lots: int, model: str | None) -> ContractFlow:
    """A position as a market would send it. Errors: UnknownSubject, also for too many lots."""
    market, contract = books.contract(symbol)
    if model is None:
        measured = measure_of(market, contract)
    else:
        date_of = partial(measure_under, business_date=books.business_date)
        measured = ContractMeasure(model, date_of(market, contract, model=MODELS[model]))
    mark, measure = contract.positions.mark_ticks, measured.measure
    loss_ppm = max(measure.long_ppm, measure.short_ppm)
    if abs(lots) * (mark or 0) * max(loss_ppm, 1) > INT64_MAX:
        msg = f"{lots} lots of {symbol}: their margin is beyond int64"
        raise UnknownSubject(msg)
    (number, column, amount) = (np.array([value], dtype=np.int64) for value in (0, lots, 0))
    return ContractFlow(
        symbol, measured.model, mark, measure, number, column, amount, contract.add_on
    )


def _total(
    books: BooksAt, flows: Sequence[ContractFlow], *, account: str | None, gained_cents: int
) -> tuple[dict[str, int], list[int]]:
    parameter: Callable[[str], int] = books.member.control.parameter
    sums = add_up(1, flows, parameter=parameter)
    maintenance = maintenance_of(sums.initial, share_ppm=parameter("maintenance_ppm"))
    margins = [int(column[0]) for column in sums.margins]
    initial = int(sums.initial[0])
    equity = _equity(books, account, gained_cents=gained_cents, initial_cents=initial)
    total = (
        sum(margins), int(sums.credit[0]), int(sums.add_on[0]), initial, int(maintenance[0]),
        equity, equity - initial,
    )  # fmt: skip
    return dict(zip(_TOTALS, total, strict=True)), margins


def _position(flow: ContractFlow, margin_cents: int, *, step: str) -> NamedCells:
    lots, measure = int(flow.lots[0]), flow.measure
    return {
        "model": flow.model,
        "step": step,
        "contract": flow.contract,
        "lots": lots,
        "mark_ticks": flow.mark_ticks,
        "margin_cents": margin_cents,
        "loss_ppm": measure.long_ppm if lots > 0 else measure.short_ppm,
        "fallback": measure.fallback,
    }


def _driver(flows: Sequence[ContractFlow]) -> str:
    """On each axis the scenario with the largest loss; of rates the largest."""
    by_axis: dict[str, list[ContractFlow]] = {}
    for flow in flows:
        by_axis.setdefault(flow.measure.axis, []).append(flow)
    return "; ".join(
        _rate_driver(chosen) if axis == RATE else _scenario_driver(axis, chosen)
        for axis, chosen in by_axis.items()
    )


def _rate_driver(flows: Sequence[ContractFlow]) -> str:
    highest = max(flows, key=lambda flow: flow.measure.long_ppm)
    return f"rate of {highest.contract}"


def _scenario_driver(axis: str, flows: Sequence[ContractFlow]) -> str:
    losses = [
        sum(int(flow.lots[0]) * (flow.mark_ticks or 0) * shock for flow, shock in together)
        for together in zip(
            *([(flow, shock) for shock in flow.measure.shocks_ppm] for flow in flows), strict=True
        )
    ]
    worst = max(range(len(losses)), key=losses.__getitem__)
    names = MODELS[flows[0].model].scenario_names
    name = f" ({names[worst]})" if names else ""
    return f"{axis}: scenario {worst + 1} of {len(losses)}{name}"
