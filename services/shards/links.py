"""Links: the rows of 1 MiB that a market sends to `member/0` at a barrier (ARCHITECTURE §2).

A row is a block: a line of JSON with the kind and the contract, and name, type and length of each
column; then the columns. The last row of a barrier is marked as such and counts the rows before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from events.chain import link_hash
from events.int64 import IntArray
from events.refusals import Refusal
from risk.margin import AddOn, Measure
from services.shards.routing import MEMBER_SHARD
from services.shards.rows import LinkRow

ENTRIES_A_ROW: Final = 40_000
_HOLDINGS: Final = "holdings"
_INT64: Final = "<i8"


class LinkBlock(NamedTuple):
    """The content of a row.

    head: kind, contract, model, mark, axis, add-ons; columns: by name, of any lengths.
    """

    head: Mapping[str, Any]
    columns: Mapping[str, IntArray]


@dataclass(frozen=True, slots=True)
class ContractFlow:
    """One contract at a barrier.

    model: the margin model that gave the measure; mark_ticks: None while the contract has no price;
    measure: the losses of a lot; add_on: None without add-ons. accounts, lots, amount_cents:
    columns of one length, by rising account number. rank: at a close, 0 for the front month, None
    for what expires; moves_ppm: the largest moves of the product's index, rises first.
    """

    contract: str
    model: str
    mark_ticks: int | None
    measure: Measure
    accounts: IntArray
    lots: IntArray
    amount_cents: IntArray
    add_on: AddOn | None = None
    rank: int | None = None
    moves_ppm: tuple[int, ...] = ()


# By market the refusal of its legs, or None.
Votes: TypeAlias = Mapping[str, Refusal | None]


class Answers(NamedTuple):
    """The answers of markets to a copy: flows at a barrier, votes on a spread.

    logical_time: of the latest row that sent one.
    """

    flows: Sequence[ContractFlow] = ()
    votes: Votes = MappingProxyType({})
    logical_time: int = 0


NO_ANSWERS: Final = Answers()


def encode_link_block(block: LinkBlock) -> bytes:
    """The payload of a block."""
    columns = [[name, _INT64, len(column)] for name, column in block.columns.items()]
    head = json.dumps({**block.head, "columns": columns}, separators=(",", ":"))
    body = b"".join(column.astype(_INT64).tobytes() for column in block.columns.values())
    return head.encode() + b"\n" + body


def decode_link_block(payload: bytes) -> LinkBlock:
    """The block of a payload. Errors: ValueError when columns are missing or not as stated."""
    line, _, body = payload.partition(b"\n")
    head = json.loads(line)
    if "columns" not in head:
        msg = f"expected a block with its columns, found {line[:60]!r}: an earlier program's"
        raise ValueError(msg)
    columns, offset = {}, 0
    for name, kind, length in head.pop("columns"):
        column = np.frombuffer(body, dtype=kind, count=length, offset=offset)
        columns[name], offset = column.astype(np.int64), offset + column.nbytes
    if offset != len(body):
        msg = f"expected {offset} bytes of columns, found {len(body)}"
        raise ValueError(msg)
    return LinkBlock(head, columns)


def encode_flow(flow: ContractFlow) -> list[bytes]:
    """The payloads of a contract; at least one."""
    head = {
        "kind": _HOLDINGS,
        "contract": flow.contract,
        "model": flow.model,
        "mark_ticks": flow.mark_ticks,
        "axis": flow.measure.axis,
        "add_on": flow.add_on,
        "rank": flow.rank,
    }
    shocks = np.array(flow.measure.shocks_ppm, dtype=np.int64)
    moves = np.array(flow.moves_ppm, dtype=np.int64)
    payloads = []
    for first in range(0, max(1, len(flow.accounts)), ENTRIES_A_ROW):
        chosen = slice(first, first + ENTRIES_A_ROW)
        columns = {
            "shocks_ppm": shocks,
            "moves_ppm": moves,
            "accounts": flow.accounts[chosen],
            "lots": flow.lots[chosen],
            "amount_cents": flow.amount_cents[chosen],
        }
        payloads.append(encode_link_block(LinkBlock(head, columns)))
    return payloads


def decode_flow(payload: bytes) -> ContractFlow:
    """The contract of a payload. Errors: ValueError for a wrong kind or length."""
    head, columns = decode_link_block(payload)
    if head["kind"] != _HOLDINGS:
        msg = f"expected a block of {_HOLDINGS}, found {head['kind']}"
        raise ValueError(msg)
    return ContractFlow(
        contract=head["contract"],
        model=head["model"],
        mark_ticks=head["mark_ticks"],
        measure=Measure(head["axis"], tuple(columns["shocks_ppm"].tolist())),
        accounts=columns["accounts"],
        lots=columns["lots"],
        amount_cents=columns["amount_cents"],
        add_on=None if head["add_on"] is None else AddOn(*head["add_on"]),
        rank=head["rank"],
        moves_ppm=tuple(columns["moves_ppm"].tolist()),
    )


def link_rows(
    source: str, flows: list[ContractFlow], *, number: int, at: tuple[int, int]
) -> list[LinkRow]:
    """All rows of one barrier, numbered from `number` without gaps; the last is marked as such.

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
