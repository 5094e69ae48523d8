"""`member/0`: cash, margin, calls and the ledger of all members (ARCHITECTURE §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Self

from events.command import Command, Malformed
from events.control_commands import Barrier, CloseSession, ControlCommand
from events.default_commands import AuctionAccount, SettleDefault
from events.fact_text import fact_head
from events.facts import MemberShardFact
from events.member_commands import MemberCommand
from events.spread_commands import SubmitSpread
from services.shards.control_commands import standing_command
from services.shards.emission import Emission
from services.shards.ids import Memory, identity_named
from services.shards.links import Answers, ContractFlow
from services.shards.log import Inbound, ShardLog
from services.shards.member.apply import MEMBER_EVIDENCE, apply_member_copy, apply_member_fact
from services.shards.member.books import MemberBooks, MemberEmission
from services.shards.member.cycle import cycle_of, settle_cycle
from services.shards.member.decide import decide_member, hold_price, state_missed
from services.shards.member.settlement import pay_auction, refuse_order
from services.shards.member.state import dump_member, load_member, member_hash
from services.shards.read_model_rows import statement_rows
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import FoldRow
from services.shards.shard import (
    close_day,
    facts_in,
    refuse_command,
    refuse_malformed,
    remember,
)
from services.shards.state import split_snapshot
from settlement.control_books import ControlBooks

_EVIDENCE: Final = tuple(fact_head(kind) for kind in MEMBER_EVIDENCE)


@dataclass(slots=True)
class MemberShard:
    """The shard of all members; at barriers it waits for every market."""

    HAS_COPIES: ClassVar[bool] = True
    WAITS_AT_BARRIERS: ClassVar[bool] = True
    books: MemberBooks
    log: ShardLog

    @classmethod
    def open(cls, name: str, control: ControlBooks) -> Self:
        """The shard without rows. control: empty."""
        return cls(MemberBooks(control), ShardLog(name))

    @classmethod
    def load(cls, name: str, state: bytes, *, control_as_of: Callable[[int], ControlBooks]) -> Self:
        """The shard of a snapshot. control_as_of: the control books as of a control number."""
        tree, columns = split_snapshot(state)
        books = load_member(tree, columns, control=control_as_of(tree["control_number"]))
        return cls(books, ShardLog(name))

    @property
    def control(self) -> ControlBooks:
        """The control books of the shard."""
        return self.books.control

    def decide(self, inbound: Inbound, command: Command | Malformed, *, memory: Memory) -> bool:
        """Decide a command about collateral; False, as it is never copied."""
        books, log, emission = self.books, self.log, self._emission()
        if isinstance(command, Malformed):
            refuse_malformed(emission, command, clock=books.clock)
        else:
            assert isinstance(command, MemberCommand), command
            identity = identity_named(command)
            seen = None if identity is None else memory.find(log.shard, identity)
            refusal = decide_member(books, command, seen=seen, emit=emission)
            if refusal is not None:
                hold_price(books, command, reason=refusal.reason, emit=emission)
                refuse_command(emission, command, refusal=refusal)
            remember(memory, command, emission=emission)
        log.record(inbound, emission, business_date=books.control.business_date)
        return False

    def decide_copy(
        self,
        inbound: Inbound,
        command: ControlCommand,
        *,
        answers: Answers,
        memory: Memory,  # noqa: ARG002 - markets need it
    ) -> list[ContractFlow]:
        """Follow a control command that stands; a barrier settles the flows of all markets."""
        books, log, emission = self.books, self.log, self._emission()
        session = books.control.business_date
        if isinstance(command, Barrier):
            cycle = cycle_of(books, command)
            totals = settle_cycle(books, cycle, flows=answers.flows, emit=emission)
            row = (log.shard, log.seq)
            log.pending.statements += statement_rows(books, totals, row=row, cycle=cycle)
        elif not isinstance(command, SubmitSpread):
            state_missed(books, command.event_time, emit=emission)
        if isinstance(command, SettleDefault):
            refusal = refuse_order(books, command)
            if refusal is not None:
                refuse_command(emission, command, refusal=refusal)
        apply_member_copy(books, command)
        if isinstance(command, AuctionAccount):
            pay_auction(books, command, emit=emission)
        if isinstance(command, CloseSession):
            close_day(self, command, line=inbound.line, emission=emission)
        log.record(inbound, emission, business_date=session)
        return []

    def fold(self, block: Sequence[FoldRow]) -> None:
        """Change the books by recorded rows."""
        for seq, origin, line, facts, _ in block:
            for fact in facts_in(facts, without=_EVIDENCE):
                assert isinstance(fact, MemberShardFact), f"row {seq} states {fact.TYPE}"
                apply_member_fact(self.books, fact)
            if origin == CONTROL_SHARD:
                apply_member_copy(self.books, standing_command(line))

    def state_hash(self) -> str:
        """The hash of the books."""
        return member_hash(self.books)

    def dump(self) -> bytes:
        """A snapshot of the books."""
        return dump_member(self.books)

    def _emission(self) -> MemberEmission:
        return Emission(self.log.shard, self.log.seq, partial(apply_member_fact, self.books))
