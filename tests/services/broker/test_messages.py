"""Messages read by the thousand are what each would be read as alone."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import pytest

from events.codec import decode_command
from events.command import Malformed
from events.strict_json import LINE_BYTES_MAX
from services.broker.messages import (
    BEGINNING_BYTES,
    BY_BATCH,
    BY_LENGTH,
    VALUE_BYTES_MAX,
    BrokenBatch,
    Headers,
    Message,
    copy_headers,
    leading,
    read_message,
    read_messages,
)
from tests.raw_batches import batch

SHARD = "market/SIT"
KEY = SHARD.encode()


@dataclass
class Record:
    """A record as aiokafka gives it."""

    offset: int
    key: bytes | None = KEY
    value: bytes | None = b"{}"
    headers: Headers = ()
    timestamp: int = 7_000
    timestamp_type: int | None = 1


PLAIN = [
    Record(7),
    Record(8, value=b"a\nb", timestamp=7_999),
    Record(11, value=None),
    Record(12, value=b""),
]
ODD = [
    Record(13, key=None),
    Record(13, key=b"market/SCU"),
    Record(13, headers=copy_headers(3)),
    Record(13, headers=[("foreign", b"")]),
    Record(13, value=bytes(VALUE_BYTES_MAX)),
    Record(13, value=bytes(VALUE_BYTES_MAX + 1)),
]


def one_by_one(records: list[Record]) -> list[Message]:
    """Each alone."""
    return [
        read_message(
            SHARD, offset=record.offset, key=record.key, value=record.value, headers=record.headers
        )._replace(stamp=(record.timestamp, record.timestamp_type))
        for record in records
    ]


def test_plain_messages_are_read_as_each_alone() -> None:
    assert read_messages(SHARD, PLAIN) == one_by_one(PLAIN)


@pytest.mark.parametrize("odd", ODD)
def test_one_odd_message_among_plain_ones_is_read_as_alone(odd: Record) -> None:
    records = [*PLAIN, odd, Record(14)]
    assert read_messages(SHARD, records) == one_by_one(records)


def test_no_records_are_no_messages() -> None:
    assert read_messages(SHARD, []) == []


def test_foreign_headers_are_named_in_ascii_since_what_is_printable_depends_on_the_python() -> None:
    message = read_message(SHARD, offset=1, key=KEY, value=b"{}", headers=[("clé\x1b", b"")])
    assert message.fault is not None
    expected = r"expected no headers but clearing-copy with a number, found 'cl\xe9\x1b'"
    assert message.fault.refusal.detail == expected


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("headers", [(), copy_headers(1)])
def test_of_a_value_that_no_row_can_hold_the_beginning_and_the_hash_are_kept(
    key: bytes | None, headers: Headers
) -> None:
    value = b'{"a":' + b"9" * VALUE_BYTES_MAX
    message = read_message(SHARD, offset=3, key=key, value=value, headers=headers)
    assert message.fault is not None
    assert (message.line, message.number) == (value[: LINE_BYTES_MAX + 1], None)
    assert (message.fault.mark, message.fault.refusal.reason) == (BY_LENGTH, "malformed")
    assert message.fault.refusal.detail == (
        f"expected at most 16777216 bytes, found 16777221 with SHA-256 {sha256(value).hexdigest()}"
    )


def test_the_beginning_of_a_long_value_is_never_a_command() -> None:
    line = b'{"type":"open_session/1","business_date":"2026-06-01","at":"2026-06-01T09:00:00Z"}'
    assert not isinstance(decode_command(line.ljust(LINE_BYTES_MAX)), Malformed)
    assert isinstance(decode_command(line.ljust(BEGINNING_BYTES)), Malformed)


def test_up_to_that_length_every_byte_is_kept() -> None:
    value = bytes(VALUE_BYTES_MAX)
    assert read_message(SHARD, offset=3, key=KEY, value=value, headers=()) == Message(3, value)


def test_a_batch_that_cannot_be_read_is_one_message_of_all_its_bytes() -> None:
    raw = batch(2, b"junk", codec=4, base=5)
    (message,) = read_messages(SHARD, [BrokenBatch(6, raw)])
    assert message.fault is not None
    assert (message.offset, message.line, message.fault.mark) == (6, raw, BY_BATCH)
    assert message.fault.refusal.detail == (
        "expected records, found a batch from offset 5 on that cannot be read"
    )


@pytest.mark.parametrize(
    ("sizes", "together"),
    [
        ([], 0),
        ([0, 0], 2),
        ([VALUE_BYTES_MAX, 0, 0], 3),
        ([VALUE_BYTES_MAX, 1, 0], 1),
        ([1, VALUE_BYTES_MAX, 0], 1),
        ([VALUE_BYTES_MAX // 4] * 9, 4),
        ([VALUE_BYTES_MAX + 1], 1),
    ],
)
def test_no_more_bytes_than_memory_holds_are_decided_together(
    sizes: list[int], together: int
) -> None:
    assert leading([Message(0, bytes(size)) for size in sizes]) == together
