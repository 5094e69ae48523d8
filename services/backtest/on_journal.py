"""The back-test of a journal: the margins it stated against the moves that came after.

In: what a journal says of margins and moves. Out: contracts and portfolios, each long and short;
accounts, each with its positions at a close. Each is tested under the models in force; beside them
under `paper`, which every close states, and flat.

Losses and requirements are shares of the gross notional; the lots of a close are kept until the end
of its window. A window in which a price is missing is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from events.contracts import product_of
from events.units import PPM
from risk.backtest import MarginSide, Window
from risk.margin import Holding
from risk.margin_models import MODELS, PAPER
from services.backtest.live_book import LiveBook, Lots
from services.backtest.outcome import (
    FLAT,
    FLAT_RATE,
    Backtest,
    ModelFigures,
    NothingToTest,
    RequiredOn,
    Subject,
    SubjectKind,
)
from services.backtest.portfolios import LotsOn, contract_lots, portfolios
from settlement.ledger import cents

# Notional for which a requirement is computed; a cent of rounding up is below the digits.
_NOTIONAL_CENTS: Final = 10**12
_DIGITS: Final = 9
# Between the models of positions in several products, as in margin_set.
_JOIN: Final = "+"
_SIGNS: Final[tuple[tuple[MarginSide, int], ...]] = (("long", 1), ("short", -1))


class LivePeriod(NamedTuple):
    """What is tested: days of a window, rates from which day on.

    portfolio_setting: the value of a parameter of portfolio models on a day.
    """

    days: int
    since: date
    portfolio_setting: Callable[[str, date], int]


class _Required(NamedTuple):
    """Requirements of positions in shares of their notional: by the models in force, by paper."""

    model: str
    in_force: float
    paper: float


class _Span(NamedTuple):
    """The days of a window: of its rate, the next, the last."""

    day: date
    next_day: date
    last: date


@dataclass(slots=True)
class _Windows:
    """The windows of a subject by model; in_force: the models it was margined by, in order."""

    by_model: defaultdict[str, dict[MarginSide, list[Window]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    in_force: dict[str, None] = field(default_factory=dict)

    def note(
        self, side: MarginSide, required: _Required, *, day: date, losses: Sequence[float]
    ) -> None:
        """Add the windows of a day. losses: over the window, and over its first day."""
        self.in_force[required.model] = None
        shares = {PAPER: required.paper, FLAT: FLAT_RATE} | {required.model: required.in_force}
        for model, share in shares.items():
            window = Window(day, round(share, _DIGITS), *losses)
            self.by_model[model].setdefault(side, []).append(window)

    def figures(self, *, days: int, models: Collection[str]) -> list[ModelFigures]:
        """The figures of these models, the flat benchmark last; none where none was in force."""
        names = [
            name for name in self.by_model if any(part in models for part in name.split(_JOIN))
        ]
        return [
            ModelFigures.of(name, self.by_model[name], days=days)
            for name in ([*names, FLAT] if names else [])
        ]


def backtest_journal(
    book: LiveBook, *, source: str, period: LivePeriod, models: Collection[str]
) -> Backtest:
    """The back-test of a journal. models: names of the table; a mix of them counts as each.

    Errors: NothingToTest.
    """
    spans = _spans(book, period)
    if not spans:
        msg = (
            f"too short: a window needs {period.days} closes after its own, found "
            f"{len(book.sessions)} closes"
        )
        raise NothingToTest(msg)
    subjects = [
        Subject(kind, name, figures, tuple(windows.in_force))
        for kind, name, windows in _tested(book, period, spans=spans)
        if (figures := windows.figures(days=period.days, models=models))
    ]
    if not subjects:
        msg = f"no position was margined by {' or '.join(sorted(models))} at these closes"
        raise NothingToTest(msg)
    required = [_required_on(book, span.day) for span in spans]
    return Backtest(source, period.days, spans[0].day, spans[-1].day, subjects, required)


def _spans(book: LiveBook, period: LivePeriod) -> list[_Span]:
    sessions = book.sessions
    last = zip(sessions, sessions[1:], sessions[period.days :], strict=False)
    return [_Span(*days) for days in last if days[0] >= period.since]


def _tested(
    book: LiveBook, period: LivePeriod, *, spans: list[_Span]
) -> Iterator[tuple[SubjectKind, str, _Windows]]:
    """Kind, name and windows of each subject."""
    for contract in sorted(book.margins):
        lots_on = contract_lots(book, contract)
        yield "contract", contract, _both_sides(book, lots_on, period=period, spans=spans)
    for name, lots_on in portfolios(book):
        yield "portfolio", name, _both_sides(book, lots_on, period=period, spans=spans)
    for account in sorted(book.accounts):
        yield "account", account, _account_windows(book, account, spans=spans)


def _both_sides(
    book: LiveBook, lots_on: LotsOn, *, period: LivePeriod, spans: list[_Span]
) -> _Windows:
    """The windows of positions and of their opposite."""
    windows = _Windows()
    for span in spans:
        lots = lots_on(span.day)
        moves = None if lots is None else _moves(book, lots, span=span)
        if lots is None or moves is None:
            continue
        for side, sign in _SIGNS:
            signed = {contract: sign * count for contract, count in lots.items()}
            required = _required(book, signed, day=span.day, period=period)
            windows.note(side, required, day=span.day, losses=[-sign * move for move in moves])
    return windows


def _account_windows(book: LiveBook, account: str, *, spans: list[_Span]) -> _Windows:
    """The windows of an account's positions, with its requirement at the close."""
    windows = _Windows()
    for span in spans:
        margin = book.accounts[account].get(span.day)
        moves = None if margin is None else _moves(book, margin.lots, span=span)
        if margin is None or moves is None:
            continue
        notional = book.notional_cents(margin.lots, span.day)
        paper = _paper_share(book, margin.lots, day=span.day)
        required = _Required(margin.model, margin.initial_cents / notional, paper)
        windows.note("all", required, day=span.day, losses=[-move for move in moves])
    return windows


