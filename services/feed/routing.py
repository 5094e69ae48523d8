"""Lines in runs: control commands that follow one another, and what stands between them.

In: lines in the order of a file. Out: runs in that order; of what is no control command the lines
by shard, since between shards there is no order but that which control makes. What no shard of its
own has (unreadable, a product not in use) is refused by `control/0` and waits for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from events.codec import decode_command
from events.command import CONTROL, Command, Malformed
from events.contracts import PRODUCT_LETTERS
from events.trade_line import TRADE_LINES, TradeFields
from services.shards.routing import CONTROL_SHARD, market_shard, shard_of
from services.sources.lines import Lines


class Run(NamedTuple):
    """Neighbours of one kind. places: where they begin and end among the lines."""

    is_control: bool
    begin: int
    end: int


class Sorted:
    """Lines that have been looked at once, to be sent run by run."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines.lines
        self._trades: list[TradeFields] = TRADE_LINES.findall(b"\n".join(lines.lines))
        assert len(self._trades) == len(self._lines), "a line was read as several"
        self._others: dict[int, Command | Malformed] = {
            place: decode_command(self._lines[place])
            for place, fields in enumerate(self._trades)
            if not fields[0]
        }
        # Number and what is wrong with it, of each line that will be refused as malformed.
        self.malformed = [
            (lines.numbers[place], found.detail)
            for place, found in self._others.items()
            if isinstance(found, Malformed)
        ]

    def runs(self) -> Iterator[Run]:
        """All lines, in order."""
        control = [
            place
            for place, found in self._others.items()
            if not isinstance(found, Malformed) and found.SHARD == CONTROL
        ]
        done = 0
        for _, some in groupby(enumerate(control), lambda counted: counted[1] - counted[0]):
            places = [place for _, place in some]
            begin, end = places[0], places[-1] + 1
            if done < begin:
                yield Run(is_control=False, begin=done, end=begin)
            yield Run(is_control=True, begin=begin, end=end)
            done = end
        if done < len(self._lines):
            yield Run(is_control=False, begin=done, end=len(self._lines))

    def by_shard(self, run: Run, products: list[str]) -> dict[str, list[bytes]]:
        """The lines of a run by the shard they belong to, with these products in use."""
        lines = self._lines[run.begin : run.end]
        if run.is_control:
            return {CONTROL_SHARD: lines}
        homes = {product.encode(): market_shard(product) for product in products}
        codes = {fields[1][:PRODUCT_LETTERS] for fields in self._trades[run.begin : run.end]}
        if len(codes) == 1 and (only := homes.get(next(iter(codes)))):
            return {only: lines}  # Trades of one product, as nearly always.
        shards: dict[str, list[bytes]] = {}
        for place, line in enumerate(lines, start=run.begin):
            other = self._others.get(place)
            if other is None:
                code = self._trades[place][1][:PRODUCT_LETTERS]
                shard = homes.get(code, CONTROL_SHARD)
            else:
                shard = shard_of(other, products)
            shards.setdefault(shard, []).append(line)
        return shards
