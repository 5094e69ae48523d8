"""The books of the twin: plain records that grow and are summed anew each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.twin.instants import DAY, midnight, print_instant
from tests.twin.words import Command, Fact

FLOOR_PPM = 80_000
SESSION_SLACK = 30 * DAY


@dataclass
class Member:
    """A clearing member, with the command that admitted it; group: None for its own."""

    command: Command
    is_defaulted: bool = False
    is_settled: bool = False
    group: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Tell whether the member's default is declared and not settled."""
        return self.is_defaulted and not self.is_settled


@dataclass
class Account:
    """An account, with the command that opened it; member: who has it now."""

    command: Command
    member: str
    is_suspended: bool = False

    @property
    def owner(self) -> str:
        """Give the owner."""
        return str(self.command["owner"])

    @property
    def origin(self) -> str:
        """Give the origin: house or customer."""
        return str(self.command["origin"])


@dataclass
class Trade:
    """A cleared trade, kept for ever; `price` is in ticks and as adjusted."""

    trade_id: str
    lots: int
    buyer: str
    seller: str
    price: int
    executed_at: int
    session: date
    is_marked: bool = False
    is_busted: bool = False
    is_undoing_marked: bool = False


@dataclass
class Transfer:
    """A transfer: the taker of the lots is its buyer, at the stated price."""

    lots: int
    buyer: str
    seller: str
    price: int
    is_marked: bool = False


@dataclass
class Takeover:
    """Lots (signed) of an auctioned account, with what was paid for them and not marked yet."""

    lots: int
    taker: str
    giver: str
    cents: int
    is_marked: bool = False


@dataclass
class Halt:
    """A halt from `start` (included) to `until` (excluded; None: the close)."""

    start: int
    until: int | None
    until_at_least: int
    is_pending: bool = True

    def holds(self, instant: int) -> bool:
        """Tell whether an instant lies inside."""
        return self.start <= instant and (self.until is None or instant < self.until)


@dataclass
class Quote:
    """The two sides of a maker's quote, in ticks; None is withdrawn."""

    bid: int | None
    ask: int | None


@dataclass
class MakerQuote:
    """A quote or a lapse, kept for the session; lots of the smaller side, 0 without both."""

    account: str
    at: int
    bid: int | None
    ask: int | None
    lots: int


@dataclass
class Contract:
    """A listed contract and everything that ever happened in it.

    own_price: the last reference or settlement price that the exchange did not set; set_price: the
    one that it has set for the coming close; carried: that of the latest trade of the sessions
    before, while nothing has marked the contract.
    """

    symbol: str
    month: tuple[int, int]
    last_day: date
    reference: int | None
    mark: int | None = None
    own_price: int | None = None
    set_price: int | None = None
    carried: int | None = None
    rate_ppm: int = FLOOR_PPM
    is_rated: bool = False
    open_interest: int = 0
    limit_stage: int = 0
    is_settled: bool = False
    settlements: list[int] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    takeovers: list[Takeover] = field(default_factory=list)
    adjustments: list[tuple[str, str, int]] = field(default_factory=list)
    paid: dict[str, int] = field(default_factory=dict)
    halts: list[Halt] = field(default_factory=list)
    quotes: dict[str, Quote] = field(default_factory=dict)
    quote_log: list[MakerQuote] = field(default_factory=list)


@dataclass
class Index:
    """The reports of providers as they stand, and the values published."""

    is_external: bool
    scores: dict[tuple[str, str], tuple[int, dict[str, Fraction]]] = field(default_factory=dict)
    volumes: dict[str, tuple[int, int]] = field(default_factory=dict)
    prices: dict[tuple[str, str], tuple[int, Fraction]] = field(default_factory=dict)
    held: dict[tuple[str, str], tuple[int, Fraction]] = field(default_factory=dict)
    external_at: int | None = None
    published: list[tuple[int, int]] = field(default_factory=list)
    inputs: object = None
    is_stale: bool = False
    staleness: list[tuple[int, bool]] = field(default_factory=list)
    is_fixing_stale: bool = False
    fixings: list[int] = field(default_factory=list)