def _moves(book: LiveBook, lots: Lots, *, span: _Span) -> list[float] | None:
    """What positions gain in the window and on its first day, in shares of their notional.

    None without positions, and where a margin or a price is missing.
    """
    notional = book.notional_cents(lots, span.day)
    gain = book.gain_cents(lots, first=span.day, last=span.last)
    next_gain = book.gain_cents(lots, first=span.day, last=span.next_day)
    if not notional or gain is None or next_gain is None:
        return None
    return [gain / notional, next_gain / notional]


def _required(book: LiveBook, lots: Lots, *, day: date, period: LivePeriod) -> _Required:
    """The requirement by the models in force, by their names in the order of the table."""
    notional = book.notional_cents(lots, day)
    scale = max(1, _NOTIONAL_CENTS // notional)
    required_cents = 0
    names = []
    for model in MODELS.values():
        chosen = [name for name in lots if book.margins[name][day].model == model.name]
        if chosen:
            names.append(model.name)
            holdings = [_holding(book, name, lots=scale * lots[name], day=day) for name in chosen]
            settings = {
                name: period.portfolio_setting(name, day) for name in model.portfolio_parameters
            }
            required_cents += int(model.require(holdings, 1, settings=settings).initial[0])
    share = required_cents / (scale * notional)
    return _Required(_JOIN.join(names), share, _paper_share(book, lots, day=day))


def _holding(book: LiveBook, contract: str, *, lots: int, day: date) -> Holding:
    ticks = book.price(contract, day)
    return Holding(
        accounts=np.array([0]),
        lots=np.array([lots]),
        price_cents=None if ticks is None else cents(1, ticks),
        measure=book.margins[contract][day].measure,
        product=product_of(contract),
    )


def _paper_share(book: LiveBook, lots: Lots, *, day: date) -> float:
    """The requirement of eq. 7, position by position."""
    weighed = sum(
        book.notional_cents({contract: count}, day) * book.margins[contract][day].paper_ppm
        for contract, count in lots.items()
    )
    return weighed / PPM / book.notional_cents(lots, day)


def _required_on(book: LiveBook, day: date) -> RequiredOn:
    """The requirement of all accounts together at a close, by paper, and flat."""
    in_force, paper, flat = 0, 0.0, 0.0
    for margins in book.accounts.values():
        margin = margins.get(day)
        notional = 0 if margin is None else book.notional_cents(margin.lots, day)
        if margin is not None and notional:
            in_force += margin.initial_cents
            paper += _paper_share(book, margin.lots, day=day) * notional
            flat += FLAT_RATE * notional
    return RequiredOn(day, in_force, round(paper), round(flat))
