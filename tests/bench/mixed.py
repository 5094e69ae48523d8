"""`mixed`: a market as it is, through `clear` to durable rows, against `ingest` of the same run.

Of a hundred lines two are malformed (one no JSON, one a trade with words for lots), one is a trade
sent again; of ten thousand 20 bust a trade and 30 deposit; all further ones are trades and quotes,
one to one. A cycle runs each hour, which is each 50,000 lines. ours: lines a second to durable;
baseline: trades a second of as many trades, into the same journal. Half of the trades come before
the mixed lines and half after them, so that a machine that slows down favours neither.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.embedded.run import LINES_A_BLOCK, EmbeddedRun
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from tests.bench.clearing_file import Took, clear_file
from tests.bench.figure import Figure, line_of
from tests.bench.market import CONTRACTS, DAY, account_name, opening, trades, write_lines

_LINES_AN_HOUR = 50_000
# Of ten thousand lines.
_DRAWN = {"broken": 100, "worded": 100, "again": 100, "bust": 20, "deposit": 30}


def run(directory: Path, *, trades_count: int, accounts: int) -> dict[str, Any]:
    """Measure so many lines. Returns the fields of the line."""
    half = trades_count // 2
    before = write_lines(directory / "opening.jsonl", opening(accounts))
    halves = [
        write_lines(directory / f"{first}.jsonl", trades(half, accounts, first=first))
        for first in (10**8, 2 * 10**8)
    ]
    mixed = write_lines(directory / "mixed.jsonl", mixed_lines(trades_count, accounts))
    with EmbeddedServer(directory / "data") as server:
        migrate(server.url)
        _cleared(server.url, before)
        took = [_cleared(server.url, path) for path in (halves[0], mixed, halves[1])]
    ingest = 2 * half / (took[0].wall + took[2].wall)
    return line_of(
        "mixed",
        [Figure("of_ingest", "lines/s", trades_count / took[1].wall, ingest, 0.6, "at_least")],
        lines=trades_count,
        accounts=accounts,
        lines_a_batch=LINES_A_BLOCK,
        cpu_us_a_line=took[1].cpu / trades_count * 1e6,
        ingest_cpu_us_a_trade=(took[0].cpu + took[2].cpu) / (2 * half) * 1e6,
    )


def mixed_lines(count: int, accounts: int) -> Iterator[bytes]:
    """So many lines of a day; a million end at 20:00."""
    draw = random.Random(count)  # noqa: S311 - a bench draws no secrets
    kinds = [*_DRAWN, "trade", "quote"]
    ordinary = (10_000 - sum(_DRAWN.values())) // 2
    chosen = draw.choices(kinds, weights=[*_DRAWN.values(), ordinary, ordinary], k=count)
    ordinary_trades, sent = trades(count, accounts), [next(trades(1, accounts, first=10**9 - 1))]
    for number, kind in enumerate(chosen):
        seconds = number * 3_600 // _LINES_AN_HOUR
        at = f"{DAY}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"
        if number % _LINES_AN_HOUR == _LINES_AN_HOUR - 1:
            yield _text("run_cycle/1", cycle=f"C{number}", at=at)
        elif kind == "trade":
            sent.append(next(ordinary_trades))
            yield sent[-1]
        else:
            yield _other(kind, draw, number=number, at=at, sent=sent, accounts=accounts)


def _other(
    kind: str, draw: random.Random, *, number: int, at: str, sent: list[bytes], accounts: int
) -> bytes:
    """A line that is no new trade. sent: the trades before it."""
    trade = draw.choice(sent)
    match kind:
        case "broken":
            return trade[:-5]
        case "worded":
            return trade.replace(b'"lots": ', b'"lots": "a few", "size": ')
        case "again":
            return trade
        case "bust":
            sent_before = json.loads(trade)
            named = {name: sent_before[name] for name in ("trade_id", "contract")}
            return _text("bust_trade/1", **named, reason="error", at=at)
        case "deposit":
            account = account_name(draw.randrange(accounts))
            paid = {"asset": "USD", "amount_cents": 100_000}
            return _text(
                "deposit_collateral/1", reference=f"m{number}", account=account, **paid, at=at
            )
        case _:
            return _quote(draw, maker=account_name(draw.randrange(min(accounts, 50))), at=at)


def _quote(draw: random.Random, *, maker: str, at: str) -> bytes:
    ticks = draw.randrange(197, 217)
    bid, ask = (f"{price // 100}.{price % 100:02d}" for price in (ticks, ticks + 1))
    sides = {"bid": bid, "bid_lots": 100, "ask": ask, "ask_lots": 100}
    return _text("submit_quote/1", maker=maker, contract=draw.choice(CONTRACTS), **sides, at=at)


def _text(kind: str, **fields: object) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def _cleared(url: str, path: Path) -> Took:
    with EmbeddedRun(url) as embedded:
        return clear_file(embedded, path)
