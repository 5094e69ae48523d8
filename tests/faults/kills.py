"""A round of kills: one market cleared by processes that are killed at random moments.

In: a seed and a Postgres. Out: how many kills there were and how far each let the source come; an
AssertionError if the books do not end as those of an undisturbed run, row by row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import uuid4

import psycopg

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from tests.faults.markets import hostile, plain
from tests.faults.victims import ended, started
from tests.journal_contents import assert_equal, contents

KILLS_MAX = 12


@dataclass
class Round:
    """What one round did. progress: bytes of the source that were durable at each kill."""

    seed: int
    lines_a_block: int
    size: int
    progress: list[int] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """How many processes were killed at work."""
        return len(self.progress)

    @property
    def in_the_middle(self) -> int:
        """How many of them when a part of the source was durable."""
        return sum(0 < place < self.size for place in self.progress)


def kill_round(server: EmbeddedServer, seed: int) -> Round:
    """Kill, run again, kill, until a run ends; compare."""
    rng = Random(seed)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="clearing-kills-") as name:
        directory = Path(name)
        path = hostile(directory, seed) if rng.random() < 0.7 else plain(directory, seed)
        with new_database(server) as calm, new_database(server) as url:
            clear(calm, str(path))
            done = Round(seed, rng.choice([1, 3, 10, 60]), path.stat().st_size)
            _clear_under_fire(url, path, done, rng=rng)
            assert_equal(contents(url), contents(calm))
    return done


def _clear_under_fire(url: str, path: Path, done: Round, *, rng: Random) -> None:
    arguments, log = ["--commands", str(path), "--database", url], path.with_name("log")
    longest = rng.choice([0.15, 0.4, 1.2])
    while done.kills < KILLS_MAX:
        victim = started(arguments, log, lines_a_block=done.lines_a_block)
        if victim.has_ended(rng.uniform(0.0, longest)):
            break
        victim.kill()
        code = victim.ending().code
        assert code in {-9, 0}, victim.ending()
        if code == 0:
            break
        done.progress.append(_position(url))
    last = ended(arguments, log, lines_a_block=done.lines_a_block)
    assert last.code == 0, last


def _position(url: str) -> int:
    """How far the source is durable; 0 before the schema is there."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('clearing.source')").fetchone()
        if found == (None,):
            return 0
        row = connection.execute("SELECT max(position) FROM clearing.source").fetchone()
        return 0 if row is None or row[0] is None else int(row[0])


@contextmanager
def new_database(server: EmbeddedServer) -> Iterator[str]:
    """An empty database without a journal, dropped afterwards."""
    name = f"faults_{uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield server.url_of(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
