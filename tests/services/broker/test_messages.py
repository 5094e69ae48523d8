"""Messages read by the thousand are what each would be read as alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from services.broker.messages import Headers, Message, copy_headers, read_message, read_messages

SHARD = "market/SIT"
KEY = SHARD.encode()


@dataclass
class Record:
    """A record as aiokafka gives it."""

    offset: int
    key: bytes | None = KEY
    value: bytes | None = b"{}"
    headers: Headers = ()


PLAIN = [Record(7), Record(8, value=b"a\nb"), Record(11, value=None), Record(12, value=b"")]
ODD = [
    Record(13, key=None),
    Record(13, key=b"market/SCU"),
    Record(13, headers=copy_headers(3)),
    Record(13, headers=[("foreign", b"")]),
]


def one_by_one(records: list[Record]) -> list[Message]:
    """Each alone."""
    return [
        read_message(SHARD, offset=one.offset, key=one.key, value=one.value, headers=one.headers)
        for one in records
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
