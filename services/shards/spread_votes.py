"""Votes on spreads: what each market says of its legs before either decides (ARCHITECTURE §2).

In: a spread, the shard of a market, its refusal or None. Out: the link rows that carry the vote to
the markets of the further legs, and the vote read back. A vote bears the number of the spread's
control command, which is its barrier too; its row is the last one before the copy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from events.chain import link_hash
from events.command import Command
from events.contracts import product_of
from events.refusals import Reason, Refusal
from events.spread_commands import SubmitSpread
from services.shards.links import Votes
from services.shards.routing import market_shard
from services.shards.rows import LinkRow


def spread_markets(command: Command) -> list[str]:
    """The shards of a spread's legs, in their order, each once; none of any other command."""
    if not isinstance(command, SubmitSpread):
        return []
    return [*dict.fromkeys(market_shard(product_of(leg.contract)) for leg in command.legs)]


def voters(command: Command, shard: str) -> list[str]:
    """The markets whose votes a shard needs before it decides a copy."""
    markets = spread_markets(command)
    return [market for market in markets if market != shard] if shard in markets else []


def vote_rows(
    source: str, command: Command, *, at: tuple[int, int], refusal: Refusal | None
) -> list[LinkRow]:
    """The rows of a market's vote. at: the spread's control number, and the market's last row."""
    number, seq = at
    text = {"reason": None, "detail": None} if refusal is None else refusal._asdict()
    payload = json.dumps(text, separators=(",", ":")).encode()
    rows = []
    for target in voters(command, source):
        digest = link_hash(source, target, numbers=(number, number, 1), payload=payload)
        rows.append(
            LinkRow(source, target, number, number, seq, is_last=True, payload=payload, hash=digest)
        )
    return rows


def read_votes(rows: Iterable[LinkRow], target: str) -> Votes:
    """The votes that rows carry to a shard, by market."""
    return {row.source: _vote(row.payload) for row in rows if row.target == target}


def _vote(payload: bytes) -> Refusal | None:
    fields = json.loads(payload)
    return None if fields["reason"] is None else Refusal(Reason(fields["reason"]), fields["detail"])
