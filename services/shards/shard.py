"""The protocol of all shards, and their common steps (ARCHITECTURE §2).

In: an input of a shard, or the copy of a control command that stands. Out: a row with its facts in
the shard's log. The three kinds are in `table.py`; hosts of shards do not distinguish them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Protocol

from events.command import Command, Malformed
from events.control_commands import CloseSession, ControlCommand
from events.control_facts import DayClosed, ShardOpened
from events.fact import Fact
from events.facts import decode_fact
from events.parameters import PARAMETERS
from events.refusals import Reason, Refusal
from services.shards.emission import Emission
from services.shards.ids import Memory, Seen, identity_of
from services.shards.links import Answers, ContractFlow
from services.shards.log import Inbound, ShardLog
from services.shards.routing import shard_of
from services.shards.rows import DayRow, FoldRow
from settlement.control_books import ControlBooks

# Raised when equal inputs lead to different facts; 3: RULEBOOK as revised in November 2026.
RULES_VERSION: Final = 3
GENESIS_ORIGIN: Final = "genesis"
_FORGOTTEN: Final = (Reason.MALFORMED, Reason.WRONG_SHARD, Reason.SESSION_CLOSED)


class Shard(Protocol):
    """One shard: its books, and its log of rows that are not handed over yet.

    HAS_COPIES: whether control commands are copied to it; WAITS_AT_BARRIERS: whether it needs the
    links of all markets to decide a barrier.
    """

    HAS_COPIES: ClassVar[bool]
    WAITS_AT_BARRIERS: ClassVar[bool]
    log: ShardLog

    @property
    def control(self) -> ControlBooks:
        """The control books of the shard."""
        ...

    def decide(self, inbound: Inbound, command: Command | Malformed, *, memory: Memory) -> bool:
        """Decide an input of this shard; True when it is to be copied to every other shard."""
        ...

    def decide_copy(
        self, inbound: Inbound, command: ControlCommand, *, answers: Answers, memory: Memory
    ) -> list[ContractFlow]:
        """Follow a control command that stands; gives the flows of this shard at a barrier.

        answers: those of all markets that the shard waits for.
        """
        ...

    def fold(self, block: Sequence[FoldRow]) -> None:
        """Change the books by recorded rows, without deciding them again."""
        ...

    def state_hash(self) -> str:
        """The hash of the books."""
        ...

    def dump(self) -> bytes:
        """A snapshot of the books."""
        ...


def decide_where_it_lies(
    shard: Shard, inbound: Inbound, *, command: Command | Malformed, memory: Memory
) -> bool:
    """Decide an input in a shard's inbox; refuse a command that belongs to a different shard.

    An input without a readable type is refused in the shard of its inbox.
    """
    if not isinstance(command, Malformed) or command.kind is not None:
        belongs = shard_of(command, shard.control.products)
        if belongs != shard.log.shard:
            detail = f"expected a command of {shard.log.shard}, found one of {belongs}"
            refuse_unread(
                shard, inbound, command=command, refusal=Refusal(Reason.WRONG_SHARD, detail)
            )
            return False
    return shard.decide(inbound, command, memory=memory)


def refuse_unread(
    shard: Shard, inbound: Inbound, *, command: Command | Malformed, refusal: Refusal
) -> None:
    """Record the refusal of an input of a different shard, or in a wrong envelope."""
    log, control = shard.log, shard.control
    emission = Emission[Any](log.shard, log.seq, changes_nothing)
    if isinstance(command, Malformed):
        emission.refuse(refusal, control.clock or 0, kind=command.kind, reference=None)
    else:
        refuse_command(emission, command, refusal=refusal)
    log.record(inbound, emission, business_date=control.business_date)


def refuse_command(emission: Emission[Any], command: Command, *, refusal: Refusal) -> None:
    """State the refusal of a command."""
    reference = command.subject
    emission.refuse(refusal, command.event_time, kind=command.TYPE, reference=reference)


def refuse_malformed(emission: Emission[Any], command: Malformed, *, clock: int | None) -> None:
    """State the refusal of a line that is no command, at the shard's time."""
    refusal = Refusal(Reason.MALFORMED, command.detail)
    emission.refuse(refusal, clock or 0, kind=command.kind, reference=None)


def remember(memory: Memory, command: Command, *, emission: Emission[Any]) -> None:
    """Remember a command under its id for ever, if it is the first that was judged by content.

    Commands refused as malformed or before the first session are not remembered.
    """
    identity = identity_of(command)
    if identity is None or memory.find(emission.shard, identity) is not None:
        return
    reason = None if emission.refusal is None else emission.refusal.reason
    if reason not in _FORGOTTEN:
        memory.keep(emission.shard, identity, seen=Seen(emission.seq, command, reason))


def parameter_defaults() -> dict[str, str]:
    """The default of each parameter, which is in force until it is configured."""
    return {name: entry.default for name, entry in PARAMETERS.items()}


def record_opening(shard: Shard, *, logical_time: int) -> None:
    """Record row 0: the defaults, the version of the rules, the control number."""
    log = shard.log
    opened = ShardOpened(
        at=0,
        rules_version=RULES_VERSION,
        control_number=shard.control.number,
        parameters=parameter_defaults(),
    )
    emission = Emission[Any](log.shard, log.seq, changes_nothing)
    emission.record(opened)
    log.record(Inbound(GENESIS_ORIGIN, 0, logical_time, b""), emission, business_date=None)


def close_day(shard: Shard, command: CloseSession, *, line: bytes, emission: Emission[Any]) -> None:
    """State the hashes of books and inputs, as the last fact of a close. line: its input."""
    day, state_hash, history = command.business_date, shard.state_hash(), shard.log.history
    history.add(line, emission.blocks, seq=emission.seq, count=emission.count)
    history_hash = history.close()
    emission.record(
        DayClosed(
            at=command.at,
            business_date=day,
            state_hash=state_hash,
            history_hash=history_hash.hex(),
        )
    )
    row = DayRow(emission.shard, day, emission.seq, bytes.fromhex(state_hash), history_hash)
    shard.log.pending.days.append(row)


def changes_nothing(_: Fact) -> None:
    """Apply nothing: for refusals, and for facts of commands that are applied already."""


def facts_in(facts: bytes, *, without: tuple[bytes, ...] = ()) -> list[Fact]:
    """Recorded facts, read back. without: heads of those that nobody needs."""
    lines = facts.split(b"\n") if facts else []
    return [decode_fact(line).fact for line in lines if not line.startswith(without)]


def join_parts(parts: Sequence[bytes]) -> bytes:
    """The facts of an input from their parts."""
    return parts[0] if len(parts) == 1 else b"\n".join(parts)
