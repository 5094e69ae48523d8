"""A short demonstration that tests of the command and of its page share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from services.cli import cli

DAYS: Final = 3
SEED: Final = 5


def demo(out: Path, *more: str) -> Result:
    """A short demonstration, in this process."""
    asked = ["demo", "--out", str(out), "--days", str(DAYS), "--seed", str(SEED), *more]
    return CliRunner().invoke(cli, asked)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder of a demonstration, and what it said."""
    out = tmp_path_factory.mktemp("demo") / "out"
    return out, demo(out)
