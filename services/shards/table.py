"""The kinds of shards: one line each (ARCHITECTURE §2).

In: a shard's name, whose first part is its kind. Out: the shard, opened or from a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from services.shards.control.shard import ControlShard
from services.shards.market.shard import MarketShard
from services.shards.member.shard import MemberShard
from services.shards.routing import kind_of, product_in
from services.shards.shard import Shard
from settlement.control_books import ControlBooks

SHARDS: Final[dict[str, type[ControlShard | MarketShard | MemberShard]]] = {
    "control": ControlShard,
    "market": MarketShard,
    "member": MemberShard,
}


def open_shard(name: str, control: ControlBooks) -> Shard:
    """A shard without rows. control: its first control books."""
    return SHARDS[kind_of(name)].open(name, control)


def load_shard(name: str, state: bytes, *, control_as_of: Callable[[int], ControlBooks]) -> Shard:
    """A shard from a snapshot. control_as_of: the control books as of a control number."""
    return SHARDS[kind_of(name)].load(name, state, control_as_of=control_as_of)


def markets_among(shards: Iterable[Shard]) -> dict[bytes, MarketShard]:
    """The markets among shards, by the product's code in bytes, the start of contract symbols."""
    return {
        product_in(shard.log.shard).encode(): shard
        for shard in shards
        if isinstance(shard, MarketShard)
    }
