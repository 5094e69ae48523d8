"""The tables of GPUs that a journal has had, by the sessions in which they were in force.

In: a journal. Out: the table in force at an instant, that of the session open then (the first one's
before it, the last one's after it). A session's parameters never change once it is open, so that a
file read again is converted as before: of an instant before the end of a session that is open the
answer is the same for ever; a time beyond it is answered by the next session a second after it
opens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from math import inf
from time import monotonic
from typing import Final, TypeAlias

from events.contracts import PRODUCTS
from events.gpu_table import scu_ppm_by_gpu
from services.hosting.control_history import blocks_of
from services.journal.reader import Reader
from services.shards.control.shard import fold_control
from services.shards.routing import CONTROL_SHARD
from settlement.control_books import ControlBooks

_PARAMETER: Final = "gpu_hour_scu"
# A pipe may outlast a session: a new one is looked for so often, and not for each of its rows.
AGAIN_S: Final = 1.0

Tables: TypeAlias = Mapping[str, Mapping[str, int]]


class GpuTables:
    """The tables of a journal. url: of its database; clock: in seconds, forward only."""

    def __init__(self, url: str, *, clock: Callable[[], float] = monotonic) -> None:
        self._url = url
        self._clock = clock
        self._read_at = -inf
        self._books, self._seq = ControlBooks(), 0
        self._openings: list[int] = []
        # By product, of each session; before the first one, those that stand then.
        self._tables: list[Tables] = []

    def table_at(self, product: str, at: int) -> Mapping[str, int]:
        """Millionths of an SCU by GPU, in force at an instant for a product of compute."""
        is_in_last = not self._openings or at >= self._openings[-1]
        if is_in_last and self._clock() >= self._read_at + AGAIN_S:
            self._read_on()
            self._read_at = self._clock()
        return self._tables[max(0, bisect_right(self._openings, at) - 1)][product]

    def _read_on(self) -> None:
        """Add the sessions that were opened since the last time."""
        books = self._books
        with Reader(self._url) as reader:
            for block in blocks_of(reader, CONTROL_SHARD, after=self._seq):
                for seq, _, line, facts, _ in block:
                    session = books.business_date
                    fold_control(books, line, facts=facts)
                    self._seq = seq
                    if books.business_date != session:
                        self._tables = [*self._tables[: len(self._openings)], _tables_of(books)]
                        self._openings.append(books.opened_at)
        if not self._openings:
            self._tables = [_tables_of(books)]


def _tables_of(books: ControlBooks) -> Tables:
    return {
        code: scu_ppm_by_gpu(books.parameter_text(_PARAMETER, code))
        for code, product in PRODUCTS.items()
        if product.is_compute
    }
