"""Publishing a market while things break.

In: a house and lines. Out: whether it goes on, and the error that ended it, if one did. Either one
thread publishes all and is left in peace, or `clearing feed` does, is ended again and again, and
each time goes on where it stopped.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Final, Protocol

import psycopg
from aiokafka.errors import KafkaError

from services.broker.trouble import BrokerTrouble
from services.journal.trouble import JournalTrouble
from tests.faults.streaming.victims import Victim, started
from tests.streaming_house import StreamingHouse

# What a failed round raises; anything else is wrong with the campaign itself.
FAILURES: Final = (
    AssertionError, BrokerTrouble, JournalTrouble, KafkaError, OSError, psycopg.Error,
)  # fmt: skip
# Who has lived for longer did not fail at its start.
_ALIVE_S: Final = 5.0
_PAUSE_S: Final = 0.3


class Published(Protocol):
    """What lines are published to: a house."""

    def publish(self, lines: list[bytes], *, timeout_s: float) -> None:
        """Feed lines in the order of a file."""


class FedHouse:
    """A house to which `clearing feed` publishes, once more whenever it ended before its time."""

    def __init__(self, house: StreamingHouse, directory: Path, *, rate: int) -> None:
        self._house = house
        self._directory = directory
        self._rate = rate
        self._feed: Victim | None = None
        self._is_over = False
        self.counts: Counter[str] = Counter()

    def publish(self, lines: list[bytes], *, timeout_s: float) -> None:
        """Feed lines as a file. timeout_s: how long feeds may end by themselves, one after one."""
        file = self._directory / "market.jsonl"
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        command = ["feed", str(file), "--rate", str(self._rate), "--timeout", f"{timeout_s:g}"]
        deadline = monotonic() + timeout_s
        while not self._is_over:
            number = self.counts["feeds"]
            log = self._directory / f"feed-{number}.log"
            self._feed = started(self._house.environment(), log, command=command)
            self.counts["feeds"] += 1
            while not self._feed.has_ended(_ALIVE_S):
                deadline = max(deadline, monotonic() + timeout_s / 2)
            if self._feed.code == 0:
                return
            assert monotonic() < deadline, f"feed ended with {self._feed.code}: {log.read_text()}"
            sleep(_PAUSE_S)

    def close(self) -> None:
        """End it for good, uncounted."""
        self._is_over = True
        if self._feed is not None:
            self._feed.kill()

    def end(self, ending: signal.Signals) -> None:
        """End the feed that goes on, if one does."""
        feed = self._feed
        if feed is not None and feed.code is None:
            os.kill(feed.pid, ending)
            self.counts[f"feeds ended by {ending.name}"] += 1


class Publishing:
    """Publishes on a thread of its own while things break."""

    def __init__(self, house: Published, lines: list[bytes], patience_s: float) -> None:
        self.house = house
        self._done: Future[None] = Future()
        # A daemon: after a round that failed it may wait, and nobody waits for it to exit.
        Thread(
            target=self._publish, args=[house, lines, patience_s], name="publishing", daemon=True
        ).start()

    @property
    def is_alive(self) -> bool:
        """Whether it goes on."""
        return not self._done.done()

    def check(self) -> None:
        """Raise what ended it, if it was an error."""
        if self._done.done():
            self._done.result()

    def wait(self) -> None:
        """Wait for its end. Errors: as `check`."""
        self._done.result()

    def _publish(self, house: Published, lines: list[bytes], patience_s: float) -> None:
        try:
            house.publish(lines, timeout_s=patience_s)
            self._done.set_result(None)
        except FAILURES as error:
            self._done.set_exception(error)
        finally:
            self._done.cancel()  # By an error of the tests' own, which the thread tells; else done.
