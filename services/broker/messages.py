"""A command as a Kafka message: key, headers, value, and what is wrong with its envelope.

The value is the command, byte for byte as in a file. The key names the shard it is meant for. A
copy of a control command carries its number in the header `clearing-copy`; no other message has a
header. A message with a wrong envelope is refused by its shard like any wrong command, and kept. Of
a value that no row could hold, the beginning and the SHA-256 are kept.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, repeat, takewhile
from typing import Final, NamedTuple, Protocol, TypeAlias

from events.refusals import Reason, Refusal
from events.strict_json import LINE_BYTES_MAX

COPY_HEADER: Final = "clearing-copy"
_NUMBER_DIGITS_MAX: Final = 18
# Postgres has no room for a value of 512 MiB, and a compressed message can be one: without a bound
# it would stop its shard for ever. The worst that is allowed is a row of this size.
VALUE_BYTES_MAX: Final = 16 << 20
# The most that a batch holds: of bytes, what is unpacked in less than a tenth of a second by any
# codec; of records, what a mebibyte of commands holds that is packed ten to one, a list of which is
# made in a fifth of a second. The worker does nothing else meanwhile.
UNPACKED_BYTES_MAX: Final = VALUE_BYTES_MAX
BATCH_RECORDS_MAX: Final = 1 << 17
# Of headers, as many as if each record were a copy. An empty one is two bytes, and some seventy in
# memory: 16 KB of zeros, packed, took two seconds and 600 MB. Shorter batches are not counted: they
# hold half a million headers at most, an eighth of a second.
BATCH_HEADERS_MAX: Final = BATCH_RECORDS_MAX
UNCOUNTED_BYTES: Final = 1 << 20
# So many bytes of a longer value are kept: one byte too many to be read as a command.
BEGINNING_BYTES: Final = LINE_BYTES_MAX + 1

# Milliseconds since 1970, and whose clock: 0 of the producer, 1 of the broker.
Stamp: TypeAlias = tuple[int, int | None]
# Kafka's own sign.
NO_TIME: Final = -1

Headers = Sequence[tuple[str, bytes | None]]

# A row's origin ends with one of these when its envelope was refused: the value does not show why.
BY_KEY: Final = "?key"
BY_HEADERS: Final = "?headers"
BY_COPY: Final = "?copy"
BY_LENGTH: Final = "?length"
BY_BATCH: Final = "?batch"

_BASE_OFFSET: Final = struct.Struct(">q")


class Fault(NamedTuple):
    """A fault of an envelope. mark: tells it from a plain command in the journal."""

    mark: str
    refusal: Refusal


class Message(NamedTuple):
    """One message of an inbox. number: of a copy of a control command; None for a command.

    stamp: Kafka's time of it, None if it has none.
    """

    offset: int
    line: bytes
    number: int | None = None
    fault: Fault | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class BrokenBatch:
    """A batch that cannot be read, as if it were one record. value: all of its bytes.

    offset: that of its last record, so that reading goes on after the batch; timestamp: the latest
    of its records; is_too_long: it holds more than may be unpacked.
    """

    offset: int
    value: bytes
    key: bytes | None = None
    headers: Headers = ()
    timestamp: int = NO_TIME
    timestamp_type: int | None = None
    is_too_long: bool = False

    @property
    def refusal(self) -> Refusal:
        """The refusal of the batch."""
        return (too_much_packed if self.is_too_long else unreadable)(self.value)


class Record(Protocol):
    """The fields that we read of a record of Kafka, named as in aiokafka."""

    @property
    def offset(self) -> int:
        """Its number in the partition."""

    @property
    def key(self) -> bytes | None:
        """The shard it is meant for."""

    @property
    def value(self) -> bytes | None:
        """The command; None of a tombstone."""

    @property
    def headers(self) -> Headers:
        """The number, if it is a copy of a control command."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970."""

    @property
    def timestamp_type(self) -> int | None:
        """Whose clock: 0 of the producer, 1 of the broker."""


def copy_headers(number: int) -> list[tuple[str, bytes]]:
    """The headers of copy n."""
    return [(COPY_HEADER, str(number).encode())]


