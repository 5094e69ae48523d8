"""A desk that feeds commands to an index as the market shard does, and records its facts."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from events.codec import decode_command
from events.contracts import PRODUCTS
from events.fact import Fact
from events.fact_text import encode_fact
from events.facts import decode_fact
from events.index_facts import IndexFact, IndexFixed, IndexPublished
from events.refusals import Refusal
from events.units import HOUR_NS, parse_instant
from settlement.index.apply import apply_index_fact
from settlement.index.books import IndexBooks
from settlement.index.decide import decide_index_command, expire_prices, fix_index
from settlement.index.refusals import refuse_index_command

CASES = Path(__file__).parents[4] / "shared/cases"
START = parse_instant("2026-06-08T00:00:00Z")
DAY = date(2026, 6, 8)
Texts = tuple[str | None, str | None, str | None]
ANCHOR = ("86", "67", "92")
FIXINGS_KEPT = 21


def hours(count: int, minutes: int = 0) -> int:
    """An instant some hours and minutes after the start."""
    return START + count * HOUR_NS + minutes * HOUR_NS // 60


def text_of(instant: int) -> str:
    """The instant as on the wire."""
    seconds, nanos = divmod(instant - START, 1_000_000_000)
    moment = date(2026, 6, 8) + timedelta(days=seconds // 86_400)
    second = seconds % 86_400
    return f"{moment}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{nanos:09d}Z"


class Desk:
    """Books, clock and record of one product's index."""

    def __init__(self, product: str = "SIT") -> None:
        self.books = IndexBooks(PRODUCTS[product], fixings_kept=FIXINGS_KEPT)
        self.clock = START
        self.facts: list[Fact] = []
        self.product = product

    def emit(self, fact: Fact) -> None:
        """Apply a fact and record it."""
        assert isinstance(fact, IndexFact)
        apply_index_fact(self.books, fact)
        self.facts.append(fact)

    def send(self, kind: str, at: int, **fields: object) -> Refusal | None:
        """Refuse a command, or move the clock and decide it."""
        line = {"type": f"{kind}/1", "product": self.product, **fields, "at": text_of(at)}
        command: Any = decode_command(json.dumps(line).encode())
        refusal = refuse_index_command(self.books, command)
        if refusal is None:
            self.move_to(max(self.clock, at))
            decide_index_command(self.books, command, now=self.clock, emit=self.emit)
        return refusal

    def move_to(self, clock: int) -> None:
        """Let time pass."""
        self.clock = clock
        expire_prices(self.books, clock, emit=self.emit)

    def score(self, model: str, at: int = START, *, scores: Texts = ANCHOR) -> Refusal | None:
        """Report a model's capability: `provider/model`."""
        provider, name = model.split("/")
        mmlu, humaneval, gsm8k = scores
        fields = {"mmlu": mmlu, "humaneval": humaneval, "gsm8k": gsm8k}
        return self.send("report_capability", at, provider=provider, model=name, **fields)

    def weigh(self, provider: str, tokens: int, at: int = START) -> Refusal | None:
        """Report a provider's volume."""
        return self.send("report_provider_volume", at, provider=provider, tokens=tokens)

    def quote(
        self, model: str, price: str, at: int = START, *, output: str | None = None
    ) -> Refusal | None:
        """Report a model's price: one for input and output, or two."""
        provider, name = model.split("/")
        prices = {"input_usd_per_mtok": price, "output_usd_per_mtok": output or price}
        return self.send("report_provider_price", at, provider=provider, model=name, **prices)

    def retire(self, model: str, at: int = START) -> Refusal | None:
        """Retire a model."""
        provider, name = model.split("/")
        return self.send("retire_model", at, provider=provider, model=name)

    def publish(self, value: str, at: int = START) -> Refusal | None:
        """Publish a value from outside."""
        return self.send("publish_index", at, value=value)

    def fix(self, close_at: int) -> IndexFixed | None:
        """The fixing of a close, if one was stated."""
        before = len(self.facts)
        self.move_to(max(self.clock, close_at))
        fix_index(self.books, DAY, close_at=close_at, emit=self.emit)
        last = self.facts[-1] if len(self.facts) > before else None
        return last if isinstance(last, IndexFixed) else None

    def all_of(self, kind: type[Fact]) -> list[Any]:
        """The facts of one kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def values(self) -> list[int]:
        """The published values, in order."""
        return [fact.value_micros for fact in self.all_of(IndexPublished)]

    def replay(self) -> IndexBooks:
        """The books from the recorded facts, read back from bytes."""
        books = IndexBooks(PRODUCTS[self.product], fixings_kept=FIXINGS_KEPT)
        for fact in self.facts:
            read = decode_fact(encode_fact(fact, shard="market/X", seq=1)).fact
            assert isinstance(read, IndexFact)
            apply_index_fact(books, read)
        return books


def listed(*providers: str, at: int = START) -> Desk:
    """A desk whose providers have a qualified model `m` and a volume of 1 each."""
    desk = Desk()
    for provider in providers:
        desk.score(f"{provider}/m", at)
        desk.weigh(provider, 1, at)
    return desk
