"""A market in memory, without a journal: for tests, scenarios and simulations.

In: lines. Out: the facts in the order they were decided, in the form of WIRE.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from events.codec import decode_command
from events.command import TRADE
from events.int64 import IntArray
from events.texts import Texts
from services.shards.clearinghouse import (
    COPIES_A_LINE_MAX,
    Clearinghouse,
    decide_line,
    open_clearinghouse,
)
from services.shards.ids import Cleared, Identity, Seen, seen_cleared
from services.shards.log import Inbound
from services.shards.rows import JournalRow


class DictMemory:
    """All ids ever, in a dictionary."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, Identity], Seen] = {}
        self.cleared: dict[str, Cleared] = {}

    def find(self, shard: str, identity: Identity) -> Seen | None:
        """The first command under an id in a shard; None when the id is new."""
        seen = self.seen.get((shard, identity))
        if seen is not None or identity.kind != TRADE:
            return seen
        cleared = self.cleared.get(shard, {}).get(identity.name.encode())
        return None if cleared is None else seen_cleared(*cleared)

    def keep(self, shard: str, identity: Identity, *, seen: Seen) -> None:
        """Remember the first command under an id."""
        self.seen[(shard, identity)] = seen

    def keep_cleared(
        self,
        shard: str,
        names: Texts,
        *,
        keys: IntArray,
        lines: Texts,
        seqs: IntArray,
    ) -> None:
        """Remember trades that were cleared, with their rows in order."""
        del keys
        cleared = self.cleared.setdefault(shard, {})
        cleared.update(zip(names, zip(seqs.tolist(), lines, strict=True), strict=True))


class MemoryRun:
    """A clearinghouse whose memory of ids is a dictionary."""

    def __init__(self) -> None:
        self.clearinghouse: Clearinghouse = open_clearinghouse()
        self.memory = DictMemory()
        self.lines = 0

    def decide(self, line: bytes) -> None:
        """Decide one line; an empty one is skipped."""
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if not line:
            return
        self.lines += 1
        inbound = Inbound("memory", self.lines, self.lines * COPIES_A_LINE_MAX, line)
        decide_line(self.clearinghouse, inbound, command=decode_command(line), memory=self.memory)

    def facts(self) -> list[dict[str, Any]]:
        """All facts so far, in the order they were decided."""
        return [json.loads(line) for line in self.fact_lines()]

    def fact_lines(self) -> list[bytes]:
        """All facts so far as the bytes of the journal."""
        parts: dict[tuple[str, int], list[bytes]] = {}
        rows: list[JournalRow] = []
        for shard in self.clearinghouse.in_order():
            pending = shard.log.pending
            rows += pending.rows
            for part in pending.parts:
                parts.setdefault((part.shard, part.seq), []).append(part.facts)
        rows.sort(key=lambda row: row.logical_time)
        lines: list[bytes] = []
        for row in rows:
            for facts in (row.facts, *parts.get((row.shard, row.seq), ())):
                lines += facts.split(b"\n") if facts else []
        return lines


def clear_in_memory(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """The facts of a market given as lines."""
    run = MemoryRun()
    for line in lines:
        run.decide(line)
    return run.facts()
