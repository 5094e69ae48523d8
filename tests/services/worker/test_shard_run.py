"""Messages that do not belong in an inbox: refused and kept, ignored, or a stop."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from services.broker.messages import Message, read_message
from services.broker.topics import partition_of
from services.hosting.restore import NotInUse, load_from_journal
from services.journal.reader import Reader
from services.journal.trouble import DatabaseGone
from services.worker.copy_check import ControlGap
from services.worker.shard_run import ShardRun
from tests.streams import Streams

AT = "2026-06-01T09:00:00Z"
OPEN = {"type": "open_session/1", "business_date": "2026-06-01", "at": AT}
ADMIT = {"type": "admit_member/1", "member": "M", "name": "Member", "at": AT}
ADVANCE = {"type": "advance_clock/1", "at": AT}
TRADE = {
    "type": "submit_trade/1", "trade_id": "t-1", "contract": "SITM26", "price": "2.00", "lots": 1,
    "buyer": "a", "seller": "b", "executed_at": AT,
}  # fmt: skip
SIT = "market/SIT"


def line(command: dict[str, Any]) -> bytes:
    """A command as a feed sends it."""
    return json.dumps(command).encode()


@pytest.fixture
def streams(url: str) -> Iterator[Streams]:
    """Shards of an empty journal."""
    with Streams(url) as made:
        yield made


def last_row(streams: Streams, shard: str) -> tuple[str, int, bytes, dict[str, Any]]:
    """Origin, position, input and first fact of a shard's last row."""
    streams.runs[shard].drain()
    with Reader(streams.url) as reader:
        head = reader.heads()[shard]
        row = reader.rows_at(shard, [head.seq])[0]
    return row.origin, row.position, row.line, json.loads(row.facts.split(b"\n")[0] or b"{}")


def put(streams: Streams, shard: str, message: Message) -> None:
    """One message, taken at once."""
    streams.inboxes[shard].append(message)
    streams.run_shard(shard)


@pytest.mark.parametrize(
    ("shard", "command", "reason"),
    [
        (SIT, OPEN, "wrong_shard"),
        ("member/0", TRADE, "wrong_shard"),
        ("control/0", TRADE, "wrong_shard"),
        (SIT, {**TRADE, "contract": "SCUM26"}, "wrong_shard"),
        (SIT, {**TRADE, "lots": 1.5}, "malformed"),
        ("member/0", {**TRADE, "lots": 1.5}, "wrong_shard"),
    ],
)
def test_a_command_of_another_shard_is_refused_and_kept(
    streams: Streams, shard: str, command: dict[str, Any], reason: str
) -> None:
    streams.put(shard, line(command))
    streams.run_shard(shard)
    origin, position, kept, fact = last_row(streams, shard)
    assert (position, kept, fact["reason"]) == (0, line(command), reason)
    assert "?" not in origin


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\xfe", b"x" * 900_000, b'{"a":1}\n{}'])
@pytest.mark.parametrize("shard", ["control/0", SIT, "member/0"])
def test_what_cannot_be_read_is_malformed_where_it_lies(
    streams: Streams, shard: str, value: bytes | None
) -> None:
    message = read_message(shard, offset=0, key=shard.encode(), value=value, headers=())
    put(streams, shard, message)
    _, _, kept, fact = last_row(streams, shard)
    assert kept == (value or b"")
    assert fact["reason"] == "malformed"


@pytest.mark.parametrize(
    ("key", "headers", "reason", "mark"),
    [
        (None, (), "wrong_shard", "?key"),
        (b"member/0", (), "wrong_shard", "?key"),
        (SIT.encode(), (("traceparent", b"00"),), "malformed", "?headers"),
        (SIT.encode(), (("clearing-copy", b"one"),), "malformed", "?headers"),
        (SIT.encode(), (("clearing-copy", b"1"), ("more", None)), "malformed", "?headers"),
        (SIT.encode(), (("clearing-copy", b"1"),), "wrong_shard", "?copy"),
    ],
)
def test_a_wrong_envelope_is_refused_and_kept(
    streams: Streams,
    key: bytes | None,
    headers: tuple[tuple[str, bytes | None], ...],
    reason: str,
    mark: str,
) -> None:
    put(streams, SIT, read_message(SIT, offset=0, key=key, value=line(TRADE), headers=headers))
    origin, _, kept, fact = last_row(streams, SIT)
    assert origin == f"clearing.market/0{mark}"
    assert (kept, fact["reason"], fact["reference"]) == (line(TRADE), reason, "t-1")


