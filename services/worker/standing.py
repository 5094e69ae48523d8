"""The standing of a shard: its state in words, and whether that counts as ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LOADING: Final = "loading"
NOT_IN_USE: Final = "not in use"
CATCHING_UP: Final = "catching up"
READY: Final = "ready"
WAITING: Final = "waiting at a barrier"
TROUBLED: Final = "troubled"
SILENT: Final = "without answer from Kafka"
BEHIND_TRANSACTION: Final = "behind an open transaction"
CANNOT_SEND: Final = "taking no messages"
TWO_LEADERS: Final = "read where another leads"
BEHIND_CONTROL: Final = "behind control"
# Of shards that this worker does not have.
NOBODY: Final = "held by nobody"
STRANGER: Final = "held by a stranger"
NO_JOURNAL: Final = "without answer from Postgres"
NOT_BEGUN: Final = "not begun"


@dataclass(slots=True)
class Standing:
    """The standing of a shard: its state, and detail where there is any."""

    state: str = LOADING
    detail: str = ""

    @property
    def is_ready(self) -> bool:
        """Caught up, or with nothing to do yet; at a barrier another shard is late."""
        return self.state in (READY, WAITING, NOT_IN_USE)
