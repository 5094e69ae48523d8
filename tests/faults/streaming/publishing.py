"""Publishing a market while things break.

In: a house and lines. Out: whether it goes on, and the error that ended it, if one did.
"""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import Final, Protocol

import psycopg
from aiokafka.errors import KafkaError

from services.broker.trouble import BrokerTrouble
from services.journal.trouble import JournalTrouble

# What a failed round raises; anything else is wrong with the campaign itself.
FAILURES: Final = (
    AssertionError, BrokerTrouble, JournalTrouble, KafkaError, OSError, psycopg.Error,
)  # fmt: skip


class Published(Protocol):
    """What lines are published to: a house."""

    def publish(self, lines: list[bytes], *, timeout_s: float) -> None:
        """Feed lines in the order of a file."""


class Publishing:
    """Publishes on a thread of its own while things break."""

    def __init__(self, house: Published, lines: list[bytes], patience_s: float) -> None:
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
