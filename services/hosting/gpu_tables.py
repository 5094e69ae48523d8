"""The tables of GPUs that a journal has had, by the sessions in which they were in force.

In: a journal. Out: the table in force at an instant, that of the session open then (the first one's
before it, the last one's after it). A session's parameters never change once it is open, so that a
file read again is converted as before: of an instant before the end of a session that is open the
answer is the same for ever; a time beyond it is answered by the next session as soon as it opens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from events.contracts import PRODUCTS
from events.gpu_table import scu_ppm_by_gpu
from services.hosting.control_history import blocks_of
from services.journal.reader import Reader
from services.shards.control.shard import fold_control
from services.shards.routing import CONTROL_SHARD
from settlement.control_books import ControlBooks

_PARAMETER: Final = "gpu_hour_scu"


class GpuTables:
    """The tables of a journal, read when the first is asked for. url: of its database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._openings: list[int] | None = None
        self._tables: dict[str, list[Mapping[str, int]]] = {
            code: [] for code, product in PRODUCTS.items() if product.is_compute
        }

    def table_at(self, product: str, at: int) -> Mapping[str, int]:
        """Millionths of an SCU by GPU, in force at an instant for a product of compute."""
        if self._openings is None:
            self._openings = self._read()
        return self._tables[product][max(0, bisect_right(self._openings, at) - 1)]

    def _read(self) -> list[int]:
        """When each session was opened; their tables are kept."""
        books, openings = ControlBooks(), list[int]()
        with Reader(self._url) as reader:
            for block in blocks_of(reader, CONTROL_SHARD, after=0):
                for _, _, line, facts, _ in block:
                    session = books.business_date
                    fold_control(books, line, facts=facts)
                    if books.business_date != session:
                        openings.append(books.opened_at)
                        self._keep(books)
        if not openings:
            self._keep(books)
        return openings

    def _keep(self, books: ControlBooks) -> None:
        for product, tables in self._tables.items():
            tables.append(scu_ppm_by_gpu(books.parameter_text(_PARAMETER, product)))
