"""The books of a demonstration, folded from its facts: for its market, page and summary.

In: decoded facts in the words on the wire, in the order they were decided; unknown ones are only
counted. Out: counts, books, and the few lists and series that people ask for. Money in cents,
prices in ticks, rates in ppm, as stated; nothing is decided or estimated here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, Final, NamedTuple

from risk.margin import stated_measure

DemoFact = Mapping[str, Any]

# Where a call stands; a met or missed call changes no more.
RAISED, PARTLY_MET, MET, MISSED, OPEN = "raised", "partly met", "met", "missed", "open"
# How a settlement price was found, by its tier (RULEBOOK §4).
TIERS: Final = (
    "set by the exchange",
    "mean of the trades before the close",
    "last trade of the session",
    "moved with the nearest expiry",
    "as before",
)
# What an account's equity can be below.
ZERO, MAINTENANCE = "zero", "maintenance margin"


@dataclass(slots=True)
class ListedContract:
    """A contract that trades: its last day, and what it settled at last."""

    contract: str
    last_trading_day: date
    reference_ticks: int | None


class SideRates(NamedTuple):
    """What a lot may lose by the model in force, of its price: who is long, who is short.

    paper_ppm: what the model paper would have asked of either side.
    """

    long_ppm: int
    short_ppm: int
    paper_ppm: int


@dataclass(slots=True)
class CallHistory:
    """A margin call and what became of it."""

    account: str
    day: date
    cycle: str
    amount_cents: int
    deadline: str
    remaining_cents: int
    outcome: str = OPEN
    was_raised: bool = False


@dataclass(slots=True)
class Shortfall:
    """A time in which an account's equity was below a mark. since, until: a date and its cycle.

    worst_cents: how far below at most; until: None as long as it lasts.
    """

    account: str
    mark: str
    since: str
    worst_cents: int = 0
    until: str | None = None


def _by_day() -> defaultdict[str, dict[date, int]]:
    return defaultdict(dict)


def _rates_by_day() -> defaultdict[str, dict[date, SideRates]]:
    return defaultdict(dict)


@dataclass(slots=True)
class FactBook:
    """All that was learnt. counts: of facts, by type; trades: not bust, by id; lots: net.

    By contract and date: prices, tiers, rates, volume and open interest in lots; by product and
    date: fixings, in micros. margins: the last requirement of each account; variation: gross, by
    product; instructed: net, as banks move it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    parameters: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, DemoFact] = field(default_factory=dict)
    lots_cleared: int = 0
    trades: dict[str, DemoFact] = field(default_factory=dict)
    lots: Counter[tuple[str, str]] = field(default_factory=Counter)
    cash_cents: Counter[str] = field(default_factory=Counter)
    calls: dict[str, CallHistory] = field(default_factory=dict)
    contracts: dict[str, ListedContract] = field(default_factory=dict)
    index: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    prices: defaultdict[str, dict[date, int]] = field(default_factory=_by_day)
    rates: defaultdict[str, dict[date, SideRates]] = field(default_factory=_rates_by_day)
    fixings: defaultdict[str, dict[date, int]] = field(default_factory=_by_day)
    variation: defaultdict[str, dict[date, int]] = field(default_factory=_by_day)
    tiers: defaultdict[str, dict[date, int]] = field(default_factory=_by_day)
    volume: defaultdict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    open_lots: defaultdict[str, dict[date, int]] = field(default_factory=_by_day)
    settled_at: dict[date, datetime] = field(default_factory=dict)
    published: Counter[str] = field(default_factory=Counter)
    instructed: Counter[date] = field(default_factory=Counter)
    margins: dict[str, DemoFact] = field(default_factory=dict)
    shortfalls: list[Shortfall] = field(default_factory=list)
    lasting: dict[tuple[str, str], Shortfall] = field(default_factory=dict)
    closes: list[DemoFact] = field(default_factory=list)
    refusals: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    held_prices: list[DemoFact] = field(default_factory=list)
    halts: list[DemoFact] = field(default_factory=list)
    settled: list[DemoFact] = field(default_factory=list)
    corrections: list[DemoFact] = field(default_factory=list)
    last_shares: list[DemoFact] = field(default_factory=list)

    def learn(self, facts: Iterable[DemoFact]) -> None:
        """Take in what was decided since the last time, in the order it was decided."""
        for fact in facts:
            kind = str(fact.get("type"))
            if kind in _LEARN:
                _LEARN[kind](self, fact)
            self.counts[kind] += 1

    @property
    def _closed(self) -> set[date]:
        return {_day(fact) for fact in self.closes}

    @property
    def days(self) -> list[date]:
        """The business dates on which anything was settled."""
        return sorted({day for series in self.prices.values() for day in series} | self._closed)

    def calls_that(self, *outcomes: str) -> list[CallHistory]:
        """The calls with one of these outcomes, in the order they were made."""
        return [call for call in self.calls.values() if call.outcome in outcomes]

    def refusals_by_count(self) -> list[tuple[str, Counter[str]]]:
        """Reasons, the most frequent first, each with the commands that were refused for it."""
        return sorted(self.refusals.items(), key=lambda item: (-item[1].total(), item[0]))

    @property
    def open_calls(self) -> list[CallHistory]:
        """The calls that are neither met nor missed."""
        return self.calls_that(OPEN, RAISED, PARTLY_MET)

    def index_micros(self, product: str) -> int | None:
        """The last value of a product's index."""
        return self.index[product][-1][1] if product in self.index else None

    def rate_ppm(self, contract: str) -> int | None:
        """The last margin rate of a contract, that of the dearer side."""
        if contract not in self.rates:
            return None
        last = next(reversed(self.rates[contract].values()))
        return max(last.long_ppm, last.short_ppm)

    def listed(self, product: str) -> list[ListedContract]:
        """The contracts of a product that trade, the front month first."""
        listed = [c for c in self.contracts.values() if c.contract.startswith(product)]
        return sorted(listed, key=lambda c: (c.last_trading_day, c.contract))

    def contracts_of(self, product: str) -> list[str]:
        """The product's contracts that have a settlement price, in the order of their delivery."""
        contracts = [contract for contract in self.prices if contract.startswith(product)]
        return sorted(contracts, key=lambda contract: (contract[4:], contract[3]))

    def products(self) -> list[str]:
        """SIT first, then the others by name."""
        products = {contract[:3] for contract in self.prices} | set(self.index)
        return sorted(products, key=lambda product: (product != "SIT", product))

    def latest_trade(self, product: str) -> DemoFact | None:
        """A product's last cleared trade in a contract that still trades."""
        for trade in reversed(self.trades.values()):
            if trade["contract"].startswith(product) and trade["contract"] in self.contracts:
                return trade
        return None