@dataclass
class Market:
    """The books of `market/<product>`."""

    product: str
    index: Index
    listed_from: date
    clock: int | None = None
    first: int | None = None
    contracts: dict[str, Contract] = field(default_factory=dict)
    reviewed_on: date | None = None
    exceptions: list[bool] = field(default_factory=list)
    zone: str = "green"
    trade_memory: dict[str, tuple[Command, str | None]] = field(default_factory=dict)
    transfer_memory: dict[str, tuple[Command, str | None]] = field(default_factory=dict)

    @property
    def shard(self) -> str:
        """Give the name of the shard."""
        return f"market/{self.product}"

    def live(self) -> list[Contract]:
        """Give the contracts that are not finally settled, nearest first."""
        found = [contract for contract in self.contracts.values() if not contract.is_settled]
        return sorted(found, key=lambda contract: contract.month)


@dataclass
class Call:
    """An open call, for margin or for the fund; is_for_cash: nothing but cash lacked."""

    name: str
    remaining: int
    deadline: int
    is_for_cash: bool = False


@dataclass
class Treasury:
    """The books of `member/0`.

    fund: contributions by member, the clearinghouse's capital under None. required: of each member
    as last stated. settlements: by member, in the order of the orders that wait. assessed: for a
    defaulter's default, by member.
    """

    clock: int | None = None
    cash: dict[str, int] = field(default_factory=dict)
    memory: dict[str, tuple[Command, str | None]] = field(default_factory=dict)
    pending: list[Command] = field(default_factory=list)
    initial: dict[str, int] = field(default_factory=dict)
    with_position: list[str] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)
    units: dict[tuple[str, str], int] = field(default_factory=dict)
    prices: dict[str, tuple[int, Fraction]] = field(default_factory=dict)
    jumps: dict[str, tuple[int, Fraction]] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    fund: dict[str | None, int] = field(default_factory=dict)
    fund_pending: list[Command] = field(default_factory=list)
    fund_calls: dict[str, Call] = field(default_factory=dict)
    required: dict[str, int] = field(default_factory=dict)
    settlements: dict[str, Command] = field(default_factory=dict)
    assessed: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass
class House:
    """All the books of the clearinghouse, and the facts so far.

    references: of `control/0`. settlements: of defaults, ordered since the last cycle. settings: of
    the fund, as in force; waiting: what a later session puts in force.
    """

    members: dict[str, Member] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    treasury: Treasury = field(default_factory=Treasury)
    business_date: date | None = None
    opened_at: int = 0
    clock: int | None = None
    first: int | None = None
    cycles: dict[str, tuple[Command, str | None]] = field(default_factory=dict)
    cycles_past: list[Command] = field(default_factory=list)
    references: dict[str, tuple[Command, str | None]] = field(default_factory=dict)
    settlements: dict[str, Command] = field(default_factory=dict)
    makers: dict[tuple[str, str], int] = field(default_factory=dict)
    capital: dict[str, int] = field(default_factory=dict)
    terms: dict[str, Command] = field(default_factory=dict)
    settings: dict[str, int] = field(default_factory=dict)
    waiting: list[Command] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def session(self) -> date:
        """Give the business date of the open session."""
        assert self.business_date is not None
        return self.business_date

    def state(self, name: str, shard: str, at: int | None, /, **fields: object) -> None:
        """Record a fact."""
        printed = None if at is None else print_instant(at)
        self.facts.append({"type": name, "shard": shard, "at": printed, **fields})

    def is_in_range(self, instant: int, slack: int = 0, first: int | None = None) -> bool:
        """Tell whether a command's time is in range (RULEBOOK 1).

        Before any session: within 30 days of the first command accepted, configurations aside.
        first: of a market's own reports, while control has none.
        """
        if self.business_date is None:
            anchor = first if self.first is None else self.first
            return anchor is None or anchor - 30 * DAY <= instant <= anchor + 30 * DAY
        latest = midnight(self.business_date) + 2 * DAY + slack
        return self.opened_at - 7 * DAY <= instant <= latest

    def is_defaulted(self, account: str) -> bool:
        """Tell whether an account's member was declared in default."""
        return self.members[self.accounts[account].member].is_defaulted

    def accounts_of(self, member: str) -> list[str]:
        """Give the names of the accounts that a member has now, sorted."""
        return sorted(name for name, one in self.accounts.items() if one.member == member)

    def standing(self) -> list[str]:
        """Give the names of the members not in default, sorted."""
        return sorted(name for name, one in self.members.items() if not one.is_defaulted)

    def post(self, sides: tuple[str, str], cents: int, why: tuple[str, str, int]) -> None:
        """Record a posting of `member/0`; sides: debit and credit; why: fact, reference, time."""
        kind, reference, at = why
        self.state(
            "posting/1", "member/0", at, debit=sides[0], credit=sides[1], amount_cents=cents,
            currency="USD", reference=reference, **{"for": kind},
        )  # fmt: skip
