"""The script that a generated market is written to: lines, time, chance, and the twin's books."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from tests.twin.books import Contract, Market
from tests.twin.clearinghouse import begin, feed
from tests.twin.instants import DAY, HOUR, MINUTE, SECOND, print_instant
from tests.twin.spoil import dump, rewrite, spoil
from tests.twin.words import Command

Item = TypeVar("Item")
SPOILED = 0.02
REPEATED = 0.03
CONFLICTED = 0.01
YEAR = 365 * DAY
ASSETS_EVERY = 3
SPREADS_EVERY = 4
WITH_DEFAULT = (0, 4)  # of five seeds


class Script:
    """Lines so far, the time of day, the twin's books after them, and a seeded chance.

    ends: how many facts the twin had stated after each line. closing: the time of day of the close.
    """

    def __init__(self, seed: int) -> None:
        """Begin an empty script."""
        self.rng = Random(seed)  # noqa: S311
        self.house = begin()
        self.lines: list[bytes] = []
        self.ends: list[int] = []
        self.sent: list[Command] = []
        self.now = 0
        self.closing = 0
        self.names = 0
        self.accounts: list[str] = []
        self.models: dict[tuple[str, str], int] = {}
        self.has_huge_trade = self.chance(0.85)
        self.has_assets = seed % ASSETS_EVERY == 1
        self.has_spreads = seed % SPREADS_EVERY == 2
        self.has_default = seed % 5 in WITH_DEFAULT

    def chance(self, share: float) -> bool:
        """Tell whether something of this probability happens."""
        return self.rng.random() < share

    def pick(self, items: Sequence[Item]) -> Item:
        """Pick one."""
        return self.rng.choice(items)

    def weighted(self, items: dict[Item, int]) -> Item:
        """Pick one by weight."""
        return self.rng.choices(list(items), list(items.values()))[0]

    def name(self, prefix: str) -> str:
        """Give a name not used before."""
        self.names += 1
        return f"{prefix}{self.names}"

    def when(self) -> str:
        """Give a time near now: mostly now, sometimes late, early or far out of range."""
        shift = self.weighted(
            {0: 60, 1: 3, -1: 3, 250_000_000: 3, -5 * MINUTE: 6, -3 * HOUR: 3, 90 * SECOND: 4,
             -1 * DAY: 2, -8 * DAY: 1, 3 * DAY: 1, YEAR: 1, -YEAR: 1}
        )  # fmt: skip
        return print_instant(self.now + shift)

    def put(self, line: bytes) -> None:
        """Write a line and let the twin read it."""
        self.lines.append(line)
        feed(self.house, line)
        self.ends.append(len(self.house.facts))

    def send(self, kind: str, **fields: object) -> None:
        """Write a command; now and then spoiled before, repeated or contradicted after."""
        command: Command = {"type": kind, **fields}
        if self.chance(SPOILED):
            self.put(spoil(self.rng, command))
        self.put(dump(command))
        self.sent.append(command)
        if self.chance(REPEATED):
            self.put(rewrite(self.rng, self.pick(self.sent[-40:])))
        if self.chance(CONFLICTED):
            self.put(dump(self.contradict(self.pick(self.sent[-40:]))))

    def contradict(self, command: Command) -> Command:
        """Give a command with one field taken from another command of the same type."""
        others = [found for found in self.sent if found["type"] == command["type"]]
        name = self.pick([name for name in command if name != "type"])
        return command | {name: self.pick(others)[name]}

    def market(self) -> Market:
        """Pick a market in use: mostly SIT."""
        return self.house.markets[self.pick(["SIT", "SIT", "SIT", *sorted(self.house.markets)])]

    def contract(self) -> Contract | None:
        """Pick a live contract: mostly one of the two nearest."""
        live = self.market().live()
        if not live:
            return None
        return self.pick(live[:2]) if self.chance(0.8) else self.pick(live)


def money(ten_thousandths: int) -> str:
    """Write a price given in 1/10,000 USD."""
    sign = "-" if ten_thousandths < 0 else ""
    whole, rest = divmod(abs(ten_thousandths), 10_000)
    return f"{sign}{whole}.{rest:04d}" if rest else f"{sign}{whole}"


def dollars(ticks: int) -> str:
    """Write a price given in ticks."""
    return money(ticks * 100) if ticks % 100 else f"{ticks // 100}.00"
