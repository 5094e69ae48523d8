"""`stream`: trades that wait in Kafka to durable rows by one worker, against two others of one run.

of_ingest: the embedded `ingest` of the same trades, same Postgres, with the broker up and idle;
half of them before the stream and half after it, so that a machine that slows down favours
neither. Ours is the rate from when the worker has loaded the market, as its log says, to its last
commit: as with ingest, the first batch counts whole. The broker is on the same cores.
mixed: so too a fifth as many lines of a market as it is (mixed.py), but those for other inboxes.
of_agent: the same sink behind an agent of Faust (faust_agent.py), a tenth of the trades, whose
rate does not depend on their number; from its first commit to its last, which favours it.

The trades are in Kafka before the clock starts: zstd, idempotent producer, batches as our feed
sends them. Two more rates of ours: between_commits, from the first commit of a trade to the last;
from_start, from the start of the process. Cores are counted between these commits.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, time
from typing import Any, Final

from services.embedded.run import EmbeddedRun
from services.journal.migrate import migrate
from tests.bench.clearing_file import Took, clear_file
from tests.bench.figure import Figure, line_of
from tests.bench.market import opening, trades, write_lines
from tests.bench.mixed import mixed_lines
from tests.bench.streaming import MARKET, Stage, Watch, cpu_s, novated, opened_stage, put
from tests.streaming_house import ROOT

# Looks at the heads cost the database a little: a hundredth of the shortest run that counts.
_LOOK_S: Final = 0.01
_END_S_MAX: Final = 20.0
_LOADED: Final = "loaded; goes on at offset"
WORKER: Final = ("-m", "services.cli", "worker")
_NOT_MARKET: Final = (b'{"type": "deposit_', b'{"type": "run_cycle')
_TRADE: Final = re.compile(rb'.*"trade_id": "(\w+)".*"lots": \d+, .*Z"}')
_AGENT: Final = (str(Path(__file__).with_name("faust_agent.py")),)


@dataclass(frozen=True, slots=True)
class Rate:
    """Trades a second: between the first commit and the last, from loaded, from the start; cores.

    from_loaded: 0 of a program that does not say when it has loaded.
    """

    between_commits: float
    from_loaded: float
    from_start: float
    cpu_us: float
    broker_cpu_us: float


@dataclass(frozen=True, slots=True)
class Compared:
    """The same lines by a worker and by one process: lines a second, cores for a line."""

    worker: Rate
    one_process: float
    one_process_cpu_us: float


def run(
    directory: Path, *, trades_count: int, accounts: int, agent_trades: int, batch: int
) -> dict[str, Any]:
    """Measure so many trades. batch: messages of a transaction at most."""
    half = trades_count // 2
    halves = [
        write_lines(directory / f"{first}.jsonl", trades(half, accounts, first=first))
        for first in (10**8, 2 * 10**8)
    ]
    of_agent = trades(agent_trades, accounts, first=3 * 10**8)
    with opened_stage(directory, accounts=accounts, batch_messages=batch) as stage:
        before = write_lines(directory / "opening.jsonl", opening(accounts))
        migrate(stage.server.url)
        with EmbeddedRun(stage.server.url) as embedded:
            clear_file(embedded, before)
        agent = streamed(stage, of_agent, count=agent_trades, program=_AGENT)
        plain = _compared(stage, halves)
        mixed = _compared(stage, _mixed_halves(directory, trades_count // 5, accounts=accounts))
    ours = plain.worker
    return line_of(
        "stream",
        [
            Figure("of_ingest", "trades/s", ours.from_loaded, plain.one_process, 0.7, "at_least"),
            Figure(
                "mixed", "lines/s", mixed.worker.from_loaded, mixed.one_process, 0.7, "at_least"
            ),
            Figure("of_agent", "trades/s", ours.from_loaded, agent.between_commits, 4, "at_least"),
        ],
        trades=2 * half,
        accounts=accounts,
        agent_trades=agent_trades,
        messages_a_batch=batch,
        between_commits=ours.between_commits,
        from_start=ours.from_start,
        cpu_us_a_trade=ours.cpu_us,
        broker_cpu_us_a_trade=ours.broker_cpu_us,
        ingest_cpu_us_a_trade=plain.one_process_cpu_us,
        mixed_cpu_us_a_line=mixed.worker.cpu_us,
        mixed_ingest_cpu_us_a_line=mixed.one_process_cpu_us,
        agent_cpu_us_a_trade=agent.cpu_us,
    )


def _mixed_halves(directory: Path, count: int, *, accounts: int) -> list[Path]:
    """Two files of mixed lines, without those for the inboxes of other shards."""
    lines = [line for line in mixed_lines(count, accounts) if not line.startswith(_NOT_MARKET)]
    half = len(lines) // 2
    return [
        write_lines(directory / "mixed-first.jsonl", lines[:half]),
        write_lines(directory / "mixed-second.jsonl", lines[half:]),
    ]


def _compared(stage: Stage, halves: list[Path]) -> Compared:
    """The lines of two files by a worker; by one process one before that, the other after."""
    lines = [line for path in halves for line in path.read_bytes().split(b"\n") if line]
    standing = len({found[1] for line in lines if (found := _TRADE.fullmatch(line))})
    took = [_ingested(stage.server.url, halves[0])]
    worker = streamed(stage, lines, count=len(lines), standing=standing, program=WORKER)
    took.append(_ingested(stage.server.url, halves[1]))
    wall, cpu = sum(one.wall for one in took), sum(one.cpu for one in took)
    return Compared(worker, len(lines) / wall, cpu / len(lines) * 1e6)


def _ingested(url: str, path: Path) -> Took:
    with EmbeddedRun(url) as embedded:
        return clear_file(embedded, path)


def streamed(
    stage: Stage,
    lines: Iterable[bytes],
    *,
    count: int,
    program: tuple[str, ...],
    standing: int | None = None,
) -> Rate:
    """The rate of a program that takes so many lines, which wait in the inbox of the market.

    standing: how many of them are trades that stand; all if None.
    """
    end = put(stage, lines)
    with Watch(stage.house.url, every_s=_LOOK_S) as watch:
        before = watch.seen[MARKET][-1]
        with _running(stage, program) as process:
            begun = monotonic()
            watch.until(before.next_offset + 1, by=process)
            cpu, broker = cpu_s(process.pid), _broker_cpu_s(stage)
            first, last = watch.seen[MARKET][1], watch.until(end, by=process)[-1]
            cpu, broker = cpu_s(process.pid) - cpu, _broker_cpu_s(stage) - broker
    assert last.seq > first.seq, "one commit took all: send more trades"
    cleared = novated(stage.house.url, after=before.seq)
    expected = count if standing is None else standing
    assert cleared == expected, f"{cleared} of {expected} trades stand"
    timed, loaded = last.seq - first.seq, loaded_at(stage)
    return Rate(
        timed / (last.at - first.at),
        count / (last.at - loaded) if loaded else 0.0,
        count / (last.at - begun),
        cpu / timed * 1e6,
        broker / timed * 1e6,
    )


def loaded_at(stage: Stage) -> float | None:
    """When the market was loaded, on the clock of a watch."""
    for line in _log(stage).read_text("utf-8").splitlines():
        if _LOADED in line and MARKET in line:
            at = datetime.fromisoformat(json.loads(line)["at"])
            return monotonic() - time() + at.timestamp()
    return None


def _broker_cpu_s(stage: Stage) -> float:
    """Of a broker of our own; others are not ours to look at."""
    return 0.0 if stage.broker_pid is None else cpu_s(stage.broker_pid)


@contextmanager
def _running(stage: Stage, program: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the settings of the house, ended at the end."""
    with _log(stage).open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *program],
            cwd=ROOT,
            env=os.environ | stage.house.environment(),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        yield process
    except AssertionError as error:
        error.add_note(_log(stage).read_text("utf-8", "replace")[-4000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(_END_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _log(stage: Stage) -> Path:
    """What the program that ran last has said."""
    return stage.directory / "program.log"
