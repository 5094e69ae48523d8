"""The order in which a journal's inputs are decided again, of which there are two kinds.

One process that reads files decides line after line, and a control command with all its copies
(`embedded_order.py`). Workers on Kafka decide each shard by itself, and what depends on what is in
their logical times (`streamed_order.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.shards.rows import JournalRow


class Order(Protocol):
    """Decides recorded inputs and holds what follows against the record."""

    def place(self, row: JournalRow) -> tuple[int | str, ...]:
        """Where a row stands in the order; rows of one place are decided together."""
        ...

    def decide(self, chunk: Sequence[JournalRow]) -> bool:
        """Decide the inputs of a chunk; False when there is no use in going on."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether every row was decided so far and agrees."""
        ...

    def finish(self) -> None:
        """Every row was decided: hold where they came from against the record."""
        ...
