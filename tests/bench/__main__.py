"""`python tests/bench NAME [--trades N] [--accounts N]` prints one JSON line: ours, baseline, ratio, one run."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import ingest


def main() -> None:
    """Run one bench in a directory of its own."""
    parser = argparse.ArgumentParser(prog="python tests/bench", description=__doc__)
    parser.add_argument("name", choices=["ingest"])
    parser.add_argument("--trades", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clearing-bench-") as directory:
        print(json.dumps(ingest.run(Path(directory), count=chosen.trades)))


if __name__ == "__main__":
    main()
