"""A command as a Kafka message: key, headers, value, and what is wrong with its envelope.

The value is the command, byte for byte as in a file. The key names the shard it is meant for. A
copy of a control command carries its number in the header `clearing-copy`; nothing else carries a
header. What is wrong with the envelope is refused by its shard like any wrong command and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from events.refusals import Reason, Refusal

COPY_HEADER: Final = "clearing-copy"
_NUMBER_DIGITS_MAX: Final = 18

Headers = Sequence[tuple[str, bytes | None]]

# What a row's origin ends with when its envelope was refused: the value alone does not say why.
BY_KEY: Final = "?key"
BY_HEADERS: Final = "?headers"
BY_COPY: Final = "?copy"


class Fault(NamedTuple):
    """What is wrong with an envelope. mark: how the journal tells it from a plain command."""

    mark: str
    refusal: Refusal


class Message(NamedTuple):
    """One message of an inbox. number: of a copy of a control command; None for a command."""

    offset: int
    line: bytes
    number: int | None = None
    fault: Fault | None = None


class Record(Protocol):
    """What we read of a record of Kafka, as aiokafka gives it."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def copy_headers(number: int) -> list[tuple[str, bytes]]:
    """The headers of copy n."""
    return [(COPY_HEADER, str(number).encode())]


def read_message(
    shard: str, *, offset: int, key: bytes | None, value: bytes | None, headers: Headers
) -> Message:
    """A message as it lies in the inbox of a shard; a tombstone is an empty command."""
    line = value or b""
    if key != shard.encode():
        found = "none" if key is None else repr(key[:64])[1:]
        refusal = Refusal(Reason.WRONG_SHARD, f"expected the key {shard!r}, found {found}")
        return Message(offset, line, fault=Fault(BY_KEY, refusal))
    if not headers:
        return Message(offset, line)
    number = _number(headers)
    if number is None:
        found = ", ".join(ascii(name[:64]) for name, _ in headers[:8])
        detail = f"expected no headers but {COPY_HEADER} with a number, found {found}"
        return Message(offset, line, fault=Fault(BY_HEADERS, Refusal(Reason.MALFORMED, detail)))
    return Message(offset, line, number=number)


def read_messages(shard: str, records: Sequence[Record]) -> list[Message]:
    """Messages as `read_message` reads each; the hot path, a quarter of a microsecond a record."""
    key = shard.encode()
    if [one for one in records if one.key != key or one.headers]:
        return [
            read_message(
                shard, offset=one.offset, key=one.key, value=one.value, headers=one.headers
            )
            for one in records
        ]
    offsets = [one.offset for one in records]
    return [*map(Message, offsets, [one.value or b"" for one in records])]


def _number(headers: Headers) -> int | None:
    if len(headers) != 1 or headers[0][0] != COPY_HEADER:
        return None
    text = headers[0][1] or b""
    is_number = text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX
    return int(text) if is_number else None