def _day(fact: DemoFact) -> date:
    return _date(fact["business_date"])


# Of a hundred thousand facts of a market a few dozen dates differ.
_date = cache(date.fromisoformat)


def moment_of(fact: DemoFact) -> datetime:
    """When a fact holds, in UTC."""
    return datetime.fromisoformat(fact["at"].removesuffix("Z"))


def _move(book: FactBook, fact: DemoFact, *, buyer: str, seller: str) -> None:
    book.lots[buyer, fact["contract"]] += fact["lots"]
    book.lots[seller, fact["contract"]] -= fact["lots"]


def _novated(book: FactBook, fact: DemoFact) -> None:
    book.lots_cleared += fact["lots"]
    book.trades[fact["trade_id"]] = fact
    book.volume[fact["contract"]][_day(fact)] += fact["lots"]
    _move(book, fact, buyer=fact["buyer"], seller=fact["seller"])


def _busted(book: FactBook, fact: DemoFact) -> None:
    book.corrections.append(fact)
    trade = book.trades.pop(fact["trade_id"], None)
    if trade is not None:
        book.volume[fact["contract"]][_day(trade)] -= fact["lots"]
    _move(book, fact, buyer=fact["seller"], seller=fact["buyer"])


def _transferred(book: FactBook, fact: DemoFact) -> None:
    giver, taker = fact["from_account"], fact["to_account"]
    buyer, seller = (taker, giver) if fact["side"] == "long" else (giver, taker)
    _move(book, fact, buyer=buyer, seller=seller)


def _closed(book: FactBook, fact: DemoFact) -> None:
    book.lots.pop((fact["account"], fact["contract"]), None)


def _refused(book: FactBook, fact: DemoFact) -> None:
    kind = fact.get("command_type") or "unreadable"
    book.refusals[fact["reason"]][kind.partition("/")[0]] += 1


def _published(book: FactBook, fact: DemoFact) -> None:
    book.published[fact["product"]] += 1
    moment = moment_of(fact)
    series = book.index.setdefault(fact["product"], [])
    if series and series[-1][0] == moment:
        # Reports of one instant come one after another; what stood for no time at all is not shown.
        series.pop()
    series.append((moment, fact["value_micros"]))
    if fact.get("inputs"):
        book.last_shares = list(fact["inputs"])


def _opened(book: FactBook, fact: DemoFact) -> None:
    """Leave out the values of the index while the first reports come in."""
    if not book.counts[fact["type"]]:
        book.index = {product: series[-1:] for product, series in book.index.items()}


def _listed(book: FactBook, fact: DemoFact) -> None:
    name, last_day = fact["contract"], date.fromisoformat(fact["last_trading_day"])
    book.contracts[name] = ListedContract(name, last_day, fact["reference_ticks"])


def _priced(book: FactBook, fact: DemoFact) -> None:
    contract, ticks = fact["contract"], fact["price_ticks"]
    day = _day(fact)
    book.prices[contract][day], book.tiers[contract][day] = ticks, fact["tier"]
    book.settled_at[day] = moment_of(fact)
    if contract in book.contracts:
        book.contracts[contract].reference_ticks = ticks


