"""Whether some worker says so whenever a shard that has messages does not move for five seconds.

In: a house, its workers. Out: the looks at which a shard stood still, and those of them at which
every worker that answered was ready; where none answers, that itself is the alarm. Messages behind
an open transaction count, and copies of control commands that were not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Final, NamedTuple, Self

from services.journal.trouble import JournalTrouble
from tests.faults.streaming.crew import Crew
from tests.scraper import page
from tests.streaming_house import UNANSWERED, StreamingHouse

STILL_S: Final = 5.0
_LOOK_S: Final = 0.5

Place = tuple[int, int]


class _Late(NamedTuple):
    """A shard that lacks something: where it is, since when, and what is lacking.

    place: its last row and the offset after it, which moves too when messages make no row.
    """

    place: Place | None
    since: float
    lacking: str


class SilenceWatch:
    """Looks on a thread until the end of the block. unsaid: what nobody told of."""

    def __init__(self, house: StreamingHouse, crew: Crew) -> None:
        self._house = house
        self._crew = crew
        self._over = Event()
        self._late: dict[str, _Late] = {}
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
            stood = self._standing()
            if not stood:
                continue
            self.stood += 1
            if is_silent(self._crew) and (silent := stood.keys() & self._standing().keys()):
                text = ", ".join(f"{shard}: {stood[shard]}" for shard in sorted(silent))
                self.unsaid.append(f"every worker was ready, and stood: {text}")
                self._crew.faults.append(f"({self.unsaid[-1]})")

    def _standing(self) -> dict[str, str]:
        """The shards that have messages and have not moved for so long: what each lacks."""
        now = monotonic()
        try:
            late = self._late_now(self._places(), now)
        except UNANSWERED:
            # Nothing new is known: who was late, and cannot have moved, still is.
            late = {} if self._has_moved() else self._late
        self._late = late
        stood = {shard: now - one.since for shard, one in late.items()}
        return {
            shard: f"{late[shard].lacking}, for {stood_s:.1f} s"
            for shard, stood_s in stood.items()
            if stood_s > STILL_S
        }

    def _places(self) -> dict[str, Place]:
        heads = self._house.heads()
        return {shard: (head.seq, head.next_offset) for shard, head in heads.items()}

    def _late_now(self, places: Mapping[str, Place], now: float) -> dict[str, _Late]:
        late = {}
        for shard, text in self._house.lacking().items():
            known = self._late.get(shard)
            place = places.get(shard)
            is_same = known is not None and known.place == place
            late[shard] = _Late(place, known.since if known and is_same else now, text)
        return late

    def _has_moved(self) -> bool:
        """Whether a late shard is elsewhere, as Postgres says; if it is away none is."""
        try:
            places = self._places()
        except JournalTrouble:
            return False
        return any(places.get(shard) != late.place for shard, late in self._late.items())


def is_silent(crew: Crew) -> bool:
    """Whether workers answer, and each that does is ready."""
    pages = [
        page(victim.port, "readyz/all", timeout_s=2, host=victim.host) for victim in [*crew.alive]
    ]
    answers = [status for status, _ in pages if status]
    return bool(answers) and all(status == HTTPStatus.OK for status in answers)
