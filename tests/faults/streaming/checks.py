"""The checks after a round of faults.

In: a house to which lines were published, all of them durable. Out: nothing, or an AssertionError
that names what is lost, doubled or otherwise than the embedded run of the same lines has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from events.codec import decode_command
from services.broker.messages import BY_BATCH, BY_COPY, read_messages, too_much_packed
from services.broker.topics import shard_partitions
from services.embedded.memory import MemoryRun
from services.hosting.restore import load_from_journal
from services.journal.reader import Reader
from services.shards.clearinghouse import COPIES_A_LINE_MAX
from services.shards.log import Inbound
from services.shards.routing import CONTROL_SHARD
from services.shards.shard import refuse_unread
from tests.laws import check_laws
from tests.streaming_house import StreamingHouse

_BATCHES = "SELECT shard, seq, input FROM clearing.journal WHERE origin LIKE %s"
_ROWS = "SELECT origin, position FROM clearing.journal WHERE shard = %s ORDER BY seq"


def check_round(house: StreamingHouse, lines: Sequence[bytes]) -> int:
    """All that a round promises. Gives how many batches were refused whole.

    The undisturbed run has them at their place in their shard.
    """
    check_every_message_has_one_row(house, lines)
    run, batches = MemoryRun(), refused_batches(house)
    count = len(batches)
    for line in lines:
        decide_batches(run, batches)
        # It takes the end of a line off, once: a message is decided with every byte that it has.
        run.decide(line + b"\r\n")
    decide_batches(run, batches)
    assert not batches, f"batches whose place nobody came to: {[*batches]}"
    check_laws(run.clearinghouse)
    check_day_hashes(house, run)
    check_books(house, run)
    findings = house.verify()
    assert not findings, f"clearing verify: {findings}"
    return count


def refused_batches(house: StreamingHouse) -> dict[tuple[str, int], bytes]:
    """By shard and row the batches that were refused whole."""
    with Reader(house.url) as reader:
        rows = reader.connection.execute(_BATCHES, [f"%{BY_BATCH}"]).fetchall()
    return {(str(shard), int(seq)): bytes(raw) for shard, seq, raw in rows}


def decide_batches(run: MemoryRun, batches: dict[tuple[str, int], bytes]) -> None:
    """Refuse in an embedded run those that are next in their shards, and take them from these."""
    for shard in run.clearinghouse.in_order():
        while (raw := batches.pop((shard.log.shard, shard.log.seq), None)) is not None:
            run.lines += 1
            inbound = Inbound("memory", run.lines, run.lines * COPIES_A_LINE_MAX, raw)
            refuse_unread(shard, inbound, command=decode_command(raw), refusal=too_much_packed(raw))


def check_every_message_has_one_row(house: StreamingHouse, lines: Sequence[bytes]) -> None:
    """Nothing is lost, nothing is doubled: messages, rows and copies are counted one by one."""
    published: Counter[bytes] = Counter()
    heads = house.heads()
    for partition in shard_partitions(house.name):
        inbox = read_messages(partition.shard, house.inbox(partition.shard))
        plain = [message for message in inbox if message.number is None]
        published.update(
            message.line
            for message in plain
            if message.fault is None or message.fault.mark != BY_BATCH
        )
        if partition.shard not in heads:
            assert not inbox, f"{partition.shard} is not in use and has {len(inbox)} messages"
            continue
        taken, copied = _rows(house, partition.shard, origin=partition.origin)
        _assert_same(partition.shard, [message.offset for message in plain], taken)
        number = 0 if partition.shard == CONTROL_SHARD else heads[partition.shard].control_number
        assert len(copied) == len(set(copied)), (
            f"{partition.shard}: a copy was taken twice: {copied}"
        )
        if copied:
            wanted = [*range(copied[0], number + 1)]
            assert copied == wanted, f"{partition.shard}: copies {copied}, expected {wanted}"
    sent = Counter(lines)
    lacking, added = [*(sent - published)][:3], [*(published - sent)][:3]
    assert published == sent, f"Kafka lacks of what was published {lacking}, and has more: {added}"


def check_day_hashes(house: StreamingHouse, run: MemoryRun) -> None:
    """The books at every close are those of the embedded run, shard for shard."""
    wanted = {
        (day.shard, day.business_date.isoformat()): (day.state_hash.hex(), day.history_hash.hex())
        for shard in run.clearinghouse.in_order()
        for day in shard.log.pending.days
    }
    found = house.day_hashes()
    differing = sorted(
        key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)
    )
    assert not differing, f"day hashes differ: {differing}"
    assert wanted, "no day was closed"


def check_books(house: StreamingHouse, run: MemoryRun) -> None:
    """The books at the end, loaded as a worker would, are those of the embedded run."""
    with Reader(house.url) as reader:
        for shard in reader.heads():
            loaded = load_from_journal(reader, shard).shard
            same = loaded.dump() == run.clearinghouse.shards[shard].dump()
            assert same, f"the books of {shard} at the end are not those of the embedded run"


def _rows(house: StreamingHouse, shard: str, *, origin: str) -> tuple[list[int], list[int]]:
    """Offsets of the inbox and numbers of control commands that a shard's rows came from."""
    with Reader(house.url) as reader:
        rows = reader.connection.execute(_ROWS, [shard]).fetchall()
    taken = [
        int(position)
        for found, position in rows
        if found.partition("?")[0] == origin and not found.endswith(BY_COPY)
    ]
    return taken, [int(position) for found, position in rows if found == CONTROL_SHARD]


def _assert_same(shard: str, wanted: list[int], found: list[int]) -> None:
    if wanted == found:
        return
    counts = Counter(found)
    lost = sorted(set(wanted) - counts.keys())
    doubled = sorted(offset for offset, count in counts.items() if count > 1)
    said = f"lost {len(lost)}: {lost[:9]}, doubled {len(doubled)}: {doubled[:9]}"
    msg = f"{shard}: rows are not the messages of the inbox in their order; {said}"
    raise AssertionError(msg)
