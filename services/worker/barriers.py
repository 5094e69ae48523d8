"""Waiting for other shards at a control number (ARCHITECTURE §2).

In: the link table. Out: the markets that have not answered; of `member/0` at a barrier the flows of
those that have, checked: dense numbers, hashes, and as many rows as the last one says; of a market
at a spread the votes of the markets of its further legs, checked too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from events.chain import link_hash
from events.command import Command
from services.journal.reader import Reader
from services.shards.links import Answers, decode_flow
from services.shards.routing import MEMBER_SHARD, market_shard
from services.shards.rows import LinkRow
from services.shards.spread_votes import read_votes, voters


class LinkBroken(Exception):
    """A link row is missing, of another number or of another content than its hash says."""


def missing_markets(reader: Reader, number: int, *, products: Iterable[str]) -> list[str]:
    """The markets whose last link of a barrier is not in the table yet."""
    answered = set(reader.sources_answered(MEMBER_SHARD, number))
    return [shard for shard in map(market_shard, sorted(products)) if shard not in answered]


def read_answers(
    reader: Reader, number: int, *, products: Iterable[str], last: dict[str, int]
) -> tuple[Answers, dict[str, int]]:
    """The answers to a barrier, and by market the number of its last link.

    last: the number of each market's last link before the barrier. Errors: LinkBroken, also when a
    market has not answered.
    """
    silent = missing_markets(reader, number, products=products)
    if silent:
        msg = f"barrier {number}: expected the last word of {', '.join(silent)}, found none"
        raise LinkBroken(msg)
    flows, last, senders = [], dict(last), {}
    rows = [*reader.links(MEMBER_SHARD, number)]
    for row in rows:
        expected = last.get(row.source, 0) + 1
        if row.number != expected:
            msg = f"links of {row.source}: expected number {expected}, found {row.number}"
            raise LinkBroken(msg)
        _check_hash(row)
        last[row.source], senders[row.source] = row.number, row.seq
        if row.is_last:
            _check_count(row, [link for link in rows if link.source == row.source])
        else:
            flows.append(decode_flow(row.payload))
    times = [reader.rows_at(source, [seq])[0].logical_time for source, seq in senders.items()]
    return Answers(flows, logical_time=max(times, default=0)), last


def missing_votes(reader: Reader, number: int, *, command: Command, shard: str) -> list[str]:
    """The markets whose vote on a spread is not in the table yet."""
    voted = set(reader.sources_answered(shard, number))
    return [market for market in voters(command, shard) if market not in voted]


def read_answered_votes(reader: Reader, number: int, *, command: Command, shard: str) -> Answers:
    """The votes on a spread that a market waits for. Errors: LinkBroken, also when one is missing.

    number: of the command.
    """
    silent = missing_votes(reader, number, command=command, shard=shard)
    if silent:
        msg = f"spread {number}: expected the vote of {', '.join(silent)}, found none"
        raise LinkBroken(msg)
    rows = reader.votes(shard, number)
    for row in rows:
        _check_hash(row)
    times = [reader.rows_at(row.source, [row.seq])[0].logical_time for row in rows]
    return Answers(votes=read_votes(rows, shard), logical_time=max(times))


def votes_to_write(reader: Reader, rows: Iterable[LinkRow]) -> list[LinkRow]:
    """Of a market's own votes those that the table lacks. Errors: LinkBroken if it has another.

    A vote follows from the rows before it, so that after any end it is the same.
    """
    lacking = []
    for row in rows:
        recorded = [
            link for link in reader.votes(row.target, row.number) if link.source == row.source
        ]
        if not recorded:
            lacking.append(row)
        elif recorded != [row]:
            expected, stated = row.payload.decode(), recorded[0].payload.decode(errors="replace")
            where = f"vote of {row.source} on spread {row.barrier}"
            msg = f"{where}: expected {expected}, as decided again, found {stated}"
            raise LinkBroken(msg)
    return lacking


def _check_hash(row: LinkRow) -> None:
    numbers = (row.number, row.barrier, int(row.is_last))
    digest = link_hash(row.source, row.target, numbers=numbers, payload=row.payload)
    if digest != row.hash:
        msg = f"link {row.number} of {row.source}: its hash is not that of its content"
        raise LinkBroken(msg)


def _check_count(row: LinkRow, rows: list[LinkRow]) -> None:
    stated = json.loads(row.payload)["rows"]
    if stated != len(rows) - 1:
        where = f"links of {row.source} at barrier {row.barrier}"
        msg = f"{where}: expected {stated}, found {len(rows)}"
        raise LinkBroken(msg)
