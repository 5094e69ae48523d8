"""The chain's byte layout, written down once more with `struct` and hashed with `hashlib`."""

from __future__ import annotations

import csv
import hashlib
import subprocess
from datetime import date
from pathlib import Path
from struct import pack

import pytest

from events.chain import GENESIS, RowKey, chain_row, link_hash
from services.shards.rows import JournalRow
from tests.laws import chained

KEY = RowKey("market/SIT", 7, date(2026, 6, 8), "trades.jsonl", 3_141, 5_926)
LINE = b'{"type":"advance_clock/1","at":"2026-06-08T12:00:00Z"}'
PARTS = (b"first", b"", b"third")
PUBLISHED = Path(__file__).parents[1] / "published"


def hashed(before: bytes, key: RowKey, line: bytes, parts: tuple[bytes, ...]) -> bytes:
    row = JournalRow(*key, line=line, parts=len(parts), facts=parts[0], chain=b"")
    return chained(before, row, list(parts))


@pytest.mark.parametrize("parts", [(b"",), (b"one",), PARTS])
@pytest.mark.parametrize("before", [GENESIS, bytes(range(32))])
def test_a_row_is_hashed_by_the_documented_layout(before: bytes, parts: tuple[bytes, ...]) -> None:
    assert chain_row(before, KEY, line=LINE, parts=parts) == hashed(before, KEY, LINE, parts)


def test_the_first_rows_of_a_chain_are_these_bytes() -> None:
    domain = b"token-clearinghouse/journal-row"
    day = date(2026, 6, 8).toordinal() - date(1, 1, 1).toordinal()
    written = pack(">H", 31) + domain + pack(">H", 1) + bytes(32)
    written += pack(">H", 9) + b"control/0" + pack(">H", 4) + b"file"
    written += pack(">qIqqIII", 0, day, 5, 256, 2, 1, 3) + b"{}" + b"abc"
    key = RowKey("control/0", 0, date(2026, 6, 8), "file", 5, 256)
    actual = chain_row(GENESIS, key, line=b"{}", parts=[b"abc"])
    assert actual == hashlib.sha256(written).digest()


@pytest.mark.parametrize(
    "changed",
    [
        RowKey("market/SCU", 7, date(2026, 6, 8), "trades.jsonl", 3_141, 5_926),
        RowKey("market/SIT", 8, date(2026, 6, 8), "trades.jsonl", 3_141, 5_926),
        RowKey("market/SIT", 7, date(2026, 6, 9), "trades.jsonl", 3_141, 5_926),
        RowKey("market/SIT", 7, date(2026, 6, 8), "trades.json", 3_141, 5_926),
        RowKey("market/SIT", 7, date(2026, 6, 8), "trades.jsonl", 3_142, 5_926),
        RowKey("market/SIT", 7, date(2026, 6, 8), "trades.jsonl", 3_141, 5_927),
    ],
)
def test_every_column_is_in_the_hash(changed: RowKey) -> None:
    mine = chain_row(GENESIS, KEY, line=LINE, parts=PARTS)
    assert mine != chain_row(GENESIS, changed, line=LINE, parts=PARTS)


def test_lengths_are_in_the_hash_so_that_nothing_can_move_over_an_edge() -> None:
    hashes = [
        chain_row(GENESIS, KEY, line=line, parts=parts)
        for line, parts in (
            (b"ab", [b"cd", b"ef"]),
            (b"abc", [b"d", b"ef"]),
            (b"ab", [b"cdef"]),
            (b"ab", [b"cde", b"f"]),
            (b"ab", [b"cd", b"ef", b""]),
        )
    ]
    assert len(set(hashes)) == len(hashes)


def test_a_link_row_is_hashed_under_its_own_domain() -> None:
    written = pack(">H", 24) + b"token-clearinghouse/link" + pack(">H", 1)
    written += pack(">H", 10) + b"market/SIT" + pack(">H", 8) + b"member/0"
    written += pack(">qqI", 3, 17, 1) + b"payload"
    actual = link_hash("market/SIT", "member/0", numbers=(3, 17, 1), payload=b"payload")
    assert actual == hashlib.sha256(written).digest()


def published(table: str) -> list[dict[str, str]]:
    """The rows of a table of test vectors."""
    lines = (PUBLISHED / table).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@pytest.mark.parametrize("vector", published("chain_rows.csv"))
def test_a_row_has_its_published_hash(vector: dict[str, str]) -> None:
    day = date.fromisoformat(vector["business_date"])
    numbers = {name: int(vector[name]) for name in ("seq", "position", "logical_time")}
    key = RowKey(vector["shard"], business_date=day, origin=vector["origin"], **numbers)
    parts = [vector[f"part_{part}"] for part in range(3)]
    facts = [part.encode() if part != "-" else b"" for part in parts if part]
    line = vector["input"].encode()
    assert (
        chain_row(bytes.fromhex(vector["before"]), key, line=line, parts=facts).hex()
        == (vector["hash"])
    )


@pytest.mark.parametrize("vector", published("chain_links.csv"))
def test_a_link_has_its_published_hash(vector: dict[str, str]) -> None:
    numbers = int(vector["number"]), int(vector["barrier"]), int(vector["is_last"])
    payload = vector["payload"].encode()
    actual = link_hash(vector["source"], vector["target"], numbers=numbers, payload=payload)
    assert actual.hex() == vector["hash"]


def test_printf_and_sha256sum_give_the_published_hashes() -> None:
    tables = [*published("chain_rows.csv"), *published("chain_links.csv")]
    printed = subprocess.run(
        ["/bin/bash", PUBLISHED / "chain.sh"], stdout=subprocess.PIPE, check=True
    )
    assert printed.stdout.decode().split() == [vector["hash"] for vector in tables]
