"""The facts of one journal row while it is decided.

Each fact is applied to the books at once and recorded in its canonical bytes; what a close states
by the million comes encoded already. Law: nothing changes the books but `apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from events.chain import PART_BYTES_MAX
from events.codec import encode_fact
from events.control_facts import CommandRefused
from events.fact import Fact
from events.int64 import IntArray
from events.refusals import Refusal
from events.units import format_instant

# What stands between two facts of a block.
_BETWEEN: Final = "}\n"


@dataclass(slots=True)
class Emission:
    """Collects what one input causes; a block is one fact, or many joined by line ends."""

    shard: str
    seq: int
    apply: Callable[[Fact], None]
    blocks: list[bytes] = field(default_factory=list)
    refusal: Refusal | None = None

    def __call__(self, fact: Fact) -> None:
        """The fact has happened: apply it and record it."""
        self.apply(fact)
        self.blocks.append(encode_fact(fact, shard=self.shard, seq=self.seq))

    def bulk(
        self, kind: str, at: int, *, texts: Sequence[str], columns: Sequence[list[str]]
    ) -> None:
        """Many facts of one kind, whose effect another fact has had: the nth of each column.

        texts: what stands before, between and after the columns in the canonical encoding, from
        the comma behind `at` up to the closing brace; one more than there are columns.
        """
        head = f'{{"type":"{kind}","shard":"{self.shard}","seq":{self.seq},'
        head += f'"at":"{format_instant(at)}"'
        lengths = np.sum([_lengths(column) for column in columns], axis=0)
        longest = len(head) + len(_BETWEEN) + sum(map(len, texts)) + int(lengths.max(initial=0))
        # A block is nearly a part, so that it becomes one as it is.
        count = max((PART_BYTES_MAX - 1) // longest, 1)
        for first in range(0, len(columns[0]), count):
            some = [column[first : first + count] for column in columns]
            self.blocks.append(_joined(head, texts, columns=some).encode())

    def refuse(self, refusal: Refusal, at: int, *, kind: str | None, reference: str | None) -> None:
        """The command does not stand."""
        self.refusal = refusal
        self(
            CommandRefused(
                at=at,
                command_type=kind,
                reference=reference,
                reason=refusal.reason.value,
                detail=refusal.detail,
            )
        )


def _lengths(column: list[str]) -> IntArray:
    return np.fromiter(map(len, column), np.int64, len(column))


def _joined(head: str, texts: Sequence[str], *, columns: Sequence[list[str]]) -> str:
    """A block of facts: no fact is ever a string of its own, which would cost twice the time."""
    count, width = len(columns[0]), 2 * len(columns)
    opening, closing = f"{head}{texts[0]}", texts[-1]
    pieces = [f"{closing}{_BETWEEN}{opening}"] * (count * width)
    for place, column in enumerate(columns):
        pieces[2 * place :: width] = column
    for place, text in enumerate(texts[1:-1]):
        pieces[2 * place + 1 :: width] = [text] * count
    pieces[-1] = f"{closing}}}"
    return f"{opening}{''.join(pieces)}"


def parts_of(blocks: Sequence[bytes]) -> list[bytes]:
    """Facts as numbered parts of whole blocks, each at most 1 MiB; at least one part."""
    if len(blocks) == 1:
        return list(blocks)
    parts: list[bytes] = []
    held: list[bytes] = []
    size = 0
    for block in blocks:
        if size + len(block) >= PART_BYTES_MAX and held:
            parts.append(b"\n".join(held))
            held, size = [], 0
        held.append(block)
        size += len(block) + 1
    parts.append(b"\n".join(held))
    return parts