def test_a_copy_seen_before_is_ignored(streams: Streams) -> None:
    streams.feed([line(OPEN)])
    before = last_row(streams, SIT)
    streams.put(SIT, line(OPEN), number=1)
    streams.put(SIT, line(OPEN), number=1)
    streams.run_shard(SIT)
    assert last_row(streams, SIT) == before


def test_a_forged_copy_is_refused_and_the_genuine_one_taken(streams: Streams) -> None:
    streams.feed([line(OPEN)])
    forged = line({**ADVANCE, "at": "2026-06-01T23:00:00Z"})
    streams.put(SIT, forged, number=1)
    streams.put(SIT, forged, number=2)
    streams.run_shard(SIT)
    origin, _, kept, fact = last_row(streams, SIT)
    assert (origin, kept, fact["reason"]) == ("clearing.market/0?copy", forged, "wrong_shard")
    streams.feed([line(ADVANCE)])
    assert last_row(streams, SIT)[:2] == ("control/0", 2)


def test_a_copy_after_one_that_is_missing_stops_the_shard(streams: Streams) -> None:
    for command in (OPEN, ADMIT):
        streams.put("control/0", line(command))
    streams.run_shard("control/0")
    streams.put(SIT, line(ADMIT), number=2)
    with pytest.raises(ControlGap, match=r"market/SIT had copy 0 .* found copy 2: 1 between"):
        streams.run_shard(SIT)


def test_a_control_inbox_takes_no_copies(streams: Streams) -> None:
    streams.put("control/0", line(OPEN), number=1)
    streams.run_shard("control/0")
    origin, _, _, fact = last_row(streams, "control/0")
    assert (origin, fact["reason"]) == ("clearing.control/0?copy", "wrong_shard")


def test_a_product_has_no_shard_before_it_is_in_use(streams: Streams) -> None:
    assert "market/SCU" not in streams.runs
    with pytest.raises(NotInUse, match="market/SCU"):
        streams.load("market/SCU")


def test_what_was_looked_at_for_a_product_is_not_looked_at_again(streams: Streams) -> None:
    streams.feed([line(OPEN), line(ADMIT)])
    with pytest.raises(NotInUse) as first, Reader(streams.url) as reader:
        load_from_journal(reader, "market/SCU")
    assert first.value.checked_until == 2
    in_use = {"type": "configure/1", "parameter": "product_in_use", "product": "SCU"}
    rest = {"value": "true", "effective_date": "2026-06-02", "at": AT}
    streams.put("control/0", line(in_use | rest))
    streams.run_shard("control/0")
    with Reader(streams.url) as reader:
        assert load_from_journal(reader, "market/SCU", checked_until=2).shard.control.number == 3
        with pytest.raises(NotInUse):
            load_from_journal(reader, "market/SCU", checked_until=3)


@pytest.mark.parametrize("broken", ["ShardDecider.__init__", "CommitQueue.submit"])
def test_a_run_that_cannot_begin_leaves_nothing_open(
    url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseGone(broken)

    monkeypatch.setattr(f"services.worker.shard_run.{broken}", fail)
    # In one transaction all answers about activity are the first one.
    with psycopg.connect(url, autocommit=True) as looking:
        with pytest.raises(DatabaseGone):
            ShardRun(url, partition_of(SIT))
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        deadline = time.monotonic() + 5
        while (left := looking.execute(query).fetchone()) != (0,):
            assert time.monotonic() < deadline, left
    assert "journal-writer" not in [thread.name for thread in threading.enumerate()]
