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
from events.fact_text import encode_fact, fact_texts
from events.refusals import Refusal
from events.texts import Texts, joined_in_one
from events.units import format_instant

# The facts of a shard.
StatedT = TypeVar("StatedT", bound=Fact)
# A fact that says what a command says.
SameT = TypeVar("SameT", bound=Fact)

_LINE_END: Final = b"\n"


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
        columns: Mapping[str, Texts],
    ) -> None:
        """Record many facts of one kind, whose effect the caller applies by columns.

        alike: the fields with one value for all; columns: the other fields, each as JSON or, for a
        text field, as its identifier.
        """
        head, before_at, *texts = fact_texts(kind, self.shard, columns=columns, alike=alike)
        texts[0] = b"%b%d%b%b%b" % (
            head, self.seq, before_at, format_instant(at).encode(), texts[0],
        )  # fmt: skip
        texts[-1] += _LINE_END
        values = [*columns.values()]
        self.count += len(values[0])
        lengths = np.sum([column.lengths for column in values], axis=0)
        longest = sum(map(len, texts)) + int(lengths.max(initial=0))
        # A block is nearly as long as a part, so that it becomes one without a copy.
        count = max((PART_BYTES_MAX - 1) // longest, 1)
        for first in range(0, len(values[0]), count):
            pieces: list[bytes | Texts] = [texts[0]]
            for column, text in zip(values, texts[1:], strict=True):
                pieces += (column[first : first + count], text)
            self.blocks.append(bytes(joined_in_one(pieces)[: -len(_LINE_END)]))

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
