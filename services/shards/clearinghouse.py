"""All shards in one process: pure composition, one runner (ARCHITECTURE §2, §5).

In: lines in their order, and a way to look up ids seen before. Out: journal rows, links, remembered
ids, by shard. A control command that stands is copied at once to every market shard and to
`member/0`, in order, numbered; at a barrier `member/0` works after all markets. No clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final

from events.codec import Malformed
from events.command import Command
from events.control_commands import CloseSession, RunCycle
from events.control_facts import DayClosed, ShardOpened
from events.parameters import PARAMETERS
from events.refusals import Reason, Refusal
from services.shards.control.decide import decide_control
from services.shards.control_commands import put_in_use
from services.shards.emission import Emission
from services.shards.ids import Memory, Seen, identity_of
from services.shards.links import ContractFlow, LinkRow, decode_flow, link_rows
from services.shards.log import BEFORE_SESSIONS, Inbound, ShardLog
from services.shards.market.apply import apply_market_fact
from services.shards.market.books import MarketBooks, open_market_books
from services.shards.market.control_copy import decide_copy
from services.shards.market.decide import decide_market
from services.shards.member.apply import apply_member_copy, apply_member_fact
from services.shards.member.books import MemberBooks
from services.shards.member.cycle import cycle_of, settle_cycle
from services.shards.member.decide import decide_member, state_missed
from services.shards.read_model_rows import PriceRow, StatementRow, price_rows, statement_rows
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, market_shard, shard_of
from services.shards.state import (
    control_hash,
    dump_control,
    load_control,
    market_hash,
    member_hash,
)
from settlement.control_books import ControlBooks

# Grows with every change of what the same inputs lead to; 2: all of RULEBOOK's parameters work.
RULES_VERSION: Final = 2
GENESIS_ORIGIN: Final = "genesis"
RANKS: Final = 256
_FORGOTTEN: Final = (Reason.MALFORMED, Reason.WRONG_SHARD, Reason.SESSION_CLOSED)
_Barrier = CloseSession | RunCycle


@dataclass(slots=True)
class Market:
    """A market shard: its books, its rows, the links it has sent; prices read before, in ticks."""

    books: MarketBooks
    log: ShardLog
    links_sent: int = 0
    prices: dict[bytes, int] = field(default_factory=dict)


@dataclass(slots=True)
class Outbox:
    """What has been decided and is not yet handed over, beside the rows."""

    links: list[LinkRow] = field(default_factory=list)
    prices: list[PriceRow] = field(default_factory=list)
    statements: list[StatementRow] = field(default_factory=list)
    closes: int = 0
    days: list[tuple[str, date, int, str]] = field(default_factory=list)
    numbers: list[tuple[str, int, int, date]] = field(default_factory=list)


@dataclass(slots=True)
class Clearinghouse:
    """The shards of one process."""

    control: ControlBooks = field(default_factory=ControlBooks)
    control_log: ShardLog = field(default_factory=lambda: ShardLog(CONTROL_SHARD))
    markets: dict[str, Market] = field(default_factory=dict)
    member: MemberBooks = field(default_factory=MemberBooks)
    member_log: ShardLog = field(default_factory=lambda: ShardLog(MEMBER_SHARD))
    outbox: Outbox = field(default_factory=Outbox)

    def logs(self) -> Iterator[ShardLog]:
        """Every shard's rows: control first, markets by name, member last."""
        yield self.control_log
        for product in sorted(self.markets):
            yield self.markets[product].log
        yield self.member_log


def open_clearinghouse() -> Clearinghouse:
    """A clearinghouse in which nothing has happened but row 0 of every shard."""
    house = Clearinghouse()
    open_shard(house.control_log, decided=0)
    for product in house.control.products:
        open_market(house, product, control=ControlBooks(), decided=0)
    open_shard(house.member_log, decided=0)
    return house


