"""`control/0`: decides whether a control command stands; all other shards follow (ARCHITECTURE §2).

Its books, like the control books of every shard, change by the commands that stand; its facts
report them to the outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from events.codec import decode_command
from events.command import Command, Malformed
from events.control_commands import CloseSession, ControlCommand, RunCycle
from events.control_facts import CommandRefused, ControlFact
from events.refusals import Reason, Refusal
from services.shards.control.decide import decide_control
from services.shards.control.state import control_hash, dump_control, load_control
from services.shards.emission import Emission
from services.shards.ids import Memory, identity_of
from services.shards.links import Answers, ContractFlow
from services.shards.log import BEFORE_SESSIONS, Inbound, ShardLog
from services.shards.rows import FoldRow, NumberRow
from services.shards.shard import (
    changes_nothing,
    close_day,
    facts_in,
    refuse_malformed,
    remember,
)
from settlement.control_books import ControlBooks, apply_control, apply_cycle_refused

_NOT_JUDGED = (Reason.MALFORMED.value, Reason.WRONG_SHARD.value)


@dataclass(slots=True)
class ControlShard:
    """The shard of control commands."""

    HAS_COPIES: ClassVar[bool] = False
    WAITS_AT_BARRIERS: ClassVar[bool] = False
    books: ControlBooks
    log: ShardLog

    @classmethod
    def open(cls, name: str, control: ControlBooks) -> Self:
        """The shard without rows. control: empty."""
        return cls(control, ShardLog(name))

    @classmethod
    def load(cls, name: str, state: bytes, *, control_as_of: Callable[[int], ControlBooks]) -> Self:  # noqa: ARG003 - the others need it
        """The shard of a snapshot."""
        return cls(load_control(state), ShardLog(name))

    @property
    def control(self) -> ControlBooks:
        """The books of the shard."""
        return self.books

    def decide(self, inbound: Inbound, command: Command | Malformed, *, memory: Memory) -> bool:
        """Decide an input; True when it stands and is to be copied to every other shard."""
        books, log, session = self.books, self.log, self.books.business_date
        emission: Emission[ControlFact] = Emission(log.shard, log.seq, changes_nothing)
        stands = False
        if isinstance(command, Malformed):
            refuse_malformed(emission, command, clock=books.clock)
        else:
            identity = identity_of(command) if isinstance(command, ControlCommand) else None
            seen = None if identity is None else memory.find(log.shard, identity)
            stands = decide_control(books, command, seen=seen, emit=emission)
            if identity is not None:
                remember(memory, command, emission=emission)
        if stands:
            if isinstance(command, CloseSession):
                close_day(self, command, line=inbound.line, emission=emission)
            day = session or BEFORE_SESSIONS
            log.pending.numbers.append(NumberRow(log.shard, log.seq, books.number, day))
        log.record(inbound, emission, business_date=session)
        return stands

    def decide_copy(
        self, inbound: Inbound, command: ControlCommand, *, answers: Answers, memory: Memory
    ) -> list[ContractFlow]:
        """Never called: control commands are copied from this shard."""
        raise AssertionError(self.log.shard, inbound, command, answers, memory)

    def fold(self, block: Sequence[FoldRow]) -> None:
        """Change the books by recorded rows."""
        for _, _, line, facts, _ in block:
            fold_control(self.books, line, facts=facts)

    def state_hash(self) -> str:
        """The hash of the books."""
        return control_hash(self.books)

    def dump(self) -> bytes:
        """A snapshot of the books."""
        return dump_control(self.books)


def fold_control(books: ControlBooks, line: bytes, *, facts: bytes) -> None:
    """Fold a row of `control/0`: a command stands if it has facts and none is a refusal.

    A cycle refused for its envelope was never judged, so that its name remains free.
    """
    stated = facts_in(facts)
    command = decode_command(line)
    if not stated or isinstance(command, Malformed):
        return
    first = stated[0]
    if not isinstance(first, CommandRefused):
        assert isinstance(command, ControlCommand), command
        apply_control(books, command)
    elif isinstance(command, RunCycle) and first.reason not in _NOT_JUDGED:
        apply_cycle_refused(books, command, refusal=Refusal(Reason(first.reason), first.detail))
