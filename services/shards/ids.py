"""Ids that are remembered for ever: of trades, transfers and collateral references (RULEBOOK §3).

In: a command that carries such an id, and what was seen under it before. Out: how the repeat is
answered. The memory itself is the journal's; a shard is handed what it needs as data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from events.codec import decode_command
from events.command import Command, Malformed, content
from events.refusals import Reason, Refusal


class Identity(NamedTuple):
    """A kind of id and the id; unique in its shard for ever."""

    kind: str
    name: str


class Seen(NamedTuple):
    """What came first under an id: its journal row, the command, the refusal if there was one."""

    seq: int
    command: Command
    reason: Reason | None
    detail: str


Cleared = dict[bytes, tuple[int, bytes]]


class Memory(Protocol):
    """What is remembered of ids; the journal's in a process, a dictionary in tests."""

    def find(self, shard: str, identity: Identity) -> Seen | None:
        """The first command under an id in a shard; None when the id is new."""
        ...

    def keep(self, shard: str, identity: Identity, *, seen: Seen) -> None:
        """Remember the first command under an id."""
        ...

    def keep_cleared(
        self,
        shard: str,
        names: Sequence[bytes],
        *,
        keys: Sequence[int],
        lines: Sequence[bytes],
        last_seq: int,
    ) -> None:
        """Remember trades that were cleared in rows that follow one another, up to the last."""
        ...


def seen_cleared(seq: int, line: bytes) -> Seen:
    """A trade that was cleared in a row, from its line."""
    command = decode_command(line)
    assert not isinstance(command, Malformed), f"row {seq} cleared a malformed trade"
    return Seen(seq, command, None, "")


def identity_of(command: Command) -> Identity | None:
    """The id under which a command is remembered itself."""
    return Identity(command.ID_KIND, command.subject or "") if command.ID_KIND else None


def identity_named(command: Command) -> Identity | None:
    """The id that must be found to decide a command: its own, or that of the trade it names."""
    kind = command.ID_KIND or command.NAMED_KIND
    return Identity(kind, command.subject or "") if kind else None


def is_same(seen: Seen, command: Command) -> bool:
    """Whether a command says what was said under its id before (normalised values)."""
    return content(seen.command) == content(command)


def answer_repeat(command: Command, seen: Seen) -> Refusal | None:
    """The same content again: silence, or the refusal of before; other content is a conflict."""
    if not is_same(seen, command):
        detail = f"{command.subject} was used in row {seen.seq}"
        return Refusal(Reason.DUPLICATE_REFERENCE, detail)
    return None if seen.reason is None else Refusal(seen.reason, seen.detail)