def open_market(
    house: Clearinghouse, product: str, *, control: ControlBooks, decided: int
) -> Market:
    """Add a product's shard, which begins with what control knows by then."""
    market = Market(open_market_books(product, control), ShardLog(market_shard(product)))
    house.markets[product] = market
    open_shard(market.log, decided=decided, control_number=control.number)
    return market


def open_shard(log: ShardLog, *, decided: int, control_number: int = 0) -> None:
    """Row 0 of a shard: the defaults, the version of the rules, what it knows of control."""
    opened = ShardOpened(
        at=0,
        rules_version=RULES_VERSION,
        control_number=control_number,
        parameters={name: entry.default for name, entry in PARAMETERS.items()},
    )
    emission = Emission(log.shard, log.seq, lambda _: None)
    emission(opened)
    log.record(Inbound(GENESIS_ORIGIN, 0, decided, b""), emission.blocks, business_date=None)


def take_decoded(
    house: Clearinghouse, inbound: Inbound, *, decoded: Command | Malformed, memory: Memory
) -> None:
    """Decide a line in its shard, and its copies if it is a control command that stands."""
    shard = shard_of(decoded, house.control.products)
    if shard == CONTROL_SHARD:
        if take_control(house, inbound, decoded=decoded):
            assert not isinstance(decoded, Malformed), inbound
            _copy(house, inbound, command=decoded)
    elif shard == MEMBER_SHARD:
        take_member(house, inbound, decoded=decoded, memory=memory)
    else:
        market = house.markets[shard.partition("/")[2]]
        take_market(market, inbound, decoded=decoded, memory=memory)


def _refuse_malformed(emission: Emission, decoded: Malformed, *, clock: int | None) -> None:
    refusal = Refusal(Reason.MALFORMED, decoded.detail)
    emission.refuse(refusal, clock or 0, kind=decoded.kind, reference=None)


def take_control(house: Clearinghouse, inbound: Inbound, *, decoded: Command | Malformed) -> bool:
    """Decide a line in `control/0`; True when every shard is to have a copy."""
    books, log = house.control, house.control_log
    session = books.business_date
    emission = Emission(log.shard, log.seq, lambda _: None)
    if isinstance(decoded, Malformed):
        _refuse_malformed(emission, decoded, clock=books.clock)
        log.record(inbound, emission.blocks, business_date=session)
        return False
    stands = decide_control(books, decoded, emit=emission)
    if stands and isinstance(decoded, CloseSession):
        _state_day(house.outbox, decoded, state_hash=control_hash(books), emit=emission)
    if stands:
        day = session or BEFORE_SESSIONS
        house.outbox.numbers.append((log.shard, log.seq, books.number, day))
    log.record(inbound, emission.blocks, business_date=session)
    return stands


def _copy(house: Clearinghouse, inbound: Inbound, *, command: Command) -> None:
    """Hand the accepted command to every market and to the members, in order, under its number."""
    number = house.control.number
    flows: list[ContractFlow] = []
    for rank, product in enumerate(sorted(house.markets), start=1):
        copy = Inbound(CONTROL_SHARD, number, inbound.decided + rank, inbound.line)
        flows += take_market_copy(
            house.markets[product], house.outbox, inbound=copy, command=command
        )
    configured = put_in_use(command)
    if configured is not None and configured not in house.markets:
        _open_configured(house, configured, decided=inbound.decided)
    last = Inbound(CONTROL_SHARD, number, inbound.decided + RANKS - 1, inbound.line)
    take_member_copy(house, last, command=command, flows=flows)


def _open_configured(house: Clearinghouse, product: str, *, decided: int) -> None:
    """A new product's shard begins with what control has said up to this command."""
    control = load_control(dump_control(house.control))
    open_market(house, product, control=control, decided=decided + RANKS - 2)


