"""Rows of several shards in the one order in which they were decided.

In: by shard, blocks of rows in order, `decided` their third column. Out: blocks of all of them.
"""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any


def merged(streams: dict[str, Iterator[list[Any]]]) -> Iterator[list[Any]]:
    """The rows of several shards, each in order, in the one order of `decided`.

    Rows of one time, which only workers' shards have, come in the order of the streams.

    Whatever lies at or before the earliest end of all blocks at hand is complete.
    """
    decided = itemgetter(2)
    held: dict[str, list[Any]] = {}
    while True:
        for shard in [shard for shard in streams if not held.get(shard)]:
            block = next(streams[shard], None)
            if block is None:
                del streams[shard]
                held.pop(shard, None)
            else:
                held[shard] = block
        if not held:
            return
        bound = min(decided(block[-1]) for block in held.values())
        ready: list[Any] = []
        for shard, block in held.items():
            count = len(block) if decided(block[-1]) <= bound else _count_until(block, bound)
            ready += block[:count]
            held[shard] = block[count:]
        ready.sort(key=decided)
        yield ready


def _count_until(block: list[Any], bound: int) -> int:
    """How many leading rows were decided at or before the bound."""
    low, high = 0, len(block)
    while low < high:
        middle = (low + high) // 2
        if block[middle][2] <= bound:
            low = middle + 1
        else:
            high = middle
    return low
