"""The books of a demonstration, folded from its facts: for its market, page and summary.

In: decoded facts in the words on the wire, in the order they were decided; unknown ones are only
counted. Out: counts, books, and the few lists and series that people ask for. Money in cents,
prices in ticks, rates in ppm, as stated; nothing is decided or estimated here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Final

from events.ledger_names import owner_of_cash
from risk.margin import stated_measure
from services.demo.default_story import DefaultStory, PortedAccount
from services.demo.entries import (
    MAINTENANCE,
    MET,
    MISSED,
    PARTLY_MET,
    RAISED,
    STILL_OPEN,
    ZERO,
    CallHistory,
    DemoFact,
    ListedContract,
    Shortfall,
    SideRates,
    calls_by_outcome,
    change_call,
)
from services.demo.fund_history import LEARN_FUND, FundHistory


def _by_day() -> defaultdict[str, dict[date, int]]:
    return defaultdict(dict)


def _rates_by_day() -> defaultdict[str, dict[date, SideRates]]:
    return defaultdict(dict)


@dataclass(slots=True)
class FactBook:
    """All that was learnt. counts: of facts, by type; trades: not bust, by id; lots: net.

    By contract and date: prices, tiers, rates, volume and open interest in lots; by product and
    date: fixings, in micros. margins: the last requirement of each account; variation: gross, by
    product; instructed: net, as banks move it; defaults: by member.
    """

    counts: Counter[str] = field(default_factory=Counter)
    parameters: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, DemoFact] = field(default_factory=dict)
    lots_cleared: int = 0
    trades: dict[str, DemoFact] = field(default_factory=dict)
    lots: Counter[tuple[str, str]] = field(default_factory=Counter)
    cash_cents: Counter[str] = field(default_factory=Counter)
    calls: dict[str, CallHistory] = field(default_factory=dict)
    fund: FundHistory = field(default_factory=FundHistory)
    defaults: dict[str, DefaultStory] = field(default_factory=dict)
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
            elif kind in LEARN_FUND:
                LEARN_FUND[kind](self.fund, fact)
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
        return calls_by_outcome(self.calls, *outcomes)

    def refusals_by_count(self) -> list[tuple[str, Counter[str]]]:
        """Reasons, the most frequent first, each with the commands that were refused for it."""
        return sorted(self.refusals.items(), key=lambda item: (-item[1].total(), item[0]))

    @property
    def open_calls(self) -> list[CallHistory]:
        """The calls that are neither met nor missed."""
        return self.calls_that(*STILL_OPEN)

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


def _posted(book: FactBook, fact: DemoFact) -> None:
    """Cash and the fund are balances of the ledger, whatever moved them."""
    for side, sign in (("debit", -1), ("credit", 1)):
        account = owner_of_cash(fact[side])
        if account is None:
            book.fund.balances[fact[side]] += sign * fact["amount_cents"]
        else:
            book.cash_cents[account] += sign * fact["amount_cents"]


def _paid(book: FactBook, fact: DemoFact) -> None:
    if fact["amount_cents"] > 0:
        paid = book.variation[fact["contract"][:3]]
        paid[_day(fact)] = paid.get(_day(fact), 0) + fact["amount_cents"]


def _called(book: FactBook, fact: DemoFact) -> None:
    _, day, cycle = fact["call"].split("/", 2)
    account, cents, deadline = fact["account"], fact["amount_cents"], fact["deadline"]
    history = CallHistory(account, date.fromisoformat(day), cycle, cents, deadline, cents)
    book.calls[fact["call"]] = history


def _call_changed(outcome: str) -> Callable[[FactBook, DemoFact], None]:
    return lambda book, fact: change_call(book.calls, fact, outcome=outcome)


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
            spell = Shortfall(account, mark, since=when, at=fact["at"])
            book.lasting[account, mark] = spell
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


def _defaulted(book: FactBook, fact: DemoFact) -> None:
    book.defaults[fact["member"]] = DefaultStory(fact)


def _ported(book: FactBook, fact: DemoFact) -> None:
    """The account is another member's from here on; a defaulter's story keeps what it took."""
    account, to_member = fact["account"], fact["to_member"]
    book.accounts[account] = {**book.accounts[account], "member": to_member}
    story = book.defaults.get(fact["from_member"])
    if story is not None:
        lots = sum(abs(lots) for (name, _), lots in book.lots.items() if name == account)
        cash_cents = book.cash_cents[account]
        story.ported.append(PortedAccount(account, to_member, fact["at"], cash_cents, lots))


def _auctioned(book: FactBook, fact: DemoFact) -> None:
    book.defaults[book.accounts[fact["account"]]["member"]].auctions.append(fact)


def _taken_over(book: FactBook, fact: DemoFact) -> None:
    giver, taker = fact["from_account"], fact["to_account"]
    _move(book, fact, buyer=taker, seller=giver)
    book.defaults[book.accounts[giver]["member"]].taken_over.append(fact)


def _ordered(book: FactBook, fact: DemoFact) -> None:
    book.defaults[fact["member"]].ordered = fact


def _settled_default(book: FactBook, fact: DemoFact) -> None:
    book.defaults[fact["member"]].waterfall = fact


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
    "posting/1": _posted,
    "variation_settled/1": _paid,
    "margin_called/1": _called,
    "margin_call_raised/1": _call_changed(RAISED),
    "margin_call_partly_met/1": _call_changed(PARTLY_MET),
    "margin_call_met/1": _call_changed(MET),
    "margin_call_missed/1": _call_changed(MISSED),
    "margin_set/1": _margined,
    "settlement_instructed/1": _instructed,
    "account_opened/1": _opened_account,
    "member_defaulted/1": _defaulted,
    "account_ported/1": _ported,
    "account_auctioned/1": _auctioned,
    "position_taken_over/1": _taken_over,
    "default_settlement_ordered/1": _ordered,
    "waterfall_applied/1": _settled_default,
    "shard_opened/1": lambda book, fact: book.parameters.update(fact.get("parameters", {})),
    "day_closed/1": _day_closed,
    "provider_price_held/1": lambda book, fact: book.held_prices.append(fact),
    "contract_halted/1": lambda book, fact: book.halts.append(fact),
}
