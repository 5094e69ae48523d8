"""Ids that are remembered for ever: of trades, transfers and collateral references (RULEBOOK §3).

In: a command with such an id, and the first command under the id. Out: the answer to the repeat.
The memory belongs to the journal; a shard receives its entries as data.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from events.codec import decode_command
from events.command import TRADE, Command, Malformed, content
from events.contracts import product_of
from events.int64 import IntArray
from events.market_commands import SubmitTrade
from events.refusals import Reason, Refusal
from events.spread_commands import SubmitSpread
from events.texts import Texts
from services.shards.routing import CONTROL_SHARD, market_shard

# More repeats in a block are decoded more than once.
_DECODED_MAX: Final = 256


class Identity(NamedTuple):
    """A kind of id and the id; unique in its shard for ever."""

    kind: str
    name: str


class Seen(NamedTuple):
    """The first command under an id: its journal row, and its reason if it was refused."""

    seq: int
    command: Command
    reason: Reason | None


Cleared = dict[bytes, tuple[int, bytes]]


class Memory(Protocol):
    """The memory of ids: of the journal in a process, a dictionary in tests."""

    def find(self, shard: str, identity: Identity) -> Seen | None:
        """The first command under an id in a shard; None when the id is new."""
        ...

    def keep(self, shard: str, identity: Identity, *, seen: Seen) -> None:
        """Remember the first command under an id."""
        ...

    def keep_cleared(
        self,
        shard: str,
        names: Texts,
        *,
        keys: IntArray,
        lines: Texts,
        seqs: IntArray,
    ) -> None:
        """Remember trades that were cleared, with their rows in order."""
        ...


@lru_cache(maxsize=_DECODED_MAX)
def decode_again(line: bytes) -> Command | Malformed:
    """A line that was sent before, or is: the first and all that repeat it are decoded once."""
    return decode_command(line)


def seen_cleared(seq: int, line: bytes) -> Seen:
    """The memory's entry for a trade cleared in a row, from its line."""
    command = decode_again(line)
    assert not isinstance(command, Malformed), f"row {seq} cleared a malformed trade"
    return Seen(seq, command, None)


def identity_of(command: Command) -> Identity | None:
    """The id under which a command is remembered; None for a command without one."""
    return Identity(command.ID_KIND, command.subject or "") if command.ID_KIND else None


def identity_named(command: Command) -> Identity | None:
    """The id whose memory a decision needs: the command's own, or that of the trade it names."""
    kind = command.ID_KIND or command.NAMED_KIND
    return Identity(kind, command.subject or "") if kind else None


def ids_named(command: Command, shard: str) -> list[Identity]:
    """The ids whose memory a decision in a shard needs; in a market those of a spread's legs."""
    if isinstance(command, SubmitSpread) and shard != CONTROL_SHARD:
        return [*legs_in(shard, command)]
    named = identity_named(command)
    return [] if named is None else [named]


def legs_in(shard: str, spread: SubmitSpread) -> dict[Identity, SubmitTrade]:
    """The legs of a spread that a market clears, as trades under their ids."""
    return {
        Identity(TRADE, trade.trade_id): trade
        for trade in spread.trades
        if market_shard(product_of(trade.contract)) == shard
    }


def is_same(seen: Seen, command: Command) -> bool:
    """Whether a command repeats the first one under its id (normalised values)."""
    return seen.command is command or content(seen.command) == content(command)


def answer_repeat(command: Command, seen: Seen) -> Refusal | None:
    """The answer to a repeat: silence, or the first refusal; a different content conflicts."""
    if not is_same(seen, command):
        detail = f"{command.subject} is taken by another command, in row {seen.seq}"
        return Refusal(Reason.DUPLICATE_REFERENCE, detail)
    return None if seen.reason is None else refused_again(command, seen)


def refused_again(command: Command, seen: Seen) -> Refusal:
    """The same refusal for a command sent again; what it says of the first one stays true."""
    assert seen.reason is not None, f"{command.subject} stood in row {seen.seq}"
    detail = f"{command.subject} was refused in row {seen.seq} as {seen.reason.value}"
    return Refusal(seen.reason, f"{detail}; a correction needs a new id")
