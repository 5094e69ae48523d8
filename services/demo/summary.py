"""The summary of a run, in plain lines for a terminal.

In: the book of a run's facts. Out: short lines without colour or layout, most telling first.
"""

from __future__ import annotations

from typing import Final

from events.units import usd_text
from services.demo.default_figures import layers_paid
from services.demo.entries import MET, MISSED, ZERO, CallHistory, DemoFact
from services.demo.fact_book import FactBook
from services.demo.figures import coverage
from services.pages.layers import LAYERS

_WORST_SHOWN: Final = 3
_REASONS_SHOWN: Final = 12
_SECOND_TIER: Final = 2


def summary_lines(book: FactBook) -> list[str]:
    """The lines that `clearing demo` prints when it is done."""
    return [
        *_defaults(book),
        *_what_was_cleared(book),
        *_how_the_index_went(book),
        *_halts(book),
        *_under_water(book),
        *_margin(book),
        *_coverage(book),
        *_final_settlements(book),
        *_refusals(book),
        *_closing(book),
    ]


def dollars(cents: int) -> str:
    """An amount for people: dollars, whole from a thousand on."""
    if abs(cents) < 100_000:  # noqa: PLR2004 - a thousand dollars
        return usd_of_ticks(cents)
    return f"{'-' if cents < 0 else ''}${(abs(cents) + 50) // 100:,}"


def usd_of_micros(value: int) -> str:
    """An index value for people: dollars with four decimals."""
    return f"${value // 1_000_000}.{value % 1_000_000 // 100:04d}"


def hash_names(fact: DemoFact) -> list[str]:
    """The hashes that a fact of a close states, by name."""
    return [name for name in fact if name.endswith("_hash")]


def usd_of_ticks(ticks: int) -> str:
    """A price for people: a tick is a cent."""
    return f"{'-' if ticks < 0 else ''}${usd_text(abs(ticks))}"


def _defaults(book: FactBook) -> list[str]:
    """Each default: when, why, what it cost, who paid."""
    lines: list[str] = []
    for story in book.defaults.values():
        since = story.declared["at"][:16].replace("T", " ")
        lines.append(f"{story.member} is in default since {since}: {story.declared['reason']}.")
        lines.append(f"  Its {len(story.ported)} customers were ported with all they had.")
        if story.waterfall is not None:
            lost = dollars(story.waterfall["loss_cents"])
            layers = layers_paid(story).items()
            paid = [f"{LAYERS[layer][0]} {dollars(cents)}" for layer, cents in layers]
            lines.append(f"  {lost} was lost; paid by {', '.join(paid) or 'nobody'}.")
    return lines


def _what_was_cleared(book: FactBook) -> list[str]:
    days = book.days
    if not days:
        return ["Nothing was settled."]
    paid = sum(cents for by_day in book.variation.values() for cents in by_day.values())
    return [
        f"{len(days)} business days, {days[0]} to {days[-1]}.",
        f"{book.counts['trade_novated/1']:,} trades of {book.lots_cleared:,} lots were cleared.",
        f"{book.counts['trade_already_cleared/1']:,} came twice and changed nothing.",
        f"{dollars(paid)} of variation was paid, cent for cent what others lost.",
        f"{dollars(book.instructed.total())} of it went through the bank, net.",
        _counted(book),
    ]


def _counted(book: FactBook) -> str:
    bust, adjusted = book.counts["trade_busted/1"], book.counts["trade_price_adjusted/1"]
    moved = book.counts["position_transferred/1"]
    return f"{bust} trades were bust, {adjusted} adjusted, {moved} positions transferred."


def _how_the_index_went(book: FactBook) -> list[str]:
    lines = [
        f"The {product} index was published {book.published[product]:,} times and went from "
        f"{usd_of_micros(series[0][1])} to {usd_of_micros(series[-1][1])}."
        for product, series in sorted(book.index.items())
    ]
    return lines + [_held_line(fact) for fact in book.held_prices]


def _held_line(fact: DemoFact) -> str:
    price, last = usd_of_micros(fact["price_micros"]), usd_of_micros(fact["last_price_micros"])
    model = f"{fact['provider']}/{fact['model']}"
    return f"Held on {fact['at'][:10]}: {model} at {price}, more than x3 from {last}."


