"""A campaign of kills: `python tests/faults --rounds N --seed S`; each round is one market.

With `--streams` the market goes through Kafka and workers (streaming/), else through `clear`;
`--brokers 3 --watch`: leaders of three brokers die too, and no worker may be silent on a shard that
has stood for five seconds.
Prints a line for each round and the sum. Exit 1 if the books of any round did not end as those of
an undisturbed run.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.journal.embedded import EmbeddedServer
from tests.faults.kills import Round, kill_round
from tests.faults.streaming.campaign import Campaign
from tests.faults.streaming.plants import PLANTS
from tests.faults.streaming.storm import Plan

EXIT_TERMINATED = 128 + signal.SIGTERM


def main() -> int:
    """Run the rounds asked for; how the process ends."""
    parser = argparse.ArgumentParser(prog="python tests/faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how many markets")
    parser.add_argument("--seed", type=int, default=0, help="of the first; the others follow")
    parser.add_argument("--streams", action="store_true", help="workers on Kafka")
    parser.add_argument("--plant", default="", choices=["", *PLANTS], help="a defect to be found")
    parser.add_argument("--brokers", type=int, default=1, choices=[1, 3], help="of the streams")
    parser.add_argument("--watch", action="store_true", help="that no worker is silent on a stop")
    parser.add_argument("--report", type=Path, help="a file for the figures, as JSON")
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.rounds)
    # Asked to end, it ends what it started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    if asked.streams:
        return Campaign(
            Plan(planted=asked.plant, is_watched=asked.watch), asked.report, asked.brokers
        ).run(seeds)
    begun = monotonic()
    rounds: list[Round] = []
    failed: list[int] = []
    with (
        tempfile.TemporaryDirectory(prefix="clearing-faults-") as directory,
        EmbeddedServer(Path(directory)) as server,
    ):
        for seed in seeds:
            try:
                rounds.append(kill_round(server, seed))
                _say(_told(rounds[-1]))
            except AssertionError as found:
                failed.append(seed)
                _say(f"seed {seed} FAILED: {str(found)[:2000]}")
    kills, middle = sum(one.kills for one in rounds), sum(one.in_the_middle for one in rounds)
    took = monotonic() - begun
    _say(f"{len(rounds)} rounds, {kills} kills, {middle} in the middle of a file, {took:.0f} s")
    _say(f"failed: {failed}" if failed else "none failed")
    return int(bool(failed))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _told(one: Round) -> str:
    places = " ".join(f"{100 * place // one.size}%" for place in one.progress)
    return f"seed {one.seed}: blocks of {one.lines_a_block}, {one.kills} kills at {places}"


if __name__ == "__main__":
    sys.exit(main())
