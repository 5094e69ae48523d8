"""A recorded refusal of an envelope is enough to refuse it again, and no forged one passes."""

from __future__ import annotations

import pytest

from services.audit.envelopes import copy_refusal, envelope_refusal, recorded_detail
from services.broker.messages import (
    BEGINNING_BYTES,
    BY_BATCH,
    BY_HEADERS,
    BY_KEY,
    BY_LENGTH,
    VALUE_BYTES_MAX,
    Headers,
    read_message,
    too_much_packed,
    unreadable,
)
from services.worker.copy_check import NO_COPIES, copy_fault
from tests.raw_batches import batch

SHARD = "market/SIT"
COMMANDS = {1: b"one", 2: b"two", 9: b"nine"}
ABSENT = "expected a copy of control command {}, found no such command"
LONG = "expected at most 16777216 bytes, found {} with SHA-256 {}"
OTHER = "expected a copy of control command {}, found other bytes there"


@pytest.mark.parametrize(
    "key",
    [None, b"", b"market/SCU", b"it's", b'"', b"'\"", b"\\", b"\n", bytes(range(256)), b"x" * 99],
)
def test_a_key_is_refused_again_as_it_was(key: bytes | None) -> None:
    fault = read_message(SHARD, offset=7, key=key, value=b"", headers=()).fault
    assert fault is not None
    assert envelope_refusal(SHARD, BY_KEY, line=b"", detail=fault.refusal.detail) == fault.refusal


@pytest.mark.parametrize(
    "headers",
    [
        [("traceparent", b"1")],
        [("clearing-copy", b"x")],
        [("clearing-copy", b"1"), ("clearing-copy", b"1")],
        [("é'\"\n\\\x1b\U0010ffff", None)] * 3,
        [("\U0010ffff" * 99, None)] * 99,
        [("", b"")],
    ],
)
def test_headers_are_refused_again_as_they_were(headers: Headers) -> None:
    key = SHARD.encode()
    fault = read_message(SHARD, offset=7, key=key, value=b"", headers=headers).fault
    assert fault is not None
    assert (
        envelope_refusal(SHARD, BY_HEADERS, line=b"", detail=fault.refusal.detail) == fault.refusal
    )


@pytest.mark.parametrize(
    ("mark", "detail"),
    [
        (BY_KEY, ""),
        (BY_KEY, "expected the key 'market/SIT', found 'market/SIT'"),
        (BY_KEY, "expected the key 'market/SIT', found "),
        (BY_KEY, "expected the key 'market/SIT', found 'a'.b'"),
        (BY_KEY, "expected the key 'market/SIT', found none "),
        (BY_HEADERS, "expected no headers but clearing-copy with a number, found "),
        (BY_HEADERS, "expected no headers but clearing-copy with a number, found 'a', f('b')"),
        (BY_HEADERS, "expected the key 'market/SIT', found none"),
        (BY_LENGTH, LONG.format(VALUE_BYTES_MAX + 1, "0" * 64)),
        (BY_BATCH, "expected records, found a batch from offset 0 on that cannot be read"),
    ],
)
def test_what_no_envelope_gives_is_no_refusal(mark: str, detail: str) -> None:
    assert envelope_refusal(SHARD, mark, line=b"", detail=detail) is None


def test_the_key_of_another_shard_is_refused_in_its_own_words() -> None:
    detail = "expected the key 'member/0', found none"
    refusal = envelope_refusal(SHARD, BY_KEY, line=b"", detail=detail)
    assert refusal is not None
    assert refusal.detail == "expected the key 'market/SIT', found none"


@pytest.mark.parametrize(
    ("line", "detail", "is_there"),
    [
        # Copy 2 was the last one: what control had by then is known.
        (b"two", OTHER.format(1), True),
        (b"two", ABSENT.format(1), True),
        (b"one", OTHER.format(1), None),
        (b"one", ABSENT.format(0), False),
        # Of later commands nobody can tell when they came; only that they did.
        (b"nine", ABSENT.format(9), False),
        (b"nine", OTHER.format(9), None),
        (b"else", OTHER.format(9), True),
        (b"else", OTHER.format(10), None),
        (b"else", ABSENT.format(10), False),
        (b"else", "expected something", None),
    ],
)
def test_a_forged_copy_is_refused_as_control_shows(
    line: bytes, detail: str, *, is_there: bool | None
) -> None:
    number = int("".join(filter(str.isdigit, detail)) or 0)
    expected = None if is_there is None else copy_fault(number, is_there=is_there).refusal
    assert copy_refusal(SHARD, line, detail=detail, last=2, line_of=COMMANDS.get) == expected


def test_control_takes_no_copies() -> None:
    found = copy_refusal("control/0", b"", detail="", last=0, line_of=COMMANDS.get)
    assert found == NO_COPIES.refusal


@pytest.mark.parametrize("facts", [b"", b"[]", b"{}", b'{"detail":1}', b"\xff", b"[" * 100_000])
def test_what_is_no_refusal_has_no_detail(facts: bytes) -> None:
    assert recorded_detail(facts) is None


def test_a_value_that_was_too_long_is_refused_again_as_it_was() -> None:
    value = bytes(VALUE_BYTES_MAX + 1)
    message = read_message(SHARD, offset=7, key=None, value=value, headers=())
    assert message.fault is not None
    refusal = message.fault.refusal
    found = envelope_refusal(SHARD, BY_LENGTH, line=message.line, detail=refusal.detail)
    assert found == refusal


@pytest.mark.parametrize(
    "detail",
    [
        "",
        LONG.format(VALUE_BYTES_MAX, "0" * 64),
        LONG.format(VALUE_BYTES_MAX + 1, "0" * 63),
        LONG.format(VALUE_BYTES_MAX + 1, "G" * 64),
        LONG.format("0" + str(VALUE_BYTES_MAX + 1), "0" * 64),
        LONG.format(-1, "0" * 64),
    ],
)
def test_no_value_that_could_be_kept_is_cut(detail: str) -> None:
    line = bytes(BEGINNING_BYTES)
    assert envelope_refusal(SHARD, BY_LENGTH, line=line, detail=detail) is None


def test_a_batch_that_could_not_be_read_is_refused_again_by_its_own_bytes() -> None:
    raw = batch(1, b"junk", codec=4, base=5)
    assert envelope_refusal(SHARD, BY_BATCH, line=raw, detail="whatever") == unreadable(raw)
    beyond = too_much_packed(raw)
    assert envelope_refusal(SHARD, BY_BATCH, line=raw, detail=beyond.detail) == beyond
    other = beyond.detail.replace(f"of {len(raw)}", "of 99")
    assert envelope_refusal(SHARD, BY_BATCH, line=raw, detail=other) == unreadable(raw)
