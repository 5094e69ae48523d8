"""The thread that publishes in a round: what it says, and that a process can end without it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.faults.streaming.publishing import Publishing
from tests.faults.victims import ROOT

WAITS_FOR_EVER = """
from threading import Event
from tests.faults.streaming.publishing import Publishing

class House:
    def publish(self, lines, *, timeout_s):
        Event().wait()

assert Publishing(House(), [], 1.0).is_alive
"""


class Refusing:
    """A house that takes nothing."""

    def publish(self, lines: list[bytes], *, timeout_s: float) -> None:
        """Say so."""
        msg = f"{len(lines)} lines not taken in {timeout_s} s"
        raise AssertionError(msg)


def test_what_ended_it_is_raised_for_who_waits() -> None:
    publishing = Publishing(Refusing(), [b"one"], 2.0)
    for said in (publishing.wait, publishing.check):
        with pytest.raises(AssertionError, match="1 lines not taken"):
            said()
    assert not publishing.is_alive


def test_a_process_ends_while_one_waits_for_ever() -> None:
    done = subprocess.run([sys.executable, "-c", WAITS_FOR_EVER], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0
