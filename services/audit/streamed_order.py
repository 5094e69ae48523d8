"""Deciding again the messages that workers read from inboxes, by shard (ARCHITECTURE §2, §4).

In: rows in the order of (logical time, shard). A row's logical time is its shard's last and
one; of a copy also after the row of `control/0` it copies, of a barrier of `member/0` also after
the rows of the markets that answer it, of a spread also after the rows on which its markets vote,
of row 0 after the command that put the product in use. So
every row is decided again after all rows it depends on, and its own time is recomputed too. Out:
findings.

A shard that differs stops alone. A shard that needs a later link or command of a stopped one stops
too, without a finding of its own; so does a shard that needs a link or command that is not recorded
before it (`Evidence.doubt`).
"""

from __future__ import annotations

from collections.abc import Sequence

from events.codec import decode_command
from events.command import Command, Malformed
from events.control_commands import Barrier, ControlCommand
from events.spread_commands import SubmitSpread
from services.audit.envelopes import MARKS, copy_refusal, envelope_refusal, recorded_detail
from services.audit.evidence import Evidence
from services.audit.inboxes import InboxesRead
from services.audit.links_and_copies import ControlCommands, LinksSent, VotesCast
from services.broker.messages import BY_COPY
from services.hosting.restore import is_open_from_the_start
from services.hosting.snapshots import snapshot_rows
from services.shards.control.state import dump_control, load_control
from services.shards.control_commands import put_in_use
from services.shards.ids import Identity, ids_named
from services.shards.links import NO_ANSWERS
from services.shards.log import Inbound, Pending
from services.shards.market.shard import MarketShard
from services.shards.routing import CONTROL_SHARD, market_shard
from services.shards.rows import JournalRow, LinkRow
from services.shards.shard import Shard, decide_where_it_lies, record_opening, refuse_unread
from services.shards.spread_votes import spread_markets, voters
from services.shards.table import open_shard
from settlement.control_books import ControlBooks


