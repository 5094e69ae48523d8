"""A block of lines, made ready to be decided in order (ARCHITECTURE §2).

In: lines, and the markets that are hosted here. Out: for each market the trades and quotes among
the lines that a pattern reads, to clear together, and the decoded commands of all further lines;
every id in them has been looked up.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from events.codec import decode_command
from events.command import CONTROL, TRADE, Command, Malformed
from events.market_commands import BustTrade
from events.spread_commands import SubmitSpread
from events.trade_line import QUOTE_LINES, TRADE_LINES, LineFields
from services.hosting.id_memory import key_of, suspects_among
from services.journal.batch import Int64s
from services.journal.id_index import wire_keys
from services.shards.ids import Identity, Memory, identity_named, legs_in
from services.shards.market.line_columns import Bools, MarketLines
from services.shards.market.trade_batch import LineBatch, LoneLine, TradingMarket
from services.shards.routing import shard_of

# By product, as the symbols of contracts begin.
Markets = Mapping[bytes, TradingMarket]

# Stands in for a line that the pattern must not read, and its fields.
_NOT_READ: Final = b"-"
_NO_FIELDS: Final = (b"", b"", b"", b"", b"", b"", b"")
# Those of a lone line, behind its product: no contract has such a symbol.
_LONE: Final = (b"0", b"1", b"-", b"-", b"1970-01-01T00:00:00Z")


class BlockMemory(Memory, Protocol):
    """A memory of ids that looks them up for a block of lines."""

    def begin_block(self) -> None:
        """Forget what was looked up for the block before."""
        ...

    def prepare_trades(
        self, shard: str, names: Sequence[bytes], *, keys: Int64s, chosen: npt.NDArray[np.bool_]
    ) -> list[int]:
        """Look up the trade ids of chosen lines; gives the keys of those that may be known."""
        ...

    def prepare(self, shard: str, ids: Sequence[tuple[Identity, int]]) -> None:
        """Look up further ids, with their keys."""
        ...


class MarketQueue:
    """The trades and quotes of one market in a block. shard: its name."""

    __slots__ = ("_batch", "_memory", "_next", "_numbers", "shard")

    def __init__(
        self,
        market: TradingMarket,
        lines: MarketLines,
        *,
        numbers: Sequence[int],
        lone: Mapping[int, LoneLine],
        memory: Memory,
    ) -> None:
        self.shard = market.log.shard
        near = {bisect_left(numbers, number): line for number, line in lone.items()}
        self._batch = LineBatch(market, lines, lone=near, memory=memory)
        self._numbers = numbers
        self._next = 0

    def before(self, number: int) -> range | None:
        """The numbers from the first to the last line that waits before a line; None if none."""
        last = bisect_left(self._numbers, number, self._next)
        if last == self._next:
            return None
        return range(self._numbers[self._next], self._numbers[last - 1] + 1)

    def clear(self, numbers: range, times: range, *, origin: str) -> None:
        """Clear the lines that wait to the end of the numbers. times: logical, of the numbers."""
        first, self._next = self._next, bisect_left(self._numbers, numbers.stop)
        waiting = self._numbers[first : self._next]
        chosen: Sequence[int] = times
        if len(waiting) < len(numbers):
            offsets = np.array(waiting, np.int64) - numbers.start
            chosen = (offsets * times.step + times.start).tolist()
        self._batch.clear(chosen, origin=origin)


@dataclass(frozen=True, slots=True)
class DecodedBlock:
    """Lines ready to be decided.

    count: of the lines; queues: the trades, quotes and lone lines of each market; singles: the
    numbers of all further lines; commands, homes: by their numbers what lines say that are no
    trades or quotes, and the shard that decides them.
    """

    count: int
    queues: Sequence[MarketQueue]
    singles: Sequence[int]
    commands: Mapping[int, Command | Malformed]
    homes: Mapping[int, str]

    def steps(self) -> Iterator[tuple[range, MarketQueue | None]]:
        """Line numbers to decide next, and the market that clears those of its own among them.

        A single line comes alone and without a market. Before it only those markets clear whose
        lines it could change, or could be changed by: the order inside each shard is that of the
        lines.
        """
        for number in self.singles:
            for queue in self.queues:
                numbers = queue.before(number)
                if numbers is not None and self._touches(number, queue.shard):
                    yield numbers, queue
            yield range(number, number + 1), None
        for queue in self.queues:
            numbers = queue.before(self.count)
            if numbers is not None:
                yield numbers, queue

    def _touches(self, number: int, market: str) -> bool:
        """Whether a single line and a market have to do with each other."""
        command = self.commands.get(number)
        if command is None or self.homes[number] == market:
            return True
        return not isinstance(command, Malformed) and command.SHARD == CONTROL


def decode_lines(
    lines: Sequence[bytes],
    *,
    positions: Sequence[int],
    markets: Markets,
    memory: BlockMemory,
    home_of: Callable[[Command | Malformed], str],
    closed: Mapping[int, Command | None] = MappingProxyType({}),
) -> DecodedBlock:
    """Decode every line that is no trade or quote of a hosted market, and look up every id.

    positions: of the lines in their source; home_of: the shard in which a command is decided;
    closed: the numbers of lines that must not be read, each with the spread it may be a copy of.
    """
    memory.begin_block()
    fields = (
        _line_fields(TRADE_LINES, lines, closed=closed) if markets else [_NO_FIELDS] * len(lines)
    )
    singles = _not_hosted(fields, range(len(lines)), markets=markets)
    names = [trade[0] for trade in fields]
    is_trade = np.ones(len(lines), np.bool_)
    is_trade[singles] = False
    is_quote = np.zeros(len(lines), np.bool_)
    if markets and singles:
        singles = _read_quotes(lines, singles, fields=fields, closed=closed, markets=markets)
        is_quote = ~is_trade
        is_quote[singles] = False
    commands = {number: decode_command(lines[number]) for number in singles if number not in closed}
    homes = {number: home_of(command) for number, command in commands.items()}
    lone = _lone_lines(commands, homes, markets=markets)
    is_read = is_trade | is_quote
    for product, of_product in lone.items():
        is_read[[*of_product]] = True
        for number in of_product:
            fields[number] = (b"-", product, *_LONE)
    singles = [number for number in singles if not is_read[number]]
    ids = _ids_named(commands, homes)
    for command in (*commands.values(), *closed.values()):
        _add_legs(ids, command, markets=markets)
    seen_keys = _prepare(ids, memory=memory)
    keys = wire_keys(TRADE, names)
    chosen = _by_product(fields, is_read, markets=markets)
    for product, numbers in chosen.items():
        is_chosen = np.zeros(len(lines), np.bool_)
        is_chosen[numbers] = True
        shard = markets[product].log.shard
        seen_keys += memory.prepare_trades(shard, names, keys=keys, chosen=is_chosen & is_trade)
    suspects = suspects_among(keys, is_trade=is_trade, seen_keys=seen_keys)
    read = MarketLines(fields, positions, lines, keys.tolist(), suspects, is_quote)
    queues = [
        MarketQueue(
            markets[product],
            read.chosen(numbers),
            numbers=numbers,
            lone=lone.get(product, {}),
            memory=memory,
        )
        for product, numbers in chosen.items()
    ]
    return DecodedBlock(len(lines), queues, singles, commands, homes)


def _line_fields(
    pattern: re.Pattern[bytes], lines: Sequence[bytes], *, closed: Collection[int]
) -> list[LineFields]:
    """The fields of each line; empty for a line of another kind, or that must not be read."""
    shown = b"\n".join(lines)
    if closed or not all(lines) or shown.count(b"\n") != len(lines) - 1:
        shown = b"\n".join(
            line if line and b"\n" not in line and number not in closed else _NOT_READ
            for number, line in enumerate(lines)
        )
    fields: list[LineFields] = pattern.findall(shown)
    assert len(fields) == len(lines), f"read {len(fields)} of {len(lines)} lines"
    return fields


def _read_quotes(
    lines: Sequence[bytes],
    singles: Sequence[int],
    *,
    fields: list[LineFields],
    closed: Collection[int],
    markets: Markets,
) -> Sequence[int]:
    """Put the fields of quotes among single lines into `fields`; gives the further singles."""
    opened = [number for number in singles if number not in closed]
    if opened:
        read = _line_fields(QUOTE_LINES, [lines[number] for number in opened], closed=())
        for number, quote in zip(opened, read, strict=True):
            fields[number] = quote
    return _not_hosted(fields, singles, markets=markets)


def _lone_lines(
    commands: Mapping[int, Command | Malformed], homes: Mapping[int, str], *, markets: Markets
) -> dict[bytes, dict[int, LoneLine]]:
    """By hosted product the malformed lines and busts that its market decides, by their numbers."""
    product_of = {market.log.shard: product for product, market in markets.items()}
    products = [product.decode() for product in markets]
    lone: dict[bytes, dict[int, LoneLine]] = {}
    for number, line in commands.items():
        if isinstance(line, Malformed | BustTrade):
            is_typed = isinstance(line, BustTrade) or line.kind is not None
            shard = shard_of(line, products) if is_typed else homes[number]
            if shard in product_of:
                lone.setdefault(product_of[shard], {})[number] = line
    return lone


def _ids_named(
    commands: Mapping[int, Command | Malformed], homes: Mapping[int, str]
) -> dict[str, list[Identity]]:
    """The ids that single lines need, by shard."""
    ids: dict[str, list[Identity]] = {}
    for number, command in commands.items():
        identity = None if isinstance(command, Malformed) else identity_named(command)
        if identity is not None:
            ids.setdefault(homes[number], []).append(identity)
    return ids


def _add_legs(
    ids: dict[str, list[Identity]], command: Command | Malformed | None, *, markets: Markets
) -> None:
    """Add the ids of a spread's legs, of each market that is hosted."""
    if isinstance(command, SubmitSpread):
        for market in markets.values():
            shard = market.log.shard
            ids.setdefault(shard, []).extend(legs_in(shard, command))


