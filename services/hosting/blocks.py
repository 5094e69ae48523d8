"""A block of lines, made ready to be decided in order (ARCHITECTURE §2).

In: lines, and the markets that are hosted here. Out: for each market the trades and quotes among
the lines, to clear together, and the decoded commands of all further lines;
every id in them has been looked up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from events.codec import decode_command
from events.command import CONTROL, TRADE, Command, Malformed
from events.contracts import PRODUCT_LETTERS
from events.int64 import IntArray, integers
from events.market_commands import BustTrade
from events.spread_commands import SubmitSpread
from events.texts import Bools, Texts
from events.trade_line import NOT_READ, QUOTE_LINE, TRADE_LINE, read_lines
from services.hosting.id_memory import key_of, suspects_among
from services.journal.batch import Int64s
from services.journal.copying import pack_columns
from services.journal.id_index import wire_keys
from services.shards.ids import Identity, Memory, identity_named, legs_in
from services.shards.market.line_columns import MarketLines
from services.shards.market.trade_batch import LineBatch, LoneLine, TradingMarket
from services.shards.routing import shard_of

# By product, as the symbols of contracts begin.
Markets = Mapping[bytes, TradingMarket]
# Columns of one line cost as much as deciding a dozen lines one by one.
COLUMNS_FEWEST: Final = 12


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
        numbers: npt.NDArray[np.intp],
        lone: Mapping[int, LoneLine],
        memory: Memory,
    ) -> None:
        """lines: of a block; numbers: of those among them that are of this market."""
        self.shard = market.log.shard
        self._numbers: list[int] = numbers.tolist()
        near = {bisect_left(self._numbers, number): line for number, line in lone.items()}
        self._batch = LineBatch(
            market, lines.chosen(numbers), lone=near, memory=memory, pack=pack_columns
        )
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
        offsets = np.array(waiting, np.int64) - numbers.start
        self._batch.clear(offsets * times.step + times.start, origin=origin)


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
    positions: Sequence[int] | IntArray,
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
    if not markets or len(lines) < COLUMNS_FEWEST:
        return _decoded_each(lines, markets=markets, memory=memory, home_of=home_of, closed=closed)
    texts = Texts.of(lines)
    read = read_lines(texts, closed=closed)
    market_of = _hosted(read.fields[1], read.kinds != NOT_READ, markets=markets)
    is_trade = (market_of >= 0) & (read.kinds == TRADE_LINE)
    singles = [number for number in np.flatnonzero(market_of < 0).tolist() if number not in closed]
    commands = {number: decode_command(texts[number]) for number in singles}
    homes = {number: home_of(command) for number, command in commands.items()}
    lone = _lone_lines(commands, homes, markets=markets)
    for number, product in enumerate(markets):
        market_of[[*lone.get(product, ())]] = number
    ids = _ids_named(commands, homes, closed=closed, markets=markets)
    seen_keys = _prepare(ids, memory=memory)
    names = read.fields[0].words()
    keys = wire_keys(TRADE, names)
    chosen = [(market, market_of == number) for number, market in enumerate(markets.values())]
    for market, is_chosen in chosen:
        shard = market.log.shard
        seen_keys += memory.prepare_trades(shard, names, keys=keys, chosen=is_chosen & is_trade)
    suspects = suspects_among(keys, is_trade=is_trade, seen_keys=seen_keys)
    columns = MarketLines(
        read.fields, np.asarray(positions, np.int64), texts, keys, suspects,
        read.kinds == QUOTE_LINE,
    )  # fmt: skip
    queues = [
        MarketQueue(
            market,
            columns,
            numbers=np.flatnonzero(is_chosen),
            lone=lone.get(product, {}),
            memory=memory,
        )
        for product, (market, is_chosen) in zip(markets, chosen, strict=True)
        if is_chosen.any()
    ]
    singles = np.flatnonzero(market_of < 0).tolist()
    return DecodedBlock(len(lines), queues, singles, commands, homes)


def _decoded_each(
    lines: Sequence[bytes],
    *,
    markets: Markets,
    memory: BlockMemory,
    home_of: Callable[[Command | Malformed], str],
    closed: Mapping[int, Command | None],
) -> DecodedBlock:
    """The same with every line by itself."""
    commands = {
        number: decode_command(line) for number, line in enumerate(lines) if number not in closed
    }
    homes = {number: home_of(command) for number, command in commands.items()}
    _prepare(_ids_named(commands, homes, closed=closed, markets=markets), memory=memory)
    return DecodedBlock(len(lines), (), range(len(lines)), commands, homes)


def _hosted(symbols: Texts, is_read: Bools, *, markets: Markets) -> IntArray:
    """Of each line the number of the market that hosts its contract, −1 if there is none."""
    words = symbols.words()
    number_of = {product: number for number, product in enumerate(markets)}
    hosts = {word: number_of.get(word[:PRODUCT_LETTERS], -1) for word in {*words}}
    numbers = {hosts[word] for word in hosts if word}
    if len(numbers) == 1:
        return np.where(is_read, numbers.pop(), -1)
    return integers(map(hosts.get, words, repeat(-1)), len(words))


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
    commands: Mapping[int, Command | Malformed],
    homes: Mapping[int, str],
    *,
    closed: Mapping[int, Command | None],
    markets: Markets,
) -> dict[str, list[Identity]]:
    """The ids that single lines need, by shard; those of a spread's legs by market."""
    ids: dict[str, list[Identity]] = {}
    for number, command in commands.items():
        identity = None if isinstance(command, Malformed) else identity_named(command)
        if identity is not None:
            ids.setdefault(homes[number], []).append(identity)
    for spread in (*commands.values(), *closed.values()):
        if isinstance(spread, SubmitSpread):
            for market in markets.values():
                shard = market.log.shard
                ids.setdefault(shard, []).extend(legs_in(shard, spread))
    return ids


def _prepare(ids: Mapping[str, Sequence[Identity]], *, memory: BlockMemory) -> list[int]:
    """Look up ids; gives their keys."""
    keyed = {
        shard: [(identity, key_of(identity)) for identity in named] for shard, named in ids.items()
    }
    for shard, named in keyed.items():
        memory.prepare(shard, named)
    return [key for named in keyed.values() for _, key in named]
