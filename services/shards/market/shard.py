"""A market: one product's shard (ARCHITECTURE §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Self

from events.command import Command, Malformed
from events.control_commands import (
    Barrier,
    CloseSession,
    ControlCommand,
    OpenSession,
    RunCycle,
)
from events.default_commands import AuctionAccount
from events.market_commands import (
    AdjustTradePrice,
    BustTrade,
    HaltContract,
    IndexCommand,
    MarketCommand,
    SetSettlementPrice,
    SubmitQuote,
    SubmitTrade,
    TransferPosition,
)
from events.market_facts import TradeNovated
from events.refusals import Refusal
from events.spread_commands import SubmitSpread
from services.shards.emission import Emission
from services.shards.ids import Memory, Seen, identity_named, legs_in
from services.shards.links import Answers, ContractFlow, Votes, link_rows
from services.shards.log import Inbound, ShardLog
from services.shards.market import guards as guard
from services.shards.market.amend import decide_amendment
from services.shards.market.apply import apply_market_fact
from services.shards.market.apply_control import follow_control
from services.shards.market.books import MarketBooks, MarketEmission, open_market_books
from services.shards.market.cycle import close_market, run_cycle
from services.shards.market.fold import fold_market_rows
from services.shards.market.line_columns import Ticks
from services.shards.market.orders import (
    decide_halt,
    decide_quote,
    decide_settlement_price,
    decide_transfer,
)
from services.shards.market.ordinary import changes_ordinary
from services.shards.market.sessions import open_session
from services.shards.market.spread import cleared_spread, judge_legs
from services.shards.market.state import dump_market, load_market, market_hash
from services.shards.market.takeover import take_over
from services.shards.market.trade import decide_trade, novate_trade
from services.shards.read_model_rows import price_rows
from services.shards.routing import product_in
from services.shards.rows import FoldRow, LinkRow
from services.shards.shard import (
    close_day,
    refuse_command,
    refuse_malformed,
    remember,
)
from services.shards.spread_votes import spread_markets, vote_rows
from services.shards.state import split_snapshot
from settlement.control_books import ControlBooks
from settlement.index.decide import decide_index_command, expire_prices
from settlement.index.refusals import refuse_index_command


@dataclass(slots=True)
class MarketShard:
    """The shard of a product.

    ticks: by the text of a price; a cache. changes: counts what may make lines unusual.
    """

    HAS_COPIES: ClassVar[bool] = True
    WAITS_AT_BARRIERS: ClassVar[bool] = False
    books: MarketBooks
    log: ShardLog
    ticks: Ticks = field(default_factory=dict)
    changes: int = 0

    @classmethod
    def open(cls, name: str, control: ControlBooks) -> Self:
        """The shard without rows. control: its first control books."""
        return cls(open_market_books(product_in(name), control), ShardLog(name))

    @classmethod
    def load(cls, name: str, state: bytes, *, control_as_of: Callable[[int], ControlBooks]) -> Self:
        """The shard of a snapshot. control_as_of: the control books as of a control number."""
        tree, columns = split_snapshot(state)
        books = load_market(tree, columns, control=control_as_of(tree["control_number"]))
        return cls(books, ShardLog(name, links_sent=tree["links_sent"]))

    @property
    def control(self) -> ControlBooks:
        """The control books of the market."""
        return self.books.control

    def decide(self, inbound: Inbound, command: Command | Malformed, *, memory: Memory) -> bool:
        """Decide a command of this market; False, as it is never copied."""
        books, log = self.books, self.log
        emission = self.state(command, seq=log.seq, memory=memory)
        self.changes += any(changes_ordinary(books, fact) for fact in emission.facts)
        log.pending.novated += any(isinstance(fact, TradeNovated) for fact in emission.facts)
        log.record(inbound, emission, business_date=books.control.business_date)
        return False

    def state(self, command: Command | Malformed, *, seq: int, memory: Memory) -> MarketEmission:
        """The facts of a command of this market, applied but not recorded. seq: of its row."""
        books, emission = self.books, self._emission(seq)
        if isinstance(command, Malformed):
            refuse_malformed(emission, command, clock=books.clock)
        else:
            assert isinstance(command, MarketCommand), command
            identity = identity_named(command)
            seen = None if identity is None else memory.find(self.log.shard, identity)
            refusal = _decide(books, command, seen=seen, emit=emission)
            if refusal is not None:
                refuse_command(emission, command, refusal=refusal)
            remember(memory, command, emission=emission)
        return emission

    def decide_copy(
        self,
        inbound: Inbound,
        command: ControlCommand,
        *,
        answers: Answers,
        memory: Memory,
    ) -> list[ContractFlow]:
        """Follow a control command that stands; at a barrier send the flow of each contract."""
        books, log, emission = self.books, self.log, self._emission(self.log.seq)
        session = books.control.business_date
        if isinstance(command, SubmitSpread):
            self._decide_spread(command, votes=answers.votes, memory=memory, emit=emission)
        sent = _follow(books, command, emit=emission)
        self.changes += 1
        if isinstance(command, CloseSession):
            close_day(self, command, line=inbound.line, emission=emission)
        if isinstance(command, Barrier):
            barrier = (inbound.position, log.seq)
            links = link_rows(log.shard, sent, number=log.links_sent + 1, at=barrier)
            log.links_sent += len(links)
            log.pending.links += links
            log.pending.prices += price_rows(log.shard, log.seq, facts=emission.facts)
        log.record(inbound, emission, business_date=session)
        return sent

    def vote(self, number: int, command: ControlCommand, *, memory: Memory) -> list[LinkRow]:
        """The vote on a spread for the markets of its further legs. number: of the command."""
        assert isinstance(command, SubmitSpread), command
        refusal = self._judge(command, memory=memory)
        at = (number, self.log.seq - 1)
        return vote_rows(self.log.shard, command, at=at, refusal=refusal)

    def _judge(self, spread: SubmitSpread, *, memory: Memory) -> Refusal | None:
        shard = self.log.shard
        legs = legs_in(shard, spread)
        return judge_legs(self.books, legs, find=partial(memory.find, shard))

    def _decide_spread(
        self, spread: SubmitSpread, *, votes: Votes, memory: Memory, emit: MarketEmission
    ) -> None:
        """Clear the legs of this market if every market can bear its own."""
        shard, markets = self.log.shard, spread_markets(spread)
        if shard not in markets:
            return
        verdicts = {**votes, shard: self._judge(spread, memory=memory)}
        for market in markets:
            refusal = verdicts[market]
            if refusal is not None:
                if market == shard:
                    refuse_command(emit, spread, refusal=refusal)
                return
        # Nothing can fail from here.
        for identity, leg in legs_in(shard, spread).items():
            novate_trade(self.books, leg, emit=emit)
            memory.keep(shard, identity, seen=Seen(emit.seq, leg, None))
            self.log.pending.novated += 1
        if shard == markets[0]:
            emit(cleared_spread(self.books, spread))

    def fold(self, block: Sequence[FoldRow]) -> None:
        """Change the books by recorded rows."""
        fold_market_rows(self.books, block)
        self.changes += 1

    def state_hash(self) -> str:
        """The hash of the books."""
        return market_hash(self.books)

    def dump(self) -> bytes:
        """A snapshot of the books."""
        return dump_market(self.books, links_sent=self.log.links_sent)

    def _emission(self, seq: int) -> MarketEmission:
        apply = partial(apply_market_fact, self.books, seq=seq)
        return Emission(self.log.shard, seq, apply)


def _follow(
    books: MarketBooks, command: ControlCommand, *, emit: MarketEmission
) -> list[ContractFlow]:
    """Follow a control command that stands; at a barrier give each contract's flow."""
    flows: list[ContractFlow] = []
    if not isinstance(command, SubmitSpread):
        expire_prices(books.index, command.event_time, emit=emit)
    match command:
        case CloseSession():
            flows = close_market(books, command, emit=emit)
            open_session(books, command, emit=emit)
        case OpenSession():
            open_session(books, command, emit=emit)
        case AuctionAccount():
            follow_control(books, command)
            take_over(books, command, emit=emit)
        case RunCycle():
            flows = run_cycle(books, command, emit=emit)
            follow_control(books, command)
        case _:
            follow_control(books, command)
    return flows


def _decide(
    books: MarketBooks,
    command: MarketCommand,
    *,
    seen: Seen | None,
    emit: MarketEmission,
) -> Refusal | None:
    """Decide one command. seen: the first command under its id, or the trade it names."""
    match command:
        case SubmitTrade():
            return decide_trade(books, command, seen=seen, emit=emit)
        case BustTrade() | AdjustTradePrice():
            return decide_amendment(books, command, seen=seen, emit=emit)
        case TransferPosition():
            return decide_transfer(books, command, seen=seen, emit=emit)
        case SubmitQuote():
            return decide_quote(books, command, emit=emit)
        case HaltContract():
            return decide_halt(books, command, emit=emit)
        case SetSettlementPrice():
            return decide_settlement_price(books, command, emit=emit)
        case _:
            return _decide_index(books, command, emit=emit)


def _decide_index(
    books: MarketBooks, command: IndexCommand, *, emit: MarketEmission
) -> Refusal | None:
    refusal = guard.out_of_time(books, command) or refuse_index_command(books.index, command)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    now = max(command.at, books.clock if books.clock is not None else command.at)
    expire_prices(books.index, now, emit=emit)
    decide_index_command(books.index, command, now=now, emit=emit)
    return None