def _expired(book: FactBook, fact: DemoFact) -> None:
    book.settled.append(fact)
    book.contracts.pop(fact["contract"], None)


def _measured(book: FactBook, fact: DemoFact) -> None:
    """Of a model of scenarios the worst of them for each side."""
    measure = stated_measure(fact)
    rates = SideRates(measure.long_ppm, measure.short_ppm, fact["paper_rate_ppm"])
    book.rates[fact["contract"]][_day(fact)] = rates


def _fixed(book: FactBook, fact: DemoFact) -> None:
    book.fixings[fact["product"]][_day(fact)] = fact["value_micros"]


def _moved_cash(book: FactBook, fact: DemoFact) -> None:
    book.cash_cents[fact["account"]] += fact["amount_cents"]


def _paid(book: FactBook, fact: DemoFact) -> None:
    _moved_cash(book, fact)
    if fact["amount_cents"] > 0:
        paid = book.variation[fact["contract"][:3]]
        paid[_day(fact)] = paid.get(_day(fact), 0) + fact["amount_cents"]


def _called(book: FactBook, fact: DemoFact) -> None:
    _, day, cycle = fact["call"].split("/", 2)
    account, cents, deadline = fact["account"], fact["amount_cents"], fact["deadline"]
    history = CallHistory(account, date.fromisoformat(day), cycle, cents, deadline, cents)
    book.calls[fact["call"]] = history


def _call_changed(outcome: str) -> Callable[[FactBook, DemoFact], None]:
    def change(book: FactBook, fact: DemoFact) -> None:
        call = book.calls.get(fact["call"])
        if call is not None:
            call.outcome = outcome
            call.was_raised |= outcome == RAISED
            call.remaining_cents = fact["remaining_cents"]

    return change


def _instructed(book: FactBook, fact: DemoFact) -> None:
    """Count what members are paid; as much is collected from others."""
    book.instructed[_day(fact)] += max(0, fact["variation_cents"])


def _margined(book: FactBook, fact: DemoFact) -> None:
    account, when = fact["account"], f"{fact['business_date']} {fact['cycle']}"
    book.margins[account] = fact
    for mark, cents in ((ZERO, 0), (MAINTENANCE, fact["maintenance_cents"])):
        below = cents - fact["equity_cents"]
        spell = book.lasting.get((account, mark))
        if below > 0 and spell is None:
            spell = book.lasting[account, mark] = Shortfall(account, mark, since=when)
            book.shortfalls.append(spell)
        if below > 0 and spell is not None:
            spell.worst_cents = max(spell.worst_cents, below)
        elif spell is not None:
            book.lasting.pop((account, mark)).until = when


def _day_closed(book: FactBook, fact: DemoFact) -> None:
    """Keep the hashes, and of a market the open interest: the lots of all that are long."""
    book.closes.append(fact)
    product, day = fact["shard"].partition("market/")[2], _day(fact)
    if product:
        for (_, contract), lots in book.lots.items():
            if lots > 0 and contract.startswith(product):
                open_lots = book.open_lots[contract]
                open_lots[day] = open_lots.get(day, 0) + lots


def _opened_account(book: FactBook, fact: DemoFact) -> None:
    book.accounts[fact["account"]] = fact


_LEARN: Final[dict[str, Callable[[FactBook, DemoFact], None]]] = {
    "trade_novated/1": _novated,
    "trade_busted/1": _busted,
    "trade_price_adjusted/1": lambda book, fact: book.corrections.append(fact),
    "position_transferred/1": _transferred,
    "position_closed/1": _closed,
    "command_refused/1": _refused,
    "index_published/1": _published,
    "session_opened/1": _opened,
    "contract_listed/1": _listed,
    "settlement_price_set/1": _priced,
    "contract_settled/1": _expired,
    "margin_rate_set/1": _measured,
    "margin_scenarios_set/1": _measured,
    "index_fixed/1": _fixed,
    "collateral_moved/1": _moved_cash,
    "variation_settled/1": _paid,
    "margin_called/1": _called,
    "margin_call_raised/1": _call_changed(RAISED),
    "margin_call_partly_met/1": _call_changed(PARTLY_MET),
    "margin_call_met/1": _call_changed(MET),
    "margin_call_missed/1": _call_changed(MISSED),
    "margin_set/1": _margined,
    "settlement_instructed/1": _instructed,
    "account_opened/1": _opened_account,
    "shard_opened/1": lambda book, fact: book.parameters.update(fact.get("parameters", {})),
    "day_closed/1": _day_closed,
    "provider_price_held/1": lambda book, fact: book.held_prices.append(fact),
    "contract_halted/1": lambda book, fact: book.halts.append(fact),
}
