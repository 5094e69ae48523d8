"""Deciding again what workers read from inboxes, each shard by itself (ARCHITECTURE §2, §4).

In: rows in the order of (`decided`, shard), where `decided` is a logical time: its shard's last and
one; of a copy also after the row of `control/0` it copies, of a barrier of `member/0` also after
the rows of the markets that answer it, of row 0 after the command that put the product in use. So
whatever a row depends on was decided again before it, and its own time is recomputed with the rest.

A shard that differs stops alone. Another that needs what it would have had from there on stops too,
without a finding of its own; so does one that needs what has not come when it should have
(`Evidence.doubt`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from events.codec import Malformed, decode_command
from events.commands import CloseSession, Command, RunCycle
from services.audit.envelopes import MARKS, copy_refusal, envelope_refusal, recorded_detail
from services.audit.evidence import Evidence
from services.audit.inboxes import InboxesRead
from services.audit.links_and_copies import ControlCommands, LinksSent
from services.audit.start_point import state_of
from services.broker.messages import BY_COPY
from services.hosting.snapshots import rows_of
from services.journal.batch import JournalRow
from services.shards.clearinghouse import (
    Market,
    open_market,
    open_shard,
    take_control,
    take_market,
    take_market_copy,
    take_member,
    take_member_copy,
)
from services.shards.control_commands import put_in_use
from services.shards.ids import Identity, identity_named
from services.shards.links import ContractFlow
from services.shards.log import Inbound, ShardLog
from services.shards.misplaced import refuse_misplaced, wrong_shard
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, shard_of
from services.shards.state import dump_control, load_control
from settlement.control_books import ControlBooks

_DECIDED: Final = 5
_Barrier = CloseSession | RunCycle


class StreamedOrder:
    """Row after row, in the order of logical time."""

    def __init__(self, evidence: Evidence) -> None:
        start = evidence.start
        self._evidence = evidence
        self._house = start.house
        self._last = dict(start.decided)
        self._inboxes = InboxesRead(evidence.reader, evidence.findings, start=start)
        self._commands = ControlCommands(evidence.reader, start.house.control.number)
        self._links = LinksSent()
        # Products in use whose shards are not open yet: what control knew then, and when.
        self._opening: dict[str, tuple[ControlBooks, int]] = {}
        self._stopped: set[str] = set()
        self._decoded: dict[tuple[str, int], Command | Malformed] = {}

    @property
    def is_whole(self) -> bool:
        """Whether no shard has stopped."""
        return not self._stopped

    def place(self, row: JournalRow) -> tuple[int | str, ...]:
        """Its logical time and its shard: each row stands for itself."""
        return (row[_DECIDED], row[0])

    def decide(self, chunk: Sequence[JournalRow]) -> bool:
        """Decide the rows of a chunk, each in its shard."""
        self._prepare(chunk)
        for row in chunk:
            shard = row[0]
            if shard not in self._stopped and not (self._take(row) and self._agrees(row)):
                self._stopped.add(shard)
                self._evidence.memory.drop(shard)
        self._evidence.memory.end()
        return True

    def finish(self) -> None:
        """Hold the heads against how far inboxes were read."""
        self._inboxes.finish()

    def _prepare(self, chunk: Sequence[JournalRow]) -> None:
        """Decode what came from inboxes; look up the ids it names and the commands copied."""
        rows = [row for row in chunk if row[1] > 0 and row[0] not in self._stopped]
        self._commands.prepare(row[4] for row in rows if row[3] == CONTROL_SHARD)
        self._decoded = {
            (row[0], row[1]): decode_command(row[6]) for row in rows if row[3] != CONTROL_SHARD
        }
        wanted: dict[str, list[Identity]] = {}
        for (shard, _), command in self._decoded.items():
            identity = None if isinstance(command, Malformed) else identity_named(command)
            if identity is not None:
                wanted.setdefault(shard, []).append(identity)
        for shard, ids in wanted.items():
            self._evidence.memory.begin(shard, ids)

    def _take(self, row: JournalRow) -> bool:
        """Decide a row in its shard; False when that can't be."""
        shard, seq, _, origin, *_ = row
        partition = self._inboxes.partition(shard)
        if partition is None:
            found = "shard: expected none of this name, found one"
            self._evidence.findings.note(shard, seq, found=found)
            return False
        if seq == 0:
            return self._open(row)
        if origin == CONTROL_SHARD != shard:
            return self._take_copy(row)
        if not self._inboxes.take(row):
            return False
        # Whatever the record says, here is where it comes from; marked, if it was refused for that.
        mark = next((one for one in MARKS if origin == partition.origin + one), "")
        inbound = self._inbound(row, partition.origin + mark)
        return self._refuse(row, inbound, mark=mark) if mark else self._take_command(row, inbound)

    def _inbound(self, row: JournalRow, origin: str) -> Inbound:
        return Inbound(origin, row[4], self._last[row[0]] + 1, row[6])

    def _agrees(self, row: JournalRow) -> bool:
        """Hold what was decided against the record, the snapshot of a close too."""
        shard, house = row[0], self._house
        outbox, log = house.outbox, self._log(shard)
        self._last[shard] = row[_DECIDED]
        self._evidence.expect([row])
        agrees = self._evidence.agrees(log)
        if agrees:
            self._hand_on(row)
        days = [day for _, day, _, _ in outbox.days]
        self._evidence.check_outbox(outbox)
        for day in days:
            self._evidence.check_snapshots(rows_of(log, state_of(house, shard), day=day))
        return agrees

    def _hand_on(self, row: JournalRow) -> None:
        """What other shards need of a row that agrees: links, a control command that stands."""
        outbox = self._house.outbox
        self._links.add(outbox.links, decided=row[_DECIDED])
        if outbox.numbers:
            command = self._decoded[row[0], row[1]]
            assert not isinstance(command, Malformed), row
            self._commands.add(row, command)
            self._note_in_use(command, decided=row[_DECIDED])

    def _open(self, row: JournalRow) -> bool:
        """Row 0; of a product that was configured, with what control knew by then."""
        shard = row[0]
        product = shard.partition("/")[2]
        if shard in (CONTROL_SHARD, MEMBER_SHARD):
            open_shard(self._log(shard), decided=0)
        elif product in ControlBooks().products:
            open_market(self._house, product, control=ControlBooks(), decided=0)
        elif product in self._opening:
            control, decided = self._opening.pop(product)
            open_market(self._house, product, control=control, decided=decided)
        else:
            found = "shard: expected it after the command that puts the product in use, found none"
            self._evidence.doubt(row, found=found)
            return False
        return True

    def _take_command(self, row: JournalRow, inbound: Inbound) -> bool:
        """Decide a command, or what could be read of one, where it lies."""
        shard, house, memory = row[0], self._house, self._evidence.memory
        command = self._decoded[shard, row[1]]
        is_readable = not isinstance(command, Malformed) or command.kind is not None
        control = self._control(shard)
        belongs = shard_of(command, control.products) if is_readable else shard
        if belongs != shard:
            refusal = wrong_shard(shard, belongs)
            refuse_misplaced(
                self._log(shard), inbound, decoded=command, refusal=refusal, control=control
            )
        elif shard == CONTROL_SHARD:
            take_control(house, inbound, decoded=command)
        elif shard == MEMBER_SHARD:
            take_member(house, inbound, decoded=command, memory=memory)
        else:
            take_market(self._market(shard), inbound, decoded=command, memory=memory)
        return True

    def _note_in_use(self, command: Command, *, decided: int) -> None:
        """Products that a command has put in use; their shards begin right after it."""
        if put_in_use(command) is None:
            return
        house = self._house
        begun = {*house.markets, *self._opening, *ControlBooks().products}
        for product in house.control.products:
            if product not in begun:
                control = load_control(dump_control(house.control))
                self._opening[product] = (control, decided + 1)

    def _refuse(self, row: JournalRow, inbound: Inbound, *, mark: str) -> bool:
        """Refuse an envelope again, of which the record alone says what it was."""
        shard, control = row[0], self._control(row[0])
        detail = recorded_detail(row[8]) or ""
        if mark == BY_COPY:
            refusal = copy_refusal(
                shard, row[6], detail=detail, last=control.number, line_of=self._line_of
            )
        else:
            refusal = envelope_refusal(shard, mark, line=row[6], detail=detail)
        if refusal is None:
            said = f"facts: expected a refusal such as {mark} stands for, found {detail!r}"
            self._evidence.findings.note(shard, row[1], found=said)
            return False
        decoded = self._decoded[shard, row[1]]
        refuse_misplaced(
            self._log(shard), inbound, decoded=decoded, refusal=refusal, control=control
        )
        return True

    def _line_of(self, number: int) -> bytes | None:
        """The line of a control command, also of one that is decided later in this order."""
        known = self._commands.get(number)
        if known is not None:
            return known.line
        found = self._evidence.reader.numbered_in([number])
        return found[0].line if found else None

    def _take_copy(self, row: JournalRow) -> bool:
        """Decide the next copy of a control command, which is what it must be."""
        shard, house = row[0], self._house
        number = self._control(shard).number + 1
        copied = self._commands.get(number)
        if copied is None:
            found = f"origin: expected no copy {number}, which control/0 does not have, found one"
            self._evidence.doubt(row, found=found)
            return False
        flows: list[ContractFlow] = []
        decided = max(self._last[shard], copied.decided)
        if shard == MEMBER_SHARD and isinstance(copied.command, _Barrier):
            if not self._is_answered(row, number):
                return False
            answers = self._links.take(number)
            flows, decided = answers.flows, max(decided, answers.decided)
        self._inboxes.take_copy(shard)
        inbound = Inbound(CONTROL_SHARD, number, decided + 1, copied.line)
        if shard == MEMBER_SHARD:
            take_member_copy(house, inbound, command=copied.command, flows=flows)
        else:
            market = self._market(shard)
            take_market_copy(market, house.outbox, inbound=inbound, command=copied.command)
        return True

    def _is_answered(self, row: JournalRow, barrier: int) -> bool:
        missing = self._links.missing(barrier, self._house.member.control.products)
        if missing:
            said = f"barrier {barrier}: expected the links of {', '.join(missing)}, found none"
            self._evidence.doubt(row, found=said)
        return not missing

    def _market(self, shard: str) -> Market:
        return self._house.markets[shard.partition("/")[2]]

    def _control(self, shard: str) -> ControlBooks:
        """What a shard knows of control."""
        if shard == CONTROL_SHARD:
            return self._house.control
        if shard == MEMBER_SHARD:
            return self._house.member.control
        return self._market(shard).books.control

    def _log(self, shard: str) -> ShardLog:
        if shard == CONTROL_SHARD:
            return self._house.control_log
        return self._house.member_log if shard == MEMBER_SHARD else self._market(shard).log