def read_message(
    shard: str, *, offset: int, key: bytes | None, value: bytes | None, headers: Headers
) -> Message:
    """A message as it lies in the inbox of a shard; a tombstone is an empty command."""
    line = value or b""
    if len(line) > VALUE_BYTES_MAX:
        refusal = too_long(len(line), sha256(line).hexdigest())
        return Message(offset, line[:BEGINNING_BYTES], fault=Fault(BY_LENGTH, refusal))
    if key != shard.encode():
        actual = "none" if key is None else repr(key[:64])[1:]
        refusal = Refusal(Reason.WRONG_SHARD, f"expected the key {shard!r}, found {actual}")
        return Message(offset, line, fault=Fault(BY_KEY, refusal))
    if not headers:
        return Message(offset, line)
    number = _number(headers)
    if number is None:
        names = ", ".join(ascii(name[:64]) for name, _ in headers[:8])
        detail = f"expected no headers but {COPY_HEADER} with a number, found {names}"
        return Message(offset, line, fault=Fault(BY_HEADERS, Refusal(Reason.MALFORMED, detail)))
    return Message(offset, line, number=number)


def read_messages(shard: str, records: Sequence[Record]) -> list[Message]:
    """Messages as `read_message` reads each; the hot path, a quarter of a microsecond a record."""
    key = shard.encode()
    if [record for record in records if record.key != key or record.headers]:
        return [_read(shard, record) for record in records]
    lines = [record.value or b"" for record in records]
    if sum(map(len, lines)) > VALUE_BYTES_MAX:
        return [_read(shard, record) for record in records]
    offsets = [record.offset for record in records]
    stamps = [(record.timestamp, record.timestamp_type) for record in records]
    return [*map(Message, offsets, lines, repeat(None), repeat(None), stamps)]


def leading(messages: Sequence[Message]) -> int:
    """The number of leading messages that are decided and written together.

    As many as have at most `VALUE_BYTES_MAX`, but at least one: four compressed megabytes may be
    gigabytes, which memory does not hold.
    """
    if sum([len(message.line) for message in messages]) <= VALUE_BYTES_MAX:
        return len(messages)
    sums = accumulate(len(message.line) for message in messages)
    return max(1, sum(1 for _ in takewhile(lambda size: size <= VALUE_BYTES_MAX, sums)))


def too_long(length: int, digest: str) -> Refusal:
    """The refusal of a value of which only the beginning is kept. digest: SHA-256 of all of it."""
    actual = f"found {length} with SHA-256 {digest}"
    return Refusal(Reason.MALFORMED, f"expected at most {VALUE_BYTES_MAX} bytes, {actual}")


def unreadable(batch: bytes) -> Refusal:
    """The refusal of a batch that cannot be read."""
    first = _BASE_OFFSET.unpack_from(batch)[0]
    actual = f"found a batch from offset {first} on that cannot be read"
    return Refusal(Reason.MALFORMED, f"expected records, {actual}")


def too_much_packed(batch: bytes) -> Refusal:
    """The refusal of a batch that holds more than may be unpacked."""
    first = _BASE_OFFSET.unpack_from(batch)[0]
    actual = f"found more in a batch of {len(batch)} from offset {first} on"
    expected = (
        f"at most {UNPACKED_BYTES_MAX} bytes, {BATCH_RECORDS_MAX} records and "
        f"{BATCH_HEADERS_MAX} headers unpacked"
    )
    return Refusal(Reason.MALFORMED, f"expected {expected}, {actual}")


def _read(shard: str, record: Record) -> Message:
    if isinstance(record, BrokenBatch) and len(record.value) <= VALUE_BYTES_MAX:
        fault = Fault(BY_BATCH, record.refusal)
        message = Message(record.offset, record.value, fault=fault)
    else:
        message = read_message(
            shard,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
    return message._replace(stamp=(record.timestamp, record.timestamp_type))


def _number(headers: Headers) -> int | None:
    if len(headers) != 1 or headers[0][0] != COPY_HEADER:
        return None
    text = headers[0][1] or b""
    is_number = text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX
    return int(text) if is_number else None
