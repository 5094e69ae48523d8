"""A campaign of seeded markets: `python tests/simulation --seeds N --from S [--processes P]`.

Prints each seed that fails, with what it showed, and how many passed. Exit 1 if any failed.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.simulation.one_market import play

SHOWN = 2_000


def main() -> int:
    """Play the markets asked for; how the process ends."""
    parser = argparse.ArgumentParser(prog="python tests/simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many markets")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--processes", type=int, default=1, help="at once")
    options = parser.parse_args()
    started = monotonic()
    failed = campaign(
        range(options.first, options.first + options.seeds), processes=options.processes
    )
    took = monotonic() - started
    say(f"{options.seeds - len(failed)} of {options.seeds} markets passed in {took:.0f} s")
    say(f"failed: {sorted(failed)}" if failed else "none failed")
    return 1 if failed else 0


def campaign(seeds: range, *, processes: int) -> list[int]:
    """Play the markets of the seeds; those that failed, each printed as it is found."""
    failed = []
    with ProcessPoolExecutor(processes) as pool:
        runs: dict[Future[None], int] = {pool.submit(play, seed): seed for seed in seeds}
        for run in as_completed(runs):
            trouble = run.exception()
            if trouble is not None:
                failed.append(runs[run])
                say(f"seed {runs[run]}: {repr(trouble)[:SHOWN]}")
    return failed


def say(text: str) -> None:
    """Write a line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
