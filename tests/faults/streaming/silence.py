"""Whether some worker says so whenever a shard that has messages does not move for five seconds.

In: a house, its workers. Out: the looks at which a shard stood still, and those of them at which
every worker that answered was ready; where none answers, that itself is the alarm.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from http import HTTPStatus
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Final, Self

from services.journal.trouble import JournalTrouble
from tests.faults.streaming.crew import Crew
from tests.streaming_house import StreamingHouse

STILL_S: Final = 5.0
_LOOK_S: Final = 0.5


class SilenceWatch:
    """Looks on a thread until the end of the block. unsaid: what nobody told of."""

    def __init__(self, house: StreamingHouse, crew: Crew) -> None:
        self._house = house
        self._crew = crew
        self._over = Event()
        self._moved: dict[str, tuple[int, float]] = {}
        self.stood = 0
        self.unsaid: list[str] = []
        self._thread = Thread(target=self._watch, name="silence", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_S):
            shards = self._standing()
            if shards:
                self.stood += 1
                if not self._is_said() and (silent := shards & self._standing()):
                    self.unsaid.append(f"{sorted(silent)} stood and every worker was ready")

    def _standing(self) -> set[str]:
        """The shards that have messages and have not moved for so long."""
        try:
            self._house.await_durable(0.0)
        except AssertionError as lacking:
            text = str(lacking)
        else:
            self._moved.clear()
            return set()
        try:
            heads = {shard: head.seq for shard, head in self._house.heads().items()}
        except JournalTrouble:
            heads = {shard: seq for shard, (seq, _) in self._moved.items()}
        now = monotonic()
        for shard, seq in heads.items():
            if f"'{shard}'" not in text and "Error" not in text:
                self._moved.pop(shard, None)
            elif self._moved.get(shard, (-1, 0.0))[0] != seq:
                self._moved[shard] = (seq, now)
        return {shard for shard, (_, at) in self._moved.items() if now - at > STILL_S}

    def _is_said(self) -> bool:
        """Whether a worker is not ready, or none answers."""
        answers = [_status(victim.port) for victim in [*self._crew.alive]]
        return not any(answers) or any(answer not in {0, HTTPStatus.OK} for answer in answers)


def _status(port: int) -> int:
    """What the page of all shards says; 0 without an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz/all", timeout=2) as page:
            return int(page.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
