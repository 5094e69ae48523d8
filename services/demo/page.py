"""The page that shows what happened: one self-contained file, readable in light and in dark.

In: decoded facts in the words on the wire and a title. Out: HTML with its style and charts
inside; it asks nothing of any server, and the same facts give the same page.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from services.demo.charts import (
    calls_chart,
    longest_contract,
    margin_chart,
    price_chart,
    variation_chart,
)
from services.demo.digest import MET, MISSED, Digest, Fact, gather, products_of
from services.demo.summary import dollars, micros
from services.demo.tables import Html, long_table, table

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fdfdfb; --ink: #22262b; --quiet: #9aa3ad;
  --note: #5c6570; --line: #dfe2e6; --panel: #f3f4f2; --series-1: #2563a8; --series-2: #b7610b;
  --series-3: #4b8b3b; --series-4: #8250a0; --bad: #c2303c; --good: #2f8f6b; }
@media (prefers-color-scheme: dark) { :root { --paper: #16191d; --ink: #e4e6e8; --quiet: #7b858f;
  --note: #a3abb3; --line: #343a41; --panel: #1f2429; --series-1: #6aa9ee; --series-2: #e79a4a;
  --series-3: #84c46f; --series-4: #bd93d8; --bad: #f0727c; --good: #58c49b; } }
body { background: var(--paper); color: var(--ink); margin: 0 auto; max-width: 62rem;
  padding: 2rem 1.25rem 4rem; font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; }
p { max-width: 46rem; margin: .4rem 0; }
.note, caption { color: var(--note); font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.4rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--panel); border-radius: .5rem; padding: .7rem .9rem; }
.tiles b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0 1.6rem; } svg { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .92rem; width: 100%; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.number { text-align: right; padding-right: 1.6rem; }
.scroll { margin-top: 1.2rem; } .bad { color: var(--bad); } .good { color: var(--good); }
code { font: .85em ui-monospace, monospace; }
summary { cursor: pointer; margin: .5rem 0; }
"""
_TIERS: Final = {
    0: "by the exchange",
    1: "first limit, 10 minutes",
    2: "second limit, to the next session",
}


