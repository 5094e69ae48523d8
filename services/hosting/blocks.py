"""A block of lines, made ready to be decided in order (ARCHITECTURE §2).

In: lines, and the markets that are hosted here. Out: the trades among the lines that one pattern
reads, for each market to clear together, and the decoded commands of all further lines; every id in
them has been looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from events.codec import decode_command
from events.command import TRADE, Command, Malformed
from events.trade_line import TRADE_LINES, TradeFields
from services.hosting.id_memory import IdMemory, key_of, suspects_among
from services.journal.id_index import wire_keys
from services.shards.ids import Identity, Memory, identity_named
from services.shards.log import ShardLog
from services.shards.market.trade_batch import Bools, TradeRun


class TradeMarket(Protocol):
    """A market that clears trades together."""

    log: ShardLog

    def clear_trades(self, run: TradeRun, *, origin: str, memory: Memory) -> None:
        """Decide trades of this market in their order."""
        ...


# By product, as the symbols of contracts begin.
Markets = Mapping[bytes, TradeMarket]

# Stands in for a line that the pattern must not read.
_NO_TRADE = b"-"


@dataclass(frozen=True, slots=True)
class DecodedBlock:
    """Lines ready to be decided.

    trades: every line, with the fields of a trade where it is one; singles: the numbers of the
    lines that are not; commands: those of the single lines, by the number of the line.
    """

    trades: TradeRun
    singles: Sequence[int]
    commands: Mapping[int, Command | Malformed]

    def steps(self) -> Iterator[tuple[range, bool]]:
        """Ranges of line numbers in order, and whether they are trades; single lines alone."""
        first, last = 0, len(self.trades.lines)
        for number in self.singles:
            if first < number:
                yield range(first, number), True
            yield range(number, number + 1), False
            first = number + 1
        if first < last:
            yield range(first, last), True


def decode_lines(
    lines: Sequence[bytes],
    *,
    positions: Sequence[int],
    markets: Markets,
    memory: IdMemory,
    home_of: Callable[[Command | Malformed], str],
    closed: Collection[int] = (),
) -> DecodedBlock:
    """Decode every line that is no trade of a hosted market, and look up every id.

    positions: of the lines in their source; home_of: the shard in which a command is decided;
    closed: the numbers of lines that must not be read.
    """
    memory.begin_block()
    fields = _trade_fields(lines, closed) if markets else []
    symbols = [trade[1] for trade in fields]
    products = {symbol[:3] for symbol in set(symbols)}
    singles = _not_hosted(symbols, markets, products=products) if markets else range(len(lines))
    commands, seen_keys = _decode_singles(
        lines, singles, memory=memory, home_of=home_of, closed=closed
    )
    names = [trade[0] for trade in fields]
    keys = wire_keys(TRADE, names)
    is_trade = np.ones(len(fields), np.bool_)
    if markets:
        is_trade[singles] = False
    hosted = [product for product in markets if product in products]
    for product, chosen in _by_product(symbols, is_trade, products=hosted).items():
        shard = markets[product].log.shard
        seen_keys += memory.prepare_trades(shard, names, keys=keys, chosen=chosen)
    suspects = suspects_among(keys, is_trade=is_trade, seen_keys=seen_keys)
    trades = TradeRun(fields, positions, range(len(lines)), lines, keys.tolist(), suspects)
    return DecodedBlock(trades, singles, commands)


def clear_run(run: TradeRun, *, markets: Markets, origin: str, memory: IdMemory) -> None:
    """Clear trades, each in its market."""
    products: Collection[bytes] = markets
    if len(markets) > 1:
        products = {symbol[:3] for symbol in {trade[1] for trade in run.fields}}
    if len(products) == 1:
        (product,) = products
        markets[product].clear_trades(run, origin=origin, memory=memory)
        return
    numbers: dict[bytes, list[int]] = {}
    for number, trade in enumerate(run.fields):
        numbers.setdefault(trade[1][:3], []).append(number)
    for product, chosen in numbers.items():
        markets[product].clear_trades(run.chosen(chosen), origin=origin, memory=memory)


def _trade_fields(lines: Sequence[bytes], closed: Collection[int]) -> list[TradeFields]:
    """The fields of each line; empty for a line that is no trade or must not be read."""
    shown = b"\n".join(lines)
    if closed or not all(lines) or shown.count(b"\n") != len(lines) - 1:
        shown = b"\n".join(
            line if line and b"\n" not in line and number not in closed else _NO_TRADE
            for number, line in enumerate(lines)
        )
    fields: list[TradeFields] = TRADE_LINES.findall(shown)
    assert len(fields) == len(lines), f"read {len(fields)} of {len(lines)} lines"
    return fields


def _decode_singles(
    lines: Sequence[bytes],
    singles: Sequence[int],
    *,
    memory: IdMemory,
    home_of: Callable[[Command | Malformed], str],
    closed: Collection[int],
) -> tuple[dict[int, Command | Malformed], list[int]]:
    """The commands of these lines, by number, and the keys of the ids they need."""
    commands = {number: decode_command(lines[number]) for number in singles if number not in closed}
    ids: dict[str, list[tuple[Identity, int]]] = {}
    for command in commands.values():
        identity = None if isinstance(command, Malformed) else identity_named(command)
        if identity is not None:
            ids.setdefault(home_of(command), []).append((identity, key_of(identity)))
    for shard, named in ids.items():
        memory.prepare(shard, named)
    return commands, [key for named in ids.values() for _, key in named]


def _not_hosted(
    symbols: Sequence[bytes], markets: Markets, *, products: Collection[bytes]
) -> Sequence[int]:
    """The numbers of the lines that are no trade of a hosted market. products: of the symbols."""
    if all(product in markets for product in products):
        return []
    return [number for number, symbol in enumerate(symbols) if symbol[:3] not in markets]


def _by_product(
    symbols: Sequence[bytes], is_trade: Bools, *, products: Sequence[bytes]
) -> dict[bytes, Bools]:
    """By hosted product a mask of the lines that are its trades."""
    if len(products) == 1:
        return dict.fromkeys(products, is_trade)
    named = [symbol[:3] for symbol in symbols]
    return {
        product: np.fromiter(map(product.__eq__, named), np.bool_, len(named))
        for product in products
    }
