"""The facts of one journal row while it is decided.

Each fact is applied to the books at once and recorded in its canonical bytes. The facts that a
close states by the million are recorded by columns, and the caller applies them by columns. Law:
only `apply_*` change the books.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np

from events.chain import PART_BYTES_MAX
from events.command import Command
from events.control_facts import CommandRefused, SharedFact
from events.fact import Fact
from events.fact_text import encode_fact, fact_head, texts_around
from events.int64 import IntArray, integers
from events.refusals import Refusal
from events.units import format_instant

# The facts of a shard.
StatedT = TypeVar("StatedT", bound=Fact)
# A fact that says what a command says.
SameT = TypeVar("SameT", bound=Fact)

_LINE_END: Final = "\n"


@dataclass(slots=True)
class Emission(Generic[StatedT]):
    """Collects the facts and the refusal of one input.

    blocks: recorded facts, each block one fact or many joined by line ends; count: of all of them;
    facts: those stated singly.
    """

    shard: str
    seq: int
    apply: Callable[[StatedT], None]
    blocks: list[bytes] = field(default_factory=list)
    count: int = 0
    facts: list[Fact] = field(default_factory=list)
    refusal: Refusal | None = None

    def __call__(self, fact: StatedT) -> None:
        """Apply a fact and record it."""
        self.apply(fact)
        self._record(fact)

    def record(self, fact: SharedFact) -> None:
        """Record a fact that changes no books."""
        self._record(fact)

    def _record(self, fact: Fact) -> None:
        self.facts.append(fact)
        self.blocks.append(encode_fact(fact, shard=self.shard, seq=self.seq))
        self.count += 1

    def columns(
        self,
        kind: type[StatedT],
        at: int,
        *,
        alike: Mapping[str, object],
        columns: Mapping[str, Sequence[str]],
    ) -> None:
        """Record many facts of one kind, whose effect the caller applies by columns.

        alike: the fields with one value for all; columns: the other fields, each as JSON or, for a
        text field, as its identifier.
        """
        head = fact_head(kind).decode()
        head += f',"shard":"{self.shard}","seq":{self.seq},"at":"{format_instant(at)}"'
        texts = texts_around(kind, columns, alike=alike)
        values = [*columns.values()]
        self.count += len(values[0])
        lengths = np.sum([_lengths(column) for column in values], axis=0)
        longest = len(head) + len(_LINE_END) + sum(map(len, texts)) + int(lengths.max(initial=0))
        # A block is nearly as long as a part, so that it becomes one without a copy.
        count = max((PART_BYTES_MAX - 1) // longest, 1)
        for first in range(0, len(values[0]), count):
            chosen = [column[first : first + count] for column in values]
            self.blocks.append(_joined(head, texts, columns=chosen).encode())

    def refuse(self, refusal: Refusal, at: int, *, kind: str | None, reference: str | None) -> None:
        """Record that the command does not stand."""
        self.refusal = refusal
        self.record(
            CommandRefused(
                at=at,
                command_type=kind,
                reference=reference,
                reason=refusal.reason.value,
                detail=refusal.detail,
            )
        )


def stated(kind: type[SameT], command: Command, **changed: object) -> SameT:
    """The fact that says what a command says. changed: fields that it lacks or has otherwise."""
    same = {name: getattr(command, name) for name in kind.model_fields if name not in changed}
    return kind.model_validate(same | changed)


def integer_texts(column: IntArray) -> list[str]:
    """The digits of integers; `repr` writes them a third faster than `str`."""
    return [*map(repr, column.tolist())]


def _lengths(column: Sequence[str]) -> IntArray:
    return integers(map(len, column), len(column))


def _joined(head: str, texts: Sequence[str], *, columns: Sequence[Sequence[str]]) -> str:
    """A block of facts, joined from its pieces: a string for each fact would take twice as long."""
    count, width = len(columns[0]), 2 * len(columns)
    opening, closing = f"{head}{texts[0]}", texts[-1]
    pieces = [f"{closing}{_LINE_END}{opening}"] * (count * width)
    for number, column in enumerate(columns):
        pieces[2 * number :: width] = column
    for number, text in enumerate(texts[1:-1]):
        pieces[2 * number + 1 :: width] = [text] * count
    pieces[-1] = closing
    return f"{opening}{''.join(pieces)}"


def parts_of(blocks: Sequence[bytes]) -> list[bytes]:
    """Facts as numbered parts of whole blocks, each at most 1 MiB; at least one part."""
    if len(blocks) == 1:
        return list(blocks)
    parts: list[bytes] = []
    gathered: list[bytes] = []
    size = 0
    for block in blocks:
        if size + len(block) >= PART_BYTES_MAX and gathered:
            parts.append(b"\n".join(gathered))
            gathered, size = [], 0
        gathered.append(block)
        size += len(block) + 1
    parts.append(b"\n".join(gathered))
    return parts