class StreamedOrder:
    """Decides row after row, in the order of logical time."""

    def __init__(self, evidence: Evidence) -> None:
        start = evidence.start
        self._evidence = evidence
        self._shards = start.shards
        self._times = dict(start.times)
        self._inboxes = InboxesRead(evidence.reader, evidence.findings, start=start)
        control = self._shards.get(CONTROL_SHARD)
        self._commands = ControlCommands(
            evidence.reader, 0 if control is None else control.control.number
        )
        self._links = LinksSent()
        # Votes on spreads that not every market of the legs has decided yet, by control number.
        self._votes: dict[int, VotesCast] = {}
        # Markets in use that are not open yet: the control books of that time, and the time.
        self._opening: dict[str, tuple[ControlBooks, int]] = {}
        self._stopped: set[str] = set()
        self._decoded: dict[tuple[str, int], Command | Malformed] = {}

    @property
    def is_whole(self) -> bool:
        """True if no shard has stopped."""
        return not self._stopped

    def group_key(self, row: JournalRow) -> tuple[int | str, ...]:
        """The logical time and shard of a row: each row is a group by itself."""
        return (row.logical_time, row.shard)

    def decide(self, chunk: Sequence[JournalRow]) -> bool:
        """Decide the rows of a chunk, each in its shard."""
        self._prepare(chunk)
        for row in chunk:
            shard = row.shard
            if shard not in self._stopped and not (self._decide(row) and self._agrees(row)):
                self._stopped.add(shard)
                self._evidence.memory.drop(shard)
        self._evidence.memory.end()
        return True

    def finish(self) -> None:
        """Compare the heads with the offsets of the rows, and votes whose spread is not decided."""
        self._inboxes.finish()
        for name, shard in self._shards.items():
            number = shard.control.number + 1
            copied = self._commands.get(number)
            if copied is not None and voters(copied.command, name):
                self._check_vote(name, number, command=copied.command)

    def _prepare(self, chunk: Sequence[JournalRow]) -> None:
        """Decode the lines from inboxes; look up the ids they name and the commands copied."""
        rows = [row for row in chunk if row.seq > 0 and row.shard not in self._stopped]
        self._commands.prepare(row.position for row in rows if row.origin == CONTROL_SHARD)
        self._decoded = {
            (row.shard, row.seq): decode_command(row.line)
            for row in rows
            if row.origin != CONTROL_SHARD
        }
        ids: dict[str, list[Identity]] = {}
        for (shard, _), command in self._decoded.items():
            if not isinstance(command, Malformed):
                ids.setdefault(shard, []).extend(ids_named(command, shard))
        # The first of the rows of a spread needs the votes of all its markets.
        copies = [decode_command(row.line) for row in rows if row.origin == CONTROL_SHARD]
        for command in copies:
            if isinstance(command, SubmitSpread):
                for shard in sorted({*spread_markets(command)} - self._stopped):
                    ids.setdefault(shard, []).extend(ids_named(command, shard))
        for shard, named in ids.items():
            self._evidence.memory.begin(shard, named)

    def _decide(self, row: JournalRow) -> bool:
        """Decide a row in its shard; False when that can't be."""
        partition = self._inboxes.partition(row.shard)
        if partition is None:
            finding = "shard: expected none of this name, found one"
            self._evidence.findings.note(row.shard, row.seq, finding=finding)
            return False
        if row.seq == 0:
            return self._open(row)
        shard = self._shards[row.shard]
        if row.origin == CONTROL_SHARD and shard.HAS_COPIES:
            return self._decide_copy(row, shard)
        if not self._inboxes.add(row):
            return False
        # The origin is that of the partition, not the recorded one; only the mark is read there.
        mark = next((mark for mark in MARKS if row.origin == partition.origin + mark), "")
        time = self._times[row.shard] + 1
        inbound = Inbound(partition.origin + mark, row.position, time, row.line)
        if mark:
            return self._refuse(row, inbound, mark=mark)
        command = self._decoded[row.shard, row.seq]
        decide_where_it_lies(shard, inbound, command=command, memory=self._evidence.memory)
        return True

    def _agrees(self, row: JournalRow) -> bool:
        """Compare the decided rows with the record, the snapshot of a close too."""
        shard = self._shards[row.shard]
        self._times[row.shard] = row.logical_time
        self._evidence.expect([row])
        decided = shard.log.pending
        agrees = self._evidence.agrees(shard.log)
        if agrees:
            self._hand_on(row, decided)
        for day in decided.days:
            self._evidence.check_snapshots(snapshot_rows([shard], day.business_date))
        return agrees

    def _hand_on(self, row: JournalRow, decided: Pending) -> None:
        """Keep a row's links and its control command for the shards that need them."""
        self._links.add(decided.links, logical_time=row.logical_time)
        if decided.numbers:
            command = self._decoded[row.shard, row.seq]
            assert isinstance(command, ControlCommand), row
            self._commands.add(row, command)
            self._note_in_use(command, logical_time=row.logical_time)

    def _open(self, row: JournalRow) -> bool:
        """Open a shard with row 0: of a configured product with the control books of that time."""
        if is_open_from_the_start(row.shard):
            control, time = ControlBooks(), 0
        elif row.shard in self._opening:
            control, time = self._opening.pop(row.shard)
        else:
            finding = (
                "shard: expected it after the command that puts the product in use, found none"
            )
            self._evidence.doubt(row, finding=finding)
            return False
        shard = self._shards[row.shard] = open_shard(row.shard, control)
        record_opening(shard, logical_time=time)
        return True

    def _note_in_use(self, command: ControlCommand, *, logical_time: int) -> None:
        """Note the products that a command has put in use; their shards begin right after it."""
        if put_in_use(command) is None:
            return
        control = self._shards[CONTROL_SHARD].control
        for shard in map(market_shard, control.products):
            is_noted = shard in self._shards or shard in self._opening
            if not is_noted and not is_open_from_the_start(shard):
                self._opening[shard] = (load_control(dump_control(control)), logical_time + 1)

    def _refuse(self, row: JournalRow, inbound: Inbound, *, mark: str) -> bool:
        """Refuse an envelope again; its key and headers stand only in the recorded detail."""
        shard = self._shards[row.shard]
        detail = recorded_detail(row.facts) or ""
        if mark == BY_COPY:
            last = shard.control.number
            refusal = copy_refusal(
                row.shard, row.line, detail=detail, last=last, line_of=self._line_of
            )
        else:
            refusal = envelope_refusal(row.shard, mark, line=row.line, detail=detail)
        if refusal is None:
            finding = f"facts: expected a refusal such as {mark} stands for, found {detail!r}"
            self._evidence.findings.note(row.shard, row.seq, finding=finding)
            return False
        command = self._decoded[row.shard, row.seq]
        refuse_unread(shard, inbound, command=command, refusal=refusal)
        return True

    def _line_of(self, number: int) -> bytes | None:
        """The line of a control command, also of one that is decided later in this order."""
        command = self._commands.get(number)
        if command is not None:
            return command.line
        recorded = self._evidence.reader.numbered_in([number])
        return recorded[0].line if recorded else None

    def _decide_copy(self, row: JournalRow, shard: Shard) -> bool:
        """Decide the next copy, from the control command of its number."""
        number = shard.control.number + 1
        copied = self._commands.get(number)
        if copied is None:
            finding = f"origin: expected no copy {number}, which control/0 does not have, found one"
            self._evidence.doubt(row, finding=finding)
            return False
        answers = NO_ANSWERS
        time = max(self._times[row.shard], copied.logical_time)
        if shard.WAITS_AT_BARRIERS and isinstance(copied.command, Barrier):
            if not self._is_answered(row, number, products=shard.control.products):
                return False
            answers = self._links.pop(number)
            time = max(time, answers.logical_time)
        elif voters(copied.command, row.shard):
            cast = self._vote(row, number, command=copied.command)
            if cast is None:
                return False
            answers, time = cast.answers(row.shard), max(time, cast.logical_time)
            shard.log.pending.links += cast.of(row.shard)
        self._inboxes.add_copy(row.shard)
        inbound = Inbound(CONTROL_SHARD, number, time + 1, copied.line)
        shard.decide_copy(inbound, copied.command, answers=answers, memory=self._evidence.memory)
        return True

    def _vote(self, row: JournalRow, number: int, *, command: ControlCommand) -> VotesCast | None:
        """The votes on a spread, by the books of all its markets before it; None if one stopped."""
        cast = self._votes.get(number)
        if cast is not None:
            del self._votes[number]
            return cast
        rows, times = list[LinkRow](), list[int]()
        for name in spread_markets(command):
            shard = self._shards.get(name)
            is_there = shard is not None and shard.control.number == number - 1
            if not is_there or name in self._stopped:
                finding = f"spread {number}: expected the vote of {name}, found none"
                self._evidence.doubt(row, finding=finding)
                return None
            assert isinstance(shard, MarketShard), name
            rows += shard.vote(number, command, memory=self._evidence.memory)
            times.append(self._times[name])
        self._votes[number] = VotesCast(rows, max(times))
        return self._votes[number]

    def _check_vote(self, name: str, number: int, *, command: ControlCommand) -> None:
        """Compare the vote of a market that has not decided a spread yet.

        It may not have voted, unless a further market has decided.
        """
        shard, cast, reader = self._shards[name], self._votes.get(number), self._evidence.reader
        assert isinstance(shard, MarketShard), name
        if cast is None:
            self._evidence.memory.begin(name, ids_named(command, name))
            votes = shard.vote(number, command, memory=self._evidence.memory)
            recorded = [
                vote
                for vote in votes
                if any(row.source == name for row in reader.votes(vote.target, number))
            ]
        else:
            recorded = cast.of(name)
        self._evidence.check_links(recorded)

    def _is_answered(self, row: JournalRow, barrier: int, *, products: Sequence[str]) -> bool:
        missing = self._links.missing(barrier, products)
        if missing:
            finding = f"barrier {barrier}: expected the links of {', '.join(missing)}, found none"
            self._evidence.doubt(row, finding=finding)
        return not missing
