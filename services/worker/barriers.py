"""Barriers of `member/0`: what every market has sent by a control number (ARCHITECTURE §2).

In: the link table. Out: which markets have not answered; the flows of those that have, checked:
dense numbers, hashes, and as many rows as the last one says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from events.chain import link_hash
from services.journal.reader import Reader
from services.shards.links import ContractFlow, decode_flow
from services.shards.routing import MEMBER_SHARD, market_shard
from services.shards.rows import LinkRow


class LinkBroken(Exception):
    """A link row is missing, of another number or of another content than its hash says."""


class Answers(NamedTuple):
    """What the markets sent for a barrier. logical_time: the latest of the rows that sent it."""

    flows: list[ContractFlow]
    logical_time: int
    last: dict[str, int]


def missing(reader: Reader, number: int, *, products: Iterable[str]) -> list[str]:
    """The markets whose last word at a barrier is not there yet."""
    answered = set(reader.sources_answered(MEMBER_SHARD, number))
    return [shard for shard in map(market_shard, sorted(products)) if shard not in answered]


def answers(
    reader: Reader, number: int, *, products: Iterable[str], last: dict[str, int]
) -> Answers:
    """Everything the markets sent for a barrier. last: of each source the last number before.

    Errors: LinkBroken, also when a market has not answered.
    """
    silent = missing(reader, number, products=products)
    if silent:
        msg = f"barrier {number}: expected the last word of {', '.join(silent)}, found none"
        raise LinkBroken(msg)
    flows, last, makers = [], dict(last), {}
    rows = [*reader.links(MEMBER_SHARD, number)]
    for row in rows:
        expected = last.get(row.source, 0) + 1
        if row.number != expected:
            msg = f"links of {row.source}: expected number {expected}, found {row.number}"
            raise LinkBroken(msg)
        _check_hash(row)
        last[row.source], makers[row.source] = row.number, row.seq
        if row.is_last:
            _check_count(row, [one for one in rows if one.source == row.source])
        else:
            flows.append(decode_flow(row.payload))
    made = [reader.rows_at(source, [seq])[0].logical_time for source, seq in makers.items()]
    return Answers(flows, max(made, default=0), last)


def _check_hash(row: LinkRow) -> None:
    numbers = (row.number, row.barrier, int(row.is_last))
    digest = link_hash(row.source, row.target, numbers=numbers, payload=row.payload)
    if digest != row.hash:
        msg = f"link {row.number} of {row.source}: its hash is not that of its content"
        raise LinkBroken(msg)


def _check_count(row: LinkRow, rows: list[LinkRow]) -> None:
    said = json.loads(row.payload)["rows"]
    if said != len(rows) - 1:
        msg = f"links of {row.source} at barrier {row.barrier}: expected {said}, found {len(rows)}"
        raise LinkBroken(msg)
