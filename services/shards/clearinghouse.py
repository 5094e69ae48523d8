"""All shards in one process: pure composition (ARCHITECTURE §2, §5).

In: lines in their order, and a memory of ids. Out: pending rows in the logs of the shards. A
control command that stands is copied at once to every market and to `member/0`, in order,
numbered; at a barrier `member/0` works after all markets. No clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from events.command import Command, Malformed
from events.control_commands import ControlCommand
from services.shards.control.shard import ControlShard
from services.shards.control.state import dump_control, load_control
from services.shards.control_commands import put_in_use
from services.shards.ids import Memory
from services.shards.links import Answers, ContractFlow
from services.shards.log import Inbound
from services.shards.market.shard import MarketShard
from services.shards.member.shard import MemberShard
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, market_shard, product_in, shard_of
from services.shards.rows import LinkRow
from services.shards.shard import Shard, record_opening
from services.shards.spread_votes import read_votes, spread_markets
from services.shards.table import open_shard
from settlement.control_books import ControlBooks

# Logical times of one line: the line itself, a copy for each market, the opening of a market, the
# copy for `member/0`.
COPIES_A_LINE_MAX: Final = 256

ShardT = TypeVar("ShardT", ControlShard, MarketShard, MemberShard)


@dataclass(frozen=True, slots=True)
class Clearinghouse:
    """The shards of one process, by name."""

    shards: dict[str, Shard]

    @property
    def control(self) -> ControlShard:
        """`control/0`."""
        return _as(ControlShard, self.shards[CONTROL_SHARD])

    @property
    def markets(self) -> dict[str, MarketShard]:
        """The markets by product."""
        return {
            product_in(name): shard
            for name, shard in sorted(self.shards.items())
            if isinstance(shard, MarketShard)
        }

    @property
    def member(self) -> MemberShard:
        """`member/0`."""
        return _as(MemberShard, self.shards[MEMBER_SHARD])

    def in_order(self) -> list[Shard]:
        """Every shard by name: control first, then the markets, member last."""
        return [self.shards[name] for name in sorted(self.shards)]


def open_clearinghouse() -> Clearinghouse:
    """A new clearinghouse: row 0 of every shard."""
    names = [CONTROL_SHARD, *map(market_shard, ControlBooks().products), MEMBER_SHARD]
    shards = {name: open_shard(name, ControlBooks()) for name in names}
    for shard in shards.values():
        record_opening(shard, logical_time=0)
    return Clearinghouse(shards)


def clearinghouse_of(shards: Iterable[Shard]) -> Clearinghouse:
    """A clearinghouse of restored shards."""
    return Clearinghouse({shard.log.shard: shard for shard in shards})


def decide_line(
    clearinghouse: Clearinghouse,
    inbound: Inbound,
    *,
    command: Command | Malformed,
    memory: Memory,
) -> bool:
    """Decide a line in its shard; True for a control command that stands, with its copies decided.

    The copies have the logical times after the line's.
    """
    products = clearinghouse.control.books.products
    shard = clearinghouse.shards[shard_of(command, products)]
    stands = shard.decide(inbound, command, memory=memory)
    if stands:
        assert isinstance(command, ControlCommand), inbound
        _copy(clearinghouse, inbound, command=command, memory=memory)
    return stands


def _copy(
    clearinghouse: Clearinghouse, inbound: Inbound, *, command: ControlCommand, memory: Memory
) -> None:
    """Decide the copies of a command, in every market and then in `member/0`, under its number."""
    control = clearinghouse.control.books
    flows: list[ContractFlow] = []
    copy = inbound._replace(origin=CONTROL_SHARD, position=control.number)
    first, last = inbound.logical_time, inbound.logical_time + COPIES_A_LINE_MAX - 1
    votes = _vote(clearinghouse, command, memory=memory)
    for rank, market in enumerate(clearinghouse.markets.values(), start=1):
        assert first + rank < last - 1, f"{rank} markets are more than a line has copies"
        ranked = copy._replace(logical_time=first + rank)
        answers = Answers(votes=read_votes(votes, market.log.shard))
        flows += market.decide_copy(ranked, command, answers=answers, memory=memory)
    product = put_in_use(command)
    if product is not None and market_shard(product) not in clearinghouse.shards:
        # The market begins with a copy of the control books as of this command.
        opened = open_shard(market_shard(product), load_control(dump_control(control)))
        record_opening(opened, logical_time=last - 1)
        clearinghouse.shards[opened.log.shard] = opened
    clearinghouse.member.decide_copy(
        copy._replace(logical_time=last), command, answers=Answers(flows), memory=memory
    )


def _vote(
    clearinghouse: Clearinghouse, command: ControlCommand, *, memory: Memory
) -> list[LinkRow]:
    """The votes of all markets on a spread, before any of them decides its copy."""
    number = clearinghouse.control.books.number
    votes = []
    for name in spread_markets(command):
        market = _as(MarketShard, clearinghouse.shards[name])
        rows = market.vote(number, command, memory=memory)
        market.log.pending.links += rows
        votes += rows
    return votes


def _as(kind: type[ShardT], shard: Shard) -> ShardT:
    assert isinstance(shard, kind), shard.log.shard
    return shard