def _halts(book: FactBook) -> list[str]:
    if not book.halts:
        return ["No contract was halted."]
    tiers = [fact["tier"] for fact in book.halts]
    first, second, by_hand = tiers.count(1), tiers.count(_SECOND_TIER), tiers.count(0)
    lines = [f"{len(tiers)} halts: {first} at 15 %, {second} at 25 %, {by_hand} by the exchange."]
    return lines + [_slide_line(fact) for fact in book.halts if fact["tier"] == _SECOND_TIER]


def _slide_line(fact: DemoFact) -> str:
    moment = fact["at"][:16].replace("T", " ")
    way = f"went {fact['direction']} to {usd_of_ticks(fact['trigger_ticks'])}"
    return f"  {moment} {fact['contract']} {way} and was halted for the session."


def _under_water(book: FactBook) -> list[str]:
    return [
        f"{spell.account} was under water since {spell.since}, until {spell.until or 'now'}: "
        f"{dollars(-spell.worst_cents)} at worst."
        for spell in book.shortfalls
        if spell.mark == ZERO
    ]


def _coverage(book: FactBook) -> list[str]:
    """Of each product whether the margin in force was enough."""
    return [
        f"Margin by the model {row.model} {'was too thin' if row.is_thin else 'was enough'} for "
        f"{row.product}: {row.beyond} of {row.moves:,} moves over its days went beyond it."
        for row in coverage(book)
        if row.is_in_force and row.moves
    ]


def _margin(book: FactBook) -> list[str]:
    calls = list(book.calls.values())
    if not calls:
        return ["No margin was called."]
    total = dollars(sum(call.amount_cents for call in calls))
    met, missed = len(book.calls_that(MET)), book.calls_that(MISSED)
    missing = dollars(sum(call.remaining_cents for call in missed))
    raised = sum(call.was_raised for call in calls)
    outcome = f"{met} met, {len(missed)} missed by {missing}, {raised} raised"
    lines = [f"{len(calls)} margin calls for {total}: {outcome}."]
    worst = sorted(calls, key=lambda call: -call.amount_cents)[:_WORST_SHOWN]
    lines += [_call_line(call) for call in worst]
    alerts = book.counts["margin_rate_above_band/1"]
    if alerts:
        lines.append(f"The paper's margin rate stood above its 12 % band {alerts} times.")
    breaches = book.counts["position_limit_breached/1"]
    if breaches:
        lines.append(f"Position limits were crossed {breaches} times.")
    return lines


def _call_line(call: CallHistory) -> str:
    amount = dollars(call.amount_cents)
    return f"  {call.account} was called for {amount} on {call.day}: {call.outcome}."


def _final_settlements(book: FactBook) -> list[str]:
    return [_final_line(fact) for fact in book.settled]


def _final_line(fact: DemoFact) -> str:
    source = fact["source"].replace("_", " ")
    price = f"{usd_of_ticks(fact['price_ticks'])} ({source})"
    return f"{fact['contract']} was finally settled on {fact['business_date']} at {price}."


def _refusals(book: FactBook) -> list[str]:
    total = book.counts["command_refused/1"]
    if not total:
        return ["No line was refused."]
    lines = [f"{total} lines were refused, each with its reason; none left a trace in the books:"]
    counts = [(reason, kinds.total()) for reason, kinds in book.refusals_by_count()]
    lines += [f"  {count:>4} {reason}" for reason, count in counts[:_REASONS_SHOWN]]
    rarer = counts[_REASONS_SHOWN:]
    if rarer:
        lines.append(f"  {sum(count for _, count in rarer):>4} for {len(rarer)} other reasons")
    return lines


def _closing(book: FactBook) -> list[str]:
    names = ", ".join(f"{len(book.contracts_of(product))} {product}" for product in book.products())
    lines = [f"Contracts with settlement prices: {names}."] if names else []
    if book.closes:
        last = book.closes[-1]["business_date"]
        lines.append(f"Hashes at the close of {last}:")
        lines += [
            f"  {fact['shard']} {name.removesuffix('_hash')} {fact[name]}"
            for fact in book.closes
            if fact["business_date"] == last
            for name in hash_names(fact)
        ]
    lines.append("Prices, scores and volumes are real; members, trades and SCU prices are made up.")
    return lines