def take_market_copy(
    market: Market, outbox: Outbox, *, inbound: Inbound, command: Command
) -> list[ContractFlow]:
    """Decide a copy in a market shard; at a barrier send links. Returns the flows as sent."""
    books, log = market.books, market.log
    session = books.control.business_date
    emission = Emission(log.shard, log.seq, lambda fact: apply_market_fact(books, fact))
    flows = decide_copy(books, command, emit=emission)
    if isinstance(command, CloseSession):
        _state_day(outbox, command, state_hash=market_hash(books), emit=emission)
    sent: list[LinkRow] = []
    if isinstance(command, _Barrier):
        barrier = (inbound.position, log.seq)
        sent = link_rows(log.shard, flows, number=market.links_sent + 1, at=barrier)
        market.links_sent += len(sent)
        outbox.links += sent
        outbox.prices += price_rows(log.shard, log.seq, blocks=emission.blocks)
    log.record(inbound, emission.blocks, business_date=session)
    return [decode_flow(row.payload) for row in sent if not row.is_last]


def take_member_copy(
    house: Clearinghouse, inbound: Inbound, *, command: Command, flows: list[ContractFlow]
) -> None:
    """Decide a copy in `member/0`; at a barrier with what all markets have sent."""
    books, log = house.member, house.member_log
    session = books.control.business_date
    emission = Emission(log.shard, log.seq, lambda fact: apply_member_fact(books, fact))
    if isinstance(command, _Barrier):
        cycle = cycle_of(books, command)
        totals = settle_cycle(books, cycle, flows=flows, emit=emission)
        house.outbox.statements += statement_rows(
            books,
            totals,
            place=(log.shard, log.seq),
            cycle=(cycle.business_date, cycle.name),
        )
    else:
        state_missed(books, command.event_time, emit=emission)
    apply_member_copy(books, command)
    if isinstance(command, CloseSession):
        _state_day(house.outbox, command, state_hash=member_hash(books), emit=emission)
        house.outbox.closes += 1
    log.record(inbound, emission.blocks, business_date=session)


def _state_day(outbox: Outbox, command: CloseSession, *, state_hash: str, emit: Emission) -> None:
    emit(DayClosed(at=command.at, business_date=command.business_date, state_hash=state_hash))
    outbox.days.append((emit.shard, command.business_date, emit.seq, state_hash))


def take_market(
    market: Market, inbound: Inbound, *, decoded: Command | Malformed, memory: Memory
) -> None:
    """Decide a command, or what could be read of one, in its market's shard."""
    books, log = market.books, market.log
    emission = Emission(log.shard, log.seq, lambda fact: apply_market_fact(books, fact))
    if isinstance(decoded, Malformed):
        _refuse_malformed(emission, decoded, clock=books.clock)
    else:
        look = partial(memory.look, log.shard)
        decide_market(books, decoded, look=look, emit=emission)
        remember(memory, decoded, emit=emission)
    log.record(inbound, emission.blocks, business_date=books.control.business_date)


def take_member(
    house: Clearinghouse, inbound: Inbound, *, decoded: Command | Malformed, memory: Memory
) -> None:
    """Decide a collateral command, or what could be read of one, in `member/0`."""
    books, log = house.member, house.member_log
    emission = Emission(log.shard, log.seq, lambda fact: apply_member_fact(books, fact))
    if isinstance(decoded, Malformed):
        _refuse_malformed(emission, decoded, clock=books.clock)
    else:
        look = partial(memory.look, log.shard)
        decide_member(books, decoded, look=look, emit=emission)
        remember(memory, decoded, emit=emission)
    log.record(inbound, emission.blocks, business_date=books.control.business_date)


def remember(memory: Memory, command: Command, *, emit: Emission) -> None:
    """Remember a command under its id for ever, if it is the first that was judged by content.

    What was refused as malformed or before the first session is not remembered; any other refusal
    is.
    """
    identity = identity_of(command)
    if identity is None or memory.look(emit.shard, identity) is not None:
        return
    reason = None if emit.refusal is None else emit.refusal.reason
    if reason in _FORGOTTEN:
        return
    detail = "" if emit.refusal is None else emit.refusal.detail
    memory.keep(emit.shard, identity, seen=Seen(emit.seq, command, reason, detail))
