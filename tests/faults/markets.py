"""Files to clear while things go wrong: hostile markets of a few days, plain ones of one."""

from __future__ import annotations

from pathlib import Path

from tests.bench.market import closing, opening, trades
from tests.default_market import default_market
from tests.twin.generate import market


def hostile(directory: Path, seed: int, *, days: int = 3) -> Path:
    """A market of the twin's generator."""
    return _written(directory, market(seed, days=days))


def plain(directory: Path, seed: int, *, count: int = 700, accounts: int = 20) -> Path:
    """A day of ordinary trades with its close."""
    lines = [*opening(accounts), *trades(count, accounts, seed=seed), closing()]
    return _written(directory, lines)


def defaulted(directory: Path) -> Path:
    """A market with two defaults that are settled."""
    return _written(directory, default_market())


def _written(directory: Path, lines: list[bytes]) -> Path:
    path = directory / "market.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path
