"""A market in memory, without a journal: for tests, scenarios and simulations.

In: lines. Out: the facts in the order they were decided, as WIRE has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from services.shards.clearinghouse import (
    RANKS,
    Clearinghouse,
    open_clearinghouse,
    take_decoded,
)
from services.shards.identity import Identity, Seen
from services.shards.log import Inbound
from services.shards.routing import shard_of
from events.codec import decode_command


class MemoryRun:
    """A clearinghouse whose memory of ids is a dictionary."""

    def __init__(self) -> None:
        self.house: Clearinghouse = open_clearinghouse()
        self.seen: dict[tuple[str, Identity], Seen] = {}
        self.lines = 0

    def take(self, line: bytes) -> None:
        """Decide one line; an empty one is skipped."""
        if not line:
            return
        decoded = decode_command(line)
        shard = shard_of(decoded, self.house.control.products)
        self.lines += 1
        inbound = Inbound("memory", self.lines, self.lines * RANKS, line)
        take_decoded(
            self.house, inbound, decoded, look=lambda identity: self.seen.get((shard, identity))
        )
        for where, identity, seen in self.house.outbox.seen:
            self.seen[(where, identity)] = seen
        self.house.outbox.seen.clear()

    def facts(self) -> list[dict[str, Any]]:
        """All facts so far, in the order they were decided."""
        return [json.loads(line) for line in self.fact_lines()]

    def fact_lines(self) -> list[bytes]:
        """All facts so far as they stand in the journal."""
        parts: dict[tuple[str, int], list[bytes]] = {}
        rows = []
        for log in self.house.logs():
            rows += log.rows
            for shard, seq, _, part in log.parts:
                parts.setdefault((shard, seq), []).append(part)
        rows.sort(key=lambda row: row[5])
        lines: list[bytes] = []
        for row in rows:
            for part in (row[8], *parts.get((row[0], row[1]), ())):
                lines += part.split(b"\n") if part else []
        return lines


def clear_in_memory(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """The facts of a market given as lines."""
    run = MemoryRun()
    for line in lines:
        run.take(line)
    return run.facts()
