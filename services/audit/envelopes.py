"""Messages refused for their envelope: the refusal decided again from its detail (WIRE §2, §3).

In: a row's mark, the refusal's recorded detail, the line. Out: the refusal it must be, or None when
no envelope gives it. The journal holds the value of a message and not its key and headers, so these
are read from the recorded detail; that such an envelope is refused, why, and in these words is
decided again. Taken from the record unchecked: of `?key` and `?headers` the key and the headers; of
`?copy` the number of the copy, and that the control journal did not have it yet; of `?length` the
length of the value and its hash; of `?batch` that it was unreadable,
or held more than may be unpacked.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Final

from events.refusals import Refusal
from services.broker.messages import (
    BEGINNING_BYTES,
    BY_BATCH,
    BY_COPY,
    BY_HEADERS,
    BY_KEY,
    BY_LENGTH,
    COPY_HEADER,
    VALUE_BYTES_MAX,
    Headers,
    Message,
    read_message,
    too_long,
    too_much_packed,
    unreadable,
)
from services.shards.routing import CONTROL_SHARD
from services.worker.copy_check import NO_COPIES, copy_fault

MARKS: Final = (BY_KEY, BY_HEADERS, BY_COPY, BY_LENGTH, BY_BATCH)

_KEY: Final = re.compile(r"expected the key '[a-zA-Z/0-9]+', found (none|'.{0,300}'|\".{0,300}\")")
_HEADERS: Final = re.compile(
    rf"expected no headers but {COPY_HEADER} with a number, found (['\"].{{0,6000}}['\"])"
)
_COPY: Final = re.compile(
    r"expected a copy of control command ([0-9]{1,18}), found (no such command|other bytes there)"
)
_LENGTH: Final = re.compile(
    rf"expected at most {VALUE_BYTES_MAX} bytes, found ([1-9][0-9]{{0,11}}) with SHA-256 "
    r"([0-9a-f]{64})"
)
# The bytes before the records of a batch.
_BATCH_HEADER_BYTES: Final = 61
_OTHER_BYTES: Final = "other bytes there"
_UNREADABLE: Final = (ValueError, SyntaxError, MemoryError, RecursionError)


def recorded_detail(facts: bytes) -> str | None:
    """The detail of a recorded refusal; None when the facts are no refusal."""
    try:
        detail = json.loads(facts)["detail"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return detail if isinstance(detail, str) else None


def envelope_refusal(shard: str, mark: str, *, line: bytes, detail: str) -> Refusal | None:
    """The refusal of a message with the key, headers or length that the detail states."""
    if mark == BY_LENGTH:
        return _length_refusal(line, detail=detail)
    if mark == BY_BATCH:
        return _batch_refusal(line, detail=detail)
    message = None
    if mark == BY_KEY:
        match = _KEY.fullmatch(detail)
        if match is not None:
            message = _with_key(shard, match[1])
    else:
        match = _HEADERS.fullmatch(detail)
        if match is not None:
            message = _with_headers(shard, match[1])
    fault = None if message is None else message.fault
    return fault.refusal if fault is not None and fault.mark == mark else None


def copy_refusal(
    shard: str, line: bytes, *, detail: str, last: int, line_of: Callable[[int], bytes | None]
) -> Refusal | None:
    """The refusal of a forged copy: a message with the header of a copy that was none.

    last: the number of the shard's last copy; line_of: the line of a control command by its number,
    also of commands later than the shard's last copy.
    """
    if shard == CONTROL_SHARD:
        return NO_COPIES.refusal
    match = _COPY.fullmatch(detail)
    if match is None:
        return None
    number = int(match[1])
    genuine = line_of(number)
    if 1 <= number <= last or match[2] == _OTHER_BYTES:
        is_other = genuine is not None and genuine != line
        return copy_fault(number, is_there=True).refusal if is_other else None
    return copy_fault(number, is_there=False).refusal


def _length_refusal(line: bytes, *, detail: str) -> Refusal | None:
    match = _LENGTH.fullmatch(detail)
    if match is None or len(line) != BEGINNING_BYTES:
        return None
    length = int(match[1])
    return too_long(length, match[2]) if length > VALUE_BYTES_MAX else None


def _batch_refusal(line: bytes, *, detail: str) -> Refusal | None:
    if len(line) < _BATCH_HEADER_BYTES:
        return None
    beyond = too_much_packed(line)
    return beyond if detail == beyond.detail else unreadable(line)


def _with_key(shard: str, text: str) -> Message | None:
    key = None if text == "none" else _literal(f"b{text}")
    if key is not None and not isinstance(key, bytes):
        return None
    if text != "none" and key is None:
        return None
    return read_message(shard, offset=0, key=key, value=None, headers=())


def _with_headers(shard: str, text: str) -> Message | None:
    names = _literal(f"[{text}]")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    headers: Headers = [(name, None) for name in names]
    return read_message(shard, offset=0, key=shard.encode(), value=None, headers=headers)


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except _UNREADABLE:
        return None
