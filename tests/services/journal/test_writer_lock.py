"""One claim at a time, and who holds it is named."""

import os
import subprocess
import sys
import time

import pytest

from services.journal.trouble import FencedOff
from services.journal.writer import Journal
from services.journal.writer_lock import LOCK_SECONDS_MAX, name_of


def test_a_claim_is_held_by_one_and_let_go_with_its_connection(url: str) -> None:
    with Journal(url) as first, Journal(url) as second:
        first.claim()
        with pytest.raises(FencedOff, match=f"clearing {os.getpid()}@"):
            second.claim()
        first.close()
        second.claim()


def test_one_who_lives_is_not_waited_for_long(url: str) -> None:
    with Journal(url) as first, Journal(url) as second:
        first.claim()
        start = time.monotonic()
        with pytest.raises(FencedOff):
            second.claim()
        assert time.monotonic() - start < LOCK_SECONDS_MAX / 2


def test_the_claim_of_the_dead_is_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with Journal(url) as first, Journal(url) as second:
        monkeypatch.setattr(os, "getpid", lambda: dead.pid)
        first.claim()
        start = time.monotonic()
        with pytest.raises(FencedOff, match=name_of(dead.pid)):
            second.claim()
        assert time.monotonic() - start > LOCK_SECONDS_MAX
