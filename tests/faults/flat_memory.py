"""Memory of a clear against its length: `python tests/faults/flat_memory.py 1000000 4000000`.

For each number of trades a market of 10,000 accounts is written, then cleared by a process of its
own. Prints one JSON line each: resident memory when all is imported, the peak above it, and what
was held above it after each tenth of the file; in MiB. Exit 1 if a peak is more than 300 MiB above.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from services.sources.source_reader import Block
from tests.bench.market import closing, opening, trades

ACCOUNTS: Final = 10_000
ABOVE_START_MAX: Final = 300


def resident(name: str = "VmRSS") -> float:
    """Resident memory of this process in MiB, now or (VmHWM) at its highest."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def measure(count: int) -> dict[str, Any]:
    """Write a market, clear it in another process; what that one says."""
    with (
        tempfile.TemporaryDirectory(prefix="clearing-memory-") as name,
        EmbeddedServer(Path(name) / "data") as server,
    ):
        path = Path(name) / "market.jsonl"
        with path.open("wb") as stream:
            for lines in (opening(ACCOUNTS), trades(count, ACCOUNTS), [closing()]):
                stream.writelines(line + b"\n" for line in lines)
        command = [sys.executable, __file__, "--clear", str(path), server.url]
        told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return {"trades": count, **json.loads(told)}


def clear_and_tell(path: str, url: str) -> None:
    """Clear a file, print what memory it took."""
    start, size = resident(), Path(path).stat().st_size
    held: dict[int, int] = {}

    def sample(block: Block) -> None:
        held[10 * block.end // size] = round(resident() - start)

    done = clear(url, path, progress=sample)
    told = {
        "start": round(start),
        "above_start_peak": round(resident("VmHWM") - start),
        "above_start_by_tenth": [*held.values()],
        "trades_per_s": round(done.tally.trades / done.seconds),
    }
    say(told)


def say(told: dict[str, Any]) -> dict[str, Any]:
    """A line of JSON on standard output."""
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()
    return told


def main() -> int:
    """Measure each length asked for."""
    parser = argparse.ArgumentParser(prog="python tests/faults/flat_memory.py", description=__doc__)
    parser.add_argument("trades", type=int, nargs="*", default=[1_000_000, 4_000_000])
    parser.add_argument("--clear", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.clear:
        clear_and_tell(*asked.clear)
        return 0
    measured = [say(measure(count)) for count in asked.trades]
    return int(any(one["above_start_peak"] > ABOVE_START_MAX for one in measured))


if __name__ == "__main__":
    sys.exit(main())
