"""The small market of README: run as a reader pastes it, in an empty directory.

In: README's block of shell between `<!-- market -->` and `<!-- end -->`. Out: what it prints; what
README says it prints. `python -m tests.readme_market` writes the first over the second.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.house_rules import ROOT

REWRITE: Final = "python -m tests.readme_market"
PAGE: Final = ROOT / "README.md"
_MARKET: Final = re.compile(
    r"<!-- market -->\n```sh\n(?P<typed>.*?)```\n\n```text\n(?P<printed>.*?)```\n<!-- end -->",
    re.DOTALL,
)
# It differs from run to run.
_SPEED: Final = re.compile(r"^[\d.]+ s, [\d,]+ trades/s\n", re.MULTILINE)


def shown_market(page: str) -> re.Match[str]:
    """The market in a page: `typed` and `printed`."""
    market = _MARKET.search(page)
    assert market is not None, "no market between <!-- market --> and <!-- end -->"
    return market


def print_market(folder: Path) -> str:
    """What the shell prints in a folder, without how fast it was; a failing command ends it."""
    foreign = ("CLEARING_", "PYTEST_")
    settings = {name: at for name, at in os.environ.items() if not name.startswith(foreign)}
    settings["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{settings['PATH']}"
    typed = subprocess.run(
        ["/bin/sh", "-euc", shown_market(PAGE.read_text("utf-8"))["typed"]],
        cwd=folder, env=settings, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return without_speed(typed.stdout.decode())


def without_speed(printed: str) -> str:
    """The text without the line that differs from run to run."""
    return _SPEED.sub("", printed)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        actual = print_market(Path(folder))
    text = PAGE.read_text("utf-8")
    begin, end = shown_market(text).span("printed")
    PAGE.write_text(text[:begin] + actual + text[end:], "utf-8")
