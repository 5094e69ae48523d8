"""Workers keep when Kafka received each message, to the second, and whose clock said so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import Any

import pytest

from services.audit.verify import verify
from services.broker.messages import NO_TIME, Message
from services.hosting.receipts import Moment
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.journal.reader import Reader
from services.journal.receipts import receipt_of
from services.worker.receipt_times import moments_of
from tests.conftest import fresh_database
from tests.journal_contents import assert_equal, contents
from tests.services.worker.test_shard_run import ADMIT, ADVANCE, OPEN, SIT, TRADE, line
from tests.streams import Streams
from tests.twin.generate import written

NOW = Moment(50, "run")
# 2026-06-01T09:00:00Z
NINE_MS = 1_780_304_400_000


def stamped(*stamps: tuple[int, int | None]) -> list[Message]:
    """Messages with these times and kinds of times."""
    return [Message(offset, b"", stamp=(ms, kind)) for offset, (ms, kind) in enumerate(stamps)]


def moments(*stamps: tuple[int, int | None]) -> list[tuple[int, Moment]]:
    """The moments of rows from 7 on."""
    return [*moments_of(stamped(*stamps), seq=7, now=NOW)]


@pytest.fixture
def streams(url: str) -> Iterator[Streams]:
    """Shards of an empty journal."""
    with Streams(url) as made:
        yield made


def put(streams: Streams, shard: str, *messages: Message) -> None:
    """Messages taken in one batch."""
    streams.inboxes[shard] += messages
    streams.runs[shard].run_batch(messages)
    streams.runs[shard].drain()


def receipts(streams: Streams, shard: str) -> list[tuple[int, int, str]]:
    """The recorded runs of a shard after its row 0: first row, second, clock."""
    query = (
        "SELECT seq_first, extract(epoch FROM received_at)::bigint, clock "
        "FROM clearing.receipt WHERE shard = %s AND seq_first > 0 ORDER BY 1"
    )
    with Reader(streams.url) as reader:
        return [*reader.connection.execute(query, [shard]).fetchall()]


def test_messages_of_one_time_are_one_run() -> None:
    found = moments((5_000, 1), (5_000, 1), (5_999, 1), (5_999, 0), (4_000, 0))
    assert found == [
        (7, Moment(5, "broker")),
        (9, Moment(5, "broker")),
        (10, Moment(5, "producer")),
        (11, Moment(4, "producer")),
    ]


@pytest.mark.parametrize(
    "stamp", [(NO_TIME, 0), (-(2**63), 0), (253_402_300_800_000, 0), (2**70, 1), (5_000, None)]
)
def test_a_time_that_is_none_is_that_of_the_worker(stamp: tuple[int, int | None]) -> None:
    assert moments(stamp) == [(7, NOW)]


def test_the_last_time_that_can_be_written_is_kept(streams: Streams) -> None:
    last = Message(0, line(ADMIT), stamp=(253_402_300_799_999, 0))
    put(streams, "control/0", last)
    assert receipts(streams, "control/0") == [(1, 253_402_300_799, "producer")]
    with Reader(streams.url) as reader:
        assert receipt_of(reader, "control/0", seq=5) == (
            "control/0",
            1,
            253_402_300_799,
            "producer",
        )


def test_a_row_is_written_when_the_second_changes_and_only_then(streams: Streams) -> None:
    def at(offset: int, ms: int) -> Message:
        return Message(offset, line(TRADE), stamp=(NINE_MS + ms, 1))

    put(streams, SIT, at(0, 0), at(1, 999), at(2, 1000))
    put(streams, SIT, at(3, 1999), at(4, 500))
    nine = NINE_MS // 1000
    assert receipts(streams, SIT) == [
        (1, nine, "broker"),
        (3, nine + 1, "broker"),
        (5, nine, "broker"),
    ]


def test_a_copy_that_leaves_no_row_moves_no_time(streams: Streams) -> None:
    put(streams, "control/0", Message(0, line(OPEN)), Message(1, line(ADVANCE)))
    sent: list[tuple[dict[str, Any], int | None]] = [
        (OPEN, 1),
        (OPEN, 1),
        (TRADE, None),
        (OPEN, 1),
        (ADVANCE, 2),
        (OPEN, 1),
    ]
    messages = [
        Message(at, line(command), number, stamp=(1_000 * at, 1))
        for at, (command, number) in enumerate(sent)
    ]
    put(streams, SIT, *messages)
    assert receipts(streams, SIT) == [(1, 0, "broker"), (2, 2, "broker"), (3, 4, "broker")]


class LateStreams(Streams):
    """Inboxes whose messages come a second after each other, by the broker's clock."""

    def put(self, shard: str, line: bytes, *, number: int | None = None) -> None:
        """One message more in an inbox."""
        inbox = self.inboxes[shard]
        ms = NINE_MS + 1_000 * len(inbox)
        inbox.append(Message(len(inbox), line, number, stamp=(ms, 1)))


def test_messages_at_other_times_give_the_same_books(postgres: EmbeddedServer) -> None:
    lines, found = written(4, 2).lines, []
    with (
        contextmanager(fresh_database)(postgres) as one,
        contextmanager(fresh_database)(postgres) as other,
    ):
        for url, kind in ((one, Streams), (other, LateStreams)):
            migrate(url)
            with kind(url) as fed:
                fed.feed(lines)
            with Reader(url) as reader:
                found.append(receipt_of(reader, SIT, seq=reader.heads()[SIT].seq))
        assert_equal(contents(other), contents(one))
        assert verify(other) == []
    assert found[1] is not None
    assert found[0] != found[1]
    assert found[1].clock == "broker"


def test_row_0_was_made_when_the_worker_began(url: str) -> None:
    before = int(time())
    with Streams(url), Reader(url) as reader:
        first = {shard: receipt_of(reader, shard, seq=0) for shard in reader.heads()}
    assert {"control/0", "member/0", SIT} <= first.keys()
    for receipt in first.values():
        assert receipt is not None
        assert receipt.clock == "run"
        assert before <= receipt.second <= time()