def _prepare(ids: Mapping[str, Sequence[Identity]], *, memory: BlockMemory) -> list[int]:
    """Look up ids; gives their keys."""
    keyed = {
        shard: [(identity, key_of(identity)) for identity in named] for shard, named in ids.items()
    }
    for shard, named in keyed.items():
        memory.prepare(shard, named)
    return [key for named in keyed.values() for _, key in named]


def _not_hosted(
    fields: Sequence[LineFields], numbers: Sequence[int], *, markets: Markets
) -> Sequence[int]:
    """Of these numbers those of lines that are of no hosted market."""
    products = {symbol[:3] for symbol in {line[1] for line in fields}}
    if all(product in markets for product in products):
        return []
    return [number for number in numbers if fields[number][1][:3] not in markets]


def _by_product(
    fields: Sequence[LineFields], is_read: Bools, *, markets: Markets
) -> dict[bytes, Sequence[int]]:
    """By hosted product the numbers of its lines."""
    if fields and len(markets) == 1 and is_read.all():
        return dict.fromkeys(markets, range(len(fields)))
    numbers: dict[bytes, list[int]] = {}
    for number in np.flatnonzero(is_read).tolist():
        numbers.setdefault(fields[number][1][:3], []).append(number)
    return {product: numbers[product] for product in markets if product in numbers}
