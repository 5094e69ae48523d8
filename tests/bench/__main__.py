"""`python tests/bench NAME` prints one JSON line: ours, baseline, ratio, all from one run.

Each bench says in its own docstring what it metrics against what. It works in a directory of its
own that is gone when it ends. `--small` takes sizes that end in seconds and prove nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# Read when NumPy is loaded: products of `es` and `scan` are those of one core, ours and the bare.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from services.settings import Settings
from tests.bench import (
    backtest,
    close,
    curve,
    es,
    facts_out,
    failover,
    ingest,
    latency,
    layouts,
    memory,
    mixed,
    paths,
    replay,
    scan,
    stream,
    stress,
)

_BATCH: Final[int] = Settings.model_fields["batch_messages"].default
_SESSION: Final[int] = Settings.model_fields["session_timeout_ms"].default
_BEAT: Final[int] = Settings.model_fields["heartbeat_interval_ms"].default


@dataclass(frozen=True, slots=True)
class Bench:
    """A bench, what it takes by default, and what `--small` takes."""

    run: Callable[..., dict[str, Any]]
    usual: dict[str, int]
    small: dict[str, int]


BENCHES: Final = {
    "ingest": Bench(
        ingest.run,
        {"trades_count": 1_000_000, "accounts": 10_000},
        {"trades_count": 2_000, "accounts": 20},
    ),
    "mixed": Bench(
        mixed.run,
        {"trades_count": 1_000_000, "accounts": 10_000},
        {"trades_count": 2_000, "accounts": 20},
    ),
    "layouts": Bench(
        layouts.run,
        {"trades_count": 200_000, "accounts": 10_000},
        {"trades_count": 1_000, "accounts": 20},
    ),
    "close": Bench(
        close.run,
        {"accounts": 1_000_000, "accounts_durable": 100_000},
        {"accounts": 300, "accounts_durable": 200},
    ),
    "backtest": Bench(backtest.run, {"days": 732}, {"days": 80}),
    "es": Bench(
        es.run, {"accounts": 100_000, "scenarios": 10_000}, {"accounts": 50, "scenarios": 200}
    ),
    "scan": Bench(scan.run, {"accounts": 1_000_000}, {"accounts": 50}),
    "stress": Bench(
        stress.run, {"accounts": 100_000, "scenarios": 40}, {"accounts": 50, "scenarios": 34}
    ),
    "paths": Bench(paths.run, {"paths": 10_000, "steps": 756}, {"paths": 20, "steps": 12}),
    "curve": Bench(curve.run, {"prices_count": 1_000_000}, {"prices_count": 60}),
    "replay": Bench(
        replay.run,
        {"trades_count": 500_000, "accounts": 10_000},
        {"trades_count": 500, "accounts": 20},
    ),
    "memory": Bench(
        memory.run,
        {"trades_count": 3_000_000, "accounts": 10_000, "block": 1_000_000},
        {"trades_count": 2_000, "accounts": 200, "block": 1_000},
    ),
    "stream": Bench(
        stream.run,
        {
            "trades_count": 1_000_000,
            "accounts": 10_000,
            "agent_trades": 100_000,
            "batch": _BATCH,
        },
        {"trades_count": 3_000, "accounts": 20, "agent_trades": 500, "batch": 10},
    ),
    "facts": Bench(
        facts_out.run,
        {"trades_count": 2_000_000, "accounts": 10_000, "batch": _BATCH, "pairs": 4},
        {"trades_count": 2_000, "accounts": 20, "batch": 10, "pairs": 1},
    ),
    "latency": Bench(
        latency.run,
        {"trades_count": 300_000, "accounts": 10_000, "seconds": 30, "batch": _BATCH},
        {"trades_count": 2_000, "accounts": 20, "seconds": 1, "batch": 100},
    ),
    "failover": Bench(
        failover.run,
        {"trades_count": 300_000, "rounds": 15, "session_ms": _SESSION, "heartbeat_ms": _BEAT},
        {"trades_count": 2_000, "rounds": 1, "session_ms": 6_000, "heartbeat_ms": 1_000},
    ),
}


def measure(name: str, *, is_small: bool = False, **sizes: int | None) -> dict[str, Any]:
    """The fields of a bench's line. sizes: those that are not the usual ones."""
    bench = BENCHES[name]
    chosen = dict(bench.small if is_small else bench.usual)
    given = {size: value for size, value in sizes.items() if value is not None}
    unknown = given.keys() - chosen.keys()
    if unknown:
        msg = f"{name} has no size {', '.join(sorted(unknown))}"
        raise SystemExit(msg)
    with tempfile.TemporaryDirectory(prefix="clearing-bench-") as directory:
        return bench.run(Path(directory), **{**chosen, **given})


def main() -> None:
    """Run one bench and print its line."""
    parser = argparse.ArgumentParser(prog="python tests/bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--small", action="store_true", help="sizes that prove nothing")
    parser.add_argument("--trades", type=int, help="of those that clear trades")
    parser.add_argument("--accounts", type=int, help="that hold positions")
    parser.add_argument("--accounts-durable", type=int, help="of the close to durable rows")
    parser.add_argument("--days", type=int, help="of the index that backtest takes")
    parser.add_argument("--scenarios", type=int, help="of es and stress")
    parser.add_argument("--paths", type=int, help="of paths")
    parser.add_argument("--block", type=int, help="trades in a point of the curve of memory")
    parser.add_argument("--agent-trades", type=int, help="of the agent that stream is held against")
    parser.add_argument("--pairs", type=int, help="of facts: runs with and without a publisher")
    parser.add_argument("--seconds", type=int, help="of latency at a steady rate")
    parser.add_argument("--rounds", type=int, help="kills of failover")
    parser.add_argument("--session-ms", type=int, help="session_timeout_ms of failover")
    parser.add_argument("--heartbeat-ms", type=int, help="heartbeat_interval_ms of failover")
    parser.add_argument("--batch", type=int, help="messages of a transaction on Kafka, at most")
    asked = parser.parse_args()
    said = measure(
        asked.name,
        is_small=asked.small,
        trades_count=asked.trades,
        accounts=asked.accounts,
        accounts_durable=asked.accounts_durable,
        days=asked.days,
        scenarios=asked.scenarios,
        paths=asked.paths,
        block=asked.block,
        agent_trades=asked.agent_trades,
        seconds=asked.seconds,
        pairs=asked.pairs,
        batch=asked.batch,
        rounds=asked.rounds,
        session_ms=asked.session_ms,
        heartbeat_ms=asked.heartbeat_ms,
    )
    sys.stdout.write(f"{json.dumps(said)}\n")


if __name__ == "__main__":
    main()
