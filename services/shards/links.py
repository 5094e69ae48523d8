"""Links: what a market has for `member/0` at a barrier, in rows of 1 MiB (ARCHITECTURE §2).

A row speaks of one contract: a line of JSON (contract, mark, rate, how many entries) and three
columns of little-endian int64: account numbers, lots after the cycle, variation in cents. The last
row of a barrier says so and how many rows came before it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from events.chain import link_hash
from events.int64 import IntArray

ENTRIES_A_ROW: Final = 40_000
MEMBER_SHARD: Final = "member/0"
_COLUMNS: Final = 3


class LinkRow(NamedTuple):
    """One row of the link table, in the order of its columns."""

    source: str
    target: str
    number: int
    barrier: int
    seq: int
    is_last: bool
    payload: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class ContractFlow:
    """One contract at a barrier.

    mark_ticks: None while the contract has no price. accounts, lots, amount_cents: columns of one
    length, by rising account.
    """

    contract: str
    mark_ticks: int | None
    rate_ppm: int
    accounts: IntArray
    lots: IntArray
    amount_cents: IntArray


def places_of(accounts: IntArray) -> IntArray | slice:
    """Rising account numbers as an index: a slice, ten times as fast, where none is left out."""
    if not len(accounts):
        return slice(0, 0)
    first, last = int(accounts[0]), int(accounts[-1])
    return slice(first, last + 1) if last - first + 1 == len(accounts) else accounts


def encode_flow(flow: ContractFlow) -> list[bytes]:
    """The payloads of a contract; at least one."""
    payloads = []
    for first in range(0, max(1, len(flow.accounts)), ENTRIES_A_ROW):
        chosen = slice(first, first + ENTRIES_A_ROW)
        columns = [column[chosen] for column in (flow.accounts, flow.lots, flow.amount_cents)]
        head = {
            "contract": flow.contract,
            "entries": len(columns[0]),
            "mark_ticks": flow.mark_ticks,
            "rate_ppm": flow.rate_ppm,
        }
        body = b"".join(column.astype("<i8").tobytes() for column in columns)
        payloads.append(json.dumps(head, separators=(",", ":")).encode() + b"\n" + body)
    return payloads


def decode_flow(payload: bytes) -> ContractFlow:
    """The contract of a payload. Errors: ValueError when the columns are not as long as it says."""
    head, _, body = payload.partition(b"\n")
    stated = json.loads(head)
    columns = np.frombuffer(body, dtype="<i8").astype(np.int64).reshape(_COLUMNS, stated["entries"])
    return ContractFlow(stated["contract"], stated["mark_ticks"], stated["rate_ppm"], *columns)


def link_rows(
    source: str, flows: list[ContractFlow], *, number: int, at: tuple[int, int]
) -> list[LinkRow]:
    """All rows of one barrier, numbered densely from `number`, the last of which says so.

    at: the barrier's control number and the source's journal row.
    """
    barrier, seq = at
    payloads = [payload for flow in flows for payload in encode_flow(flow)]
    payloads.append(json.dumps({"rows": len(payloads)}).encode())
    rows = []
    for offset, payload in enumerate(payloads):
        is_last = offset == len(payloads) - 1
        numbers = (number + offset, barrier, int(is_last))
        digest = link_hash(source, MEMBER_SHARD, numbers=numbers, payload=payload)
        rows.append(
            LinkRow(source, MEMBER_SHARD, numbers[0], barrier, seq, is_last, payload, digest)
        )
    return rows
