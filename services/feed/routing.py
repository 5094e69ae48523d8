"""Splits lines into runs: consecutive control commands, and the lines between them.

In: lines in the order of a file. Out: runs in that order. A run without control commands is split
by shard: between shards only control commands make an order. A line that belongs to no shard (it
cannot be read, its product is not in use) goes to `control/0`, which refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

from events.codec import decode_command, readable_reference
from events.command import CONTROL, Command, Malformed
from events.contracts import PRODUCT_LETTERS
from events.texts import Texts
from events.trade_line import NOT_READ, read_lines
from services.shards.routing import CONTROL_SHARD, market_shard, shard_of
from services.sources.lines import Lines


class LineRun(NamedTuple):
    """Consecutive lines: all are control commands, or none is. begin, end: their indices."""

    is_control: bool
    begin: int
    end: int


class RoutedLines:
    """Lines, each decoded once.

    malformed: of each that will be refused so the number, with the reference if it can be read, and
    the fault.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines.lines
        read = read_lines(Texts.of(lines.lines))
        self._codes = [symbol[:PRODUCT_LETTERS] for symbol in read.fields[1].words()]
        # What is no plain trade and no plain quote, by index.
        self._decoded: dict[int, Command | Malformed] = {
            index: decode_command(self._lines[index])
            for index in np.flatnonzero(read.kinds == NOT_READ).tolist()
        }
        self.malformed = [
            (_numbered(lines.numbers[index], self._lines[index]), command.detail)
            for index, command in self._decoded.items()
            if isinstance(command, Malformed)
        ]

    def runs(self) -> Iterator[LineRun]:
        """All lines, in order."""
        control = [
            index
            for index, command in self._decoded.items()
            if not isinstance(command, Malformed) and command.SHARD == CONTROL
        ]
        done = 0
        for _, group in groupby(enumerate(control), lambda counted: counted[1] - counted[0]):
            indices = [index for _, index in group]
            begin, end = indices[0], indices[-1] + 1
            if done < begin:
                yield LineRun(is_control=False, begin=done, end=begin)
            yield LineRun(is_control=True, begin=begin, end=end)
            done = end
        if done < len(self._lines):
            yield LineRun(is_control=False, begin=done, end=len(self._lines))

    def by_shard(self, run: LineRun, products: list[str]) -> dict[str, list[bytes]]:
        """The lines of a run by the shard they belong to, with these products in use."""
        lines = self._lines[run.begin : run.end]
        if run.is_control:
            return {CONTROL_SHARD: lines}
        markets = {product.encode(): market_shard(product) for product in products}
        codes = {*self._codes[run.begin : run.end]}
        if len(codes) == 1 and (only := markets.get(next(iter(codes)))):
            return {only: lines}  # Of one product, as nearly always.
        shards: dict[str, list[bytes]] = {}
        for index, line in enumerate(lines, start=run.begin):
            command = self._decoded.get(index)
            if command is None:
                shard = markets.get(self._codes[index], CONTROL_SHARD)
            else:
                shard = shard_of(command, products)
            shards.setdefault(shard, []).append(line)
        return shards


def _numbered(number: int, line: bytes) -> str:
    """The number of a line, with the reference by which its sender knows it."""
    reference = readable_reference(line)
    return f"{number} ({reference})" if reference else f"{number}"
