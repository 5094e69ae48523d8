"""What happened, gathered from the facts in one pass, for the page and for the story.

In: decoded facts in the words on the wire, in the order they were decided; unknown ones are
passed over. Out: counts, and the few lists and series that people ask for. Money in cents,
prices in ticks, rates in ppm, as stated; nothing is decided or estimated here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

Fact = Mapping[str, Any]

# Where a call stands; a met or missed call changes no more.
RAISED, PARTLY_MET, MET, MISSED, OPEN = "raised", "partly met", "met", "missed", "open"


@dataclass(slots=True)
class Call:
    """A margin call and what became of it."""

    name: str
    account: str
    day: date
    cycle: str
    amount_cents: int
    deadline: str
    outcome: str = OPEN
    was_raised: bool = False


@dataclass(slots=True)
class Digest:
    """All that is shown."""

    types: Counter[str] = field(default_factory=Counter)
    lots: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    refused_kinds: dict[str, Counter[str]] = field(default_factory=dict)
    held: list[Fact] = field(default_factory=list)
    halts: list[Fact] = field(default_factory=list)
    settled: list[Fact] = field(default_factory=list)
    busts: list[Fact] = field(default_factory=list)
    limit_breaches: list[Fact] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)
    index: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    fixings: dict[str, dict[date, int]] = field(default_factory=dict)
    prices: dict[str, dict[date, int]] = field(default_factory=dict)
    rates: dict[str, dict[date, int]] = field(default_factory=dict)
    tiers: Counter[int] = field(default_factory=Counter)
    variation: dict[str, dict[date, int]] = field(default_factory=dict)
    deposited_cents: int = 0
    withdrawn_cents: int = 0
    hashes: dict[date, dict[str, str]] = field(default_factory=dict)
    last_shares: list[Fact] = field(default_factory=list)
    has_begun: bool = False

    @property
    def days(self) -> list[date]:
        """The business dates on which anything was settled."""
        found = {day for series in self.prices.values() for day in series}
        return sorted(found | set(self.hashes))

    def count(self, kind: str) -> int:
        """How many facts of a type."""
        return self.types[kind]

    def calls_that(self, outcome: str) -> list[Call]:
        """The calls with an outcome, in the order they were made."""
        return [call for call in self.calls.values() if call.outcome == outcome]


def gather(facts: Iterable[Fact]) -> Digest:
    """One pass over the facts."""
    digest = Digest()
    for fact in facts:
        kind = str(fact.get("type"))
        digest.types[kind] += 1
        take = _TAKE.get(kind)
        if take is not None:
            take(digest, fact)
    return digest


def contracts_of(digest: Digest, product: str) -> list[str]:
    """The product's contracts that have a settlement price, in the order of their delivery."""
    found = [contract for contract in digest.prices if contract.startswith(product)]
    return sorted(found, key=lambda contract: (contract[4:], contract[3]))


def products_of(digest: Digest) -> list[str]:
    """SIT first, then the others by name."""
    found = {contract[:3] for contract in digest.prices} | set(digest.index)
    return sorted(found, key=lambda product: (product != "SIT", product))


def _day(fact: Fact) -> date:
    return date.fromisoformat(fact["business_date"])


def _novated(digest: Digest, fact: Fact) -> None:
    digest.lots += fact["lots"]


def _refused(digest: Digest, fact: Fact) -> None:
    reason = fact["reason"]
    digest.refusals[reason] += 1
    kind = fact.get("command_type") or "unreadable"
    digest.refused_kinds.setdefault(reason, Counter())[kind.partition("/")[0]] += 1


def _published(digest: Digest, fact: Fact) -> None:
    moment = datetime.fromisoformat(fact["at"].removesuffix("Z"))
    series = digest.index.setdefault(fact["product"], [])
    if series and series[-1][0] == moment:
        # Reports of one instant come one after another; what stood for no time at all is not shown.
        series.pop()
    series.append((moment, fact["value_micros"]))
    if fact.get("inputs"):
        digest.last_shares = list(fact["inputs"])


def _opened(digest: Digest, _: Fact) -> None:
    """What the index passed through while the first reports came in is not shown."""
    if not digest.has_begun:
        digest.has_begun = True
        digest.index = {product: series[-1:] for product, series in digest.index.items()}


def _fixed(digest: Digest, fact: Fact) -> None:
    digest.fixings.setdefault(fact["product"], {})[_day(fact)] = fact["value_micros"]


def _priced(digest: Digest, fact: Fact) -> None:
    digest.prices.setdefault(fact["contract"], {})[_day(fact)] = fact["price_ticks"]
    digest.tiers[fact["tier"]] += 1


def _rated(digest: Digest, fact: Fact) -> None:
    digest.rates.setdefault(fact["contract"], {})[_day(fact)] = fact["rate_ppm"]


def _paid(digest: Digest, fact: Fact) -> None:
    if fact["amount_cents"] > 0:
        by_day = digest.variation.setdefault(fact["contract"][:3], {})
        by_day[_day(fact)] = by_day.get(_day(fact), 0) + fact["amount_cents"]


def _moved(digest: Digest, fact: Fact) -> None:
    if fact["amount_cents"] > 0:
        digest.deposited_cents += fact["amount_cents"]
    else:
        digest.withdrawn_cents -= fact["amount_cents"]


def _called(digest: Digest, fact: Fact) -> None:
    _, day, cycle = fact["call"].split("/", 2)
    digest.calls[fact["call"]] = Call(
        name=fact["call"],
        account=fact["account"],
        day=date.fromisoformat(day),
        cycle=cycle,
        amount_cents=fact["amount_cents"],
        deadline=fact["deadline"],
    )


def _call_turned(outcome: str) -> Callable[[Digest, Fact], None]:
    def turn(digest: Digest, fact: Fact) -> None:
        call = digest.calls.get(fact["call"])
        if call is not None:
            call.outcome = outcome
            call.was_raised = call.was_raised or outcome == RAISED

    return turn


def _hashed(digest: Digest, fact: Fact) -> None:
    digest.hashes.setdefault(_day(fact), {})[fact["shard"]] = fact["state_hash"]


def _busted(digest: Digest, fact: Fact) -> None:
    digest.busts.append(fact)


_TAKE: Final[dict[str, Callable[[Digest, Fact], None]]] = {
    "trade_novated/1": _novated,
    "command_refused/1": _refused,
    "index_published/1": _published,
    "session_opened/1": _opened,
    "index_fixed/1": _fixed,
    "settlement_price_set/1": _priced,
    "margin_rate_set/1": _rated,
    "variation_settled/1": _paid,
    "collateral_moved/1": _moved,
    "margin_called/1": _called,
    "margin_call_raised/1": _call_turned(RAISED),
    "margin_call_partly_met/1": _call_turned(PARTLY_MET),
    "margin_call_met/1": _call_turned(MET),
    "margin_call_missed/1": _call_turned(MISSED),
    "day_closed/1": _hashed,
    "trade_busted/1": _busted,
    "trade_price_adjusted/1": _busted,
    "provider_price_held/1": lambda digest, fact: digest.held.append(fact),
    "contract_halted/1": lambda digest, fact: digest.halts.append(fact),
    "contract_settled/1": lambda digest, fact: digest.settled.append(fact),
    "position_limit_warned/1": lambda digest, fact: digest.limit_breaches.append(fact),
    "position_limit_breached/1": lambda digest, fact: digest.limit_breaches.append(fact),
}