def render_page(facts: Iterable[Fact], *, title: str) -> str:
    """The whole page."""
    digest = gather(facts)
    parts = [
        f"<h1>{escape(title)}</h1>",
        _span_note(digest),
        _tiles(digest),
        _prices(digest),
        _margin(digest),
        _halts(digest),
        _final_settlements(digest),
        _corrections(digest),
        _refusals(digest),
        _hashes(digest),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _span_note(digest: Digest) -> str:
    days = digest.days
    span = f"{len(days)} business days, {days[0]} to {days[-1]}. " if days else ""
    return (
        f'<p class="note">{span}Token prices, scores and volumes are real, restated with their '
        "sources (LLMStats llm-leaderboard, CC-BY-4.0, and others: see SOURCES.md). Members, "
        "accounts, trades and all SCU prices are made up.</p>"
    )


def _tiles(digest: Digest) -> str:
    """The counts that sum it up."""
    paid = sum(cents for by_day in digest.variation.values() for cents in by_day.values())
    tiles = (
        (f"{digest.count('trade_novated/1'):,}", "trades cleared"),
        (f"{digest.lots:,}", "lots"),
        (dollars(paid), "variation paid"),
        (f"{sum(digest.refusals.values()):,}", "lines refused"),
        (f"{digest.count('trade_already_cleared/1'):,}", "trades sent twice"),
        (f"{len(digest.halts):,}", "halts"),
        (f"{len(digest.calls):,}", "margin calls"),
        (f"{len(digest.calls_that(MISSED)):,}", "calls missed"),
        (f"{digest.count('trade_busted/1'):,}", "trades bust"),
        (f"{len(digest.settled):,}", "contracts finally settled"),
        (f"{digest.count('margin_rate_above_band/1'):,}", "rates above the 12 % band"),
        (f"{digest.count('position_limit_breached/1'):,}", "position limits crossed"),
    )
    items = "".join(f"<li><b>{number}</b>{label}</li>" for number, label in tiles)
    return f'<ul class="tiles">{items}</ul>'


def _prices(digest: Digest) -> str:
    charts = "".join(
        f"<figure>{price_chart(digest, product)}</figure>"
        for product in products_of(digest)
        if digest.days
    )
    shares = [
        (
            f"{share['provider']}/{share['model']}",
            micros(share["raw_price_micros"]),
            micros(share["adjusted_price_micros"]),
            _percent(share["raw_weight_ppm"]),
            _percent(share["weight_ppm"]),
        )
        for share in digest.last_shares
    ]
    heads = ("provider/model", "=list price", "=at equal capability", "=share of volume", "=weight")
    held = [
        (
            _minute(fact["at"]),
            f"{fact['provider']}/{fact['model']}",
            micros(fact["last_price_micros"]),
            micros(fact["price_micros"]),
        )
        for fact in digest.held
    ]
    return (
        f"<h2>Prices</h2>{charts}"
        + table("What the SIT index was made of at the last value", heads, rows=shares)
        + table(
            "Price reports held back: more than x3 from the last accepted one",
            ("reported (UTC)", "provider/model", "=last accepted", "=held"),
            rows=held,
        )
    )


def _margin(digest: Digest) -> str:
    contract = longest_contract(digest)
    charts = [variation_chart(digest)] if digest.days else []
    if contract is not None:
        charts.insert(0, margin_chart(digest, contract))
    if digest.calls and digest.days:
        charts.append(calls_chart(digest))
    figures = "".join(f"<figure>{chart}</figure>" for chart in charts)
    calls = [
        (
            str(call.day),
            call.cycle,
            call.account,
            dollars(call.amount_cents),
            _minute(call.deadline),
            _coloured(call.outcome),
        )
        for call in digest.calls.values()
    ]
    heads = ("day", "cycle", "account", "=called for", "deadline (UTC)", "outcome")
    return f"<h2>Margin and variation</h2>{figures}" + long_table("Margin calls", heads, rows=calls)


def _halts(digest: Digest) -> str:
    rows = [
        (
            _minute(fact["at"]),
            fact["contract"],
            _TIERS[fact["tier"]],
            fact["direction"] or "",
            "" if fact["trigger_ticks"] is None else str(fact["trigger_ticks"]),
            "next session" if fact["until"] is None else _minute(fact["until"]),
        )
        for fact in digest.halts
    ]
    heads = ("from (UTC)", "contract", "why", "direction", "=at ticks", "until")
    return "<h2>Halts</h2>" + long_table("Trading halts", heads, rows=rows)


def _final_settlements(digest: Digest) -> str:
    rows = [
        (
            fact["contract"],
            fact["business_date"],
            str(fact["price_ticks"]),
            fact["source"].replace("_", " "),
        )
        for fact in digest.settled
    ]
    heads = ("contract", "last trading day", "=ticks", "price from")
    return "<h2>Final settlements</h2>" + table("Contracts settled in cash", heads, rows=rows)


def _corrections(digest: Digest) -> str:
    rows = [
        (
            _minute(fact["at"]),
            fact["trade_id"],
            fact["contract"],
            f"{fact['lots']:,}",
            f"{fact['price_ticks_before']} to {fact['price_ticks']}"
            if "price_ticks_before" in fact
            else f"{fact['price_ticks']}, bust",
        )
        for fact in digest.busts
    ]
    heads = ("at (UTC)", "trade", "contract", "=lots", "=ticks")
    return "<h2>Busts and price adjustments</h2>" + table("Corrected trades", heads, rows=rows)


def _refusals(digest: Digest) -> str:
    ordered = sorted(digest.refusals.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        (
            Html(f"<code>{escape(reason)}</code>"),
            f"{count:,}",
            ", ".join(sorted(digest.refused_kinds[reason])).replace("_", " "),
        )
        for reason, count in ordered
    ]
    note = (
        "<p>Every refused line stands in the journal with its bytes; none left a trace in "
        "positions or cash.</p>"
    )
    return f"<h2>Refusals by reason</h2>{note}" + table(
        "Refused lines", ("reason", "=lines", "commands"), rows=rows
    )


def _hashes(digest: Digest) -> str:
    """The state of each shard's books at each close: equal runs have equal hashes."""
    shards = sorted({shard for by_shard in digest.hashes.values() for shard in by_shard})
    rows = [
        (
            str(day),
            *(Html(f"<code>{escape(by_shard.get(shard, ''))[:16]}</code>") for shard in shards),
        )
        for day, by_shard in sorted(digest.hashes.items())
    ]
    heads = ("business date", *shards)
    caption = "State hashes at each close, first 16 digits"
    return "<h2>Day hashes</h2>" + long_table(caption, heads, rows=rows)


def _coloured(outcome: str) -> Html:
    tone = {MET: "good", MISSED: "bad"}.get(outcome, "")
    return Html(f'<span class="{tone}">{escape(outcome)}</span>')


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
