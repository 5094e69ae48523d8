"""Facts of trades, positions, prices, limits and rates (WIRE §3); *own* types are beyond WIRE."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from events.default_facts import TakeoverFact
from events.fact import Fact
from events.spread_facts import SpreadCleared
from events.wire_fields import StatedDate, StatedInstant

Direction = Literal["up", "down"]


class ContractListed(Fact):
    """A contract may be traded from this session on."""

    TYPE: ClassVar[str] = "contract_listed/1"
    contract: str
    product: str
    delivery: str
    last_trading_day: StatedDate
    reference_ticks: int | None
    business_date: StatedDate


class ContractRescheduled(Fact):
    """A listed contract ends on another day: the holidays in force are others."""

    TYPE: ClassVar[str] = "contract_rescheduled/1"
    contract: str
    last_trading_day: StatedDate
    business_date: StatedDate


class TradeNovated(Fact):
    """The clearinghouse has become buyer to the seller and seller to the buyer."""

    TYPE: ClassVar[str] = "trade_novated/1"
    trade_id: str
    contract: str
    price_ticks: int
    lots: int
    buyer: str
    seller: str
    business_date: StatedDate


class TradeAlreadyCleared(Fact):
    """The same trade came again; nothing changed."""

    TYPE: ClassVar[str] = "trade_already_cleared/1"
    trade_id: str


class TradeBusted(Fact):
    """A trade was undone; `trade_seq` is the journal row that novated it."""

    TYPE: ClassVar[str] = "trade_busted/1"
    trade_id: str
    contract: str
    lots: int
    buyer: str
    seller: str
    price_ticks: int
    reason: str
    trade_seq: int


class TradePriceAdjusted(Fact):
    """A trade has another price; `trade_seq` is the journal row that novated it."""

    TYPE: ClassVar[str] = "trade_price_adjusted/1"
    trade_id: str
    contract: str
    lots: int
    buyer: str
    seller: str
    price_ticks: int
    price_ticks_before: int
    reason: str
    trade_seq: int


class PositionTransferred(Fact):
    """Lots went from one account to another."""

    TYPE: ClassVar[str] = "position_transferred/1"
    transfer: str
    contract: str
    lots: int
    from_account: str
    to_account: str
    side: Literal["long", "short"]
    price_ticks: int


class QuoteSet(Fact):
    """Own: a maker's quote stands (null for both of a side: none)."""

    TYPE: ClassVar[str] = "quote_set/1"
    maker: str
    contract: str
    bid_ticks: int | None
    bid_lots: int | None
    ask_ticks: int | None
    ask_lots: int | None


class ContractHalted(Fact):
    """Trading in a contract stops: by its first or second limit, or (0) by command.

    reason: of the command, null for a limit.
    """

    TYPE: ClassVar[str] = "contract_halted/1"
    contract: str
    tier: Literal[0, 1, 2]
    direction: Direction | None
    until: StatedInstant | None
    trigger_ticks: int | None
    reason: str | None


class ContractResumed(Fact):
    """Trading in a contract goes on."""

    TYPE: ClassVar[str] = "contract_resumed/1"
    contract: str


class SettlementPriceOverruled(Fact):
    """The exchange has set the settlement price of the open session's close."""

    TYPE: ClassVar[str] = "settlement_price_overruled/1"
    contract: str
    price_ticks: int
    reason: str


class SettlementPriceSet(Fact):
    """The daily settlement price and the tier that gave it, 0 for a price set by the exchange."""

    TYPE: ClassVar[str] = "settlement_price_set/1"
    contract: str
    business_date: StatedDate
    price_ticks: int
    tier: Literal[0, 1, 2, 3, 4]
    reference_ticks: int | None


class VariationSettled(Fact):
    """Variation of an account in a contract; + is to the account's credit."""

    TYPE: ClassVar[str] = "variation_settled/1"
    account: str
    contract: str
    business_date: StatedDate
    cycle: str
    amount_cents: int


class ContractUnmarked(Fact):
    """Own: a contract left without any price gives back what cycles paid (RULEBOOK §4)."""

    TYPE: ClassVar[str] = "contract_unmarked/1"
    contract: str
    business_date: StatedDate


class ContractSettled(Fact):
    """The final settlement price."""

    TYPE: ClassVar[str] = "contract_settled/1"
    contract: str
    business_date: StatedDate
    price_ticks: int
    source: Literal["tpi_fixing", "tpi_stale", "daily_settlement"]


class PositionClosed(Fact):
    """A position ended at final settlement; lots are signed, before closing."""

    TYPE: ClassVar[str] = "position_closed/1"
    account: str
    contract: str
    lots: int


class PositionLimitWarned(Fact):
    """80 % of a position limit was crossed."""

    TYPE: ClassVar[str] = "position_limit_warned/1"
    owner: str
    account: str | None
    scope: Literal["spot", "single", "all"]
    contract: str | None
    lots: int
    limit_lots: int


class PositionLimitBreached(Fact):
    """A position limit was crossed."""

    TYPE: ClassVar[str] = "position_limit_breached/1"
    owner: str
    account: str | None
    scope: Literal["spot", "single", "all"]
    contract: str | None
    lots: int
    limit_lots: int


class MarginRateSet(Fact):
    """The initial margin rate of a contract from this close on, under a model that is a rate.

    sigma_ppm, sigma_source: of eq. 7. evidence: further inputs of the model; fallback: what stands
    in for missing history. paper_rate_ppm: the rate of eq. 7, whatever the model.
    """

    TYPE: ClassVar[str] = "margin_rate_set/1"
    contract: str
    business_date: StatedDate
    rate_ppm: int
    sigma_ppm: int | None
    sigma_source: Literal["contract", "tpi", "none"]
    model: str
    evidence: dict[str, int | str | None]
    fallback: str | None
    paper_rate_ppm: int


class MarginScenariosSet(Fact):
    """The losses of a lot by scenario from this close on, under a model that is not a rate.

    axis: scenarios of one axis are the same states of the world in several contracts.
    shocks_ppm: of the price, + is a loss of a long position. fallback: what stands in for missing
    history. paper_rate_ppm: the rate of eq. 7.
    """

    TYPE: ClassVar[str] = "margin_scenarios_set/1"
    contract: str
    business_date: StatedDate
    model: str
    axis: str
    shocks_ppm: tuple[int, ...]
    evidence: dict[str, int | str | None]
    fallback: str | None
    paper_rate_ppm: int


class MarginAddOnSet(Fact):
    """Own: the inputs of the add-ons to a contract's margin from this close on.

    traded_lots: the median of lots traded in a session, null without the concentration add-on;
    half_spread_ppm: half the spread that makers are allowed; jump_ppm: the move of a jump to the
    second price limit, null without that add-on.
    """

    TYPE: ClassVar[str] = "margin_add_on_set/1"
    contract: str
    business_date: StatedDate
    traded_lots: int | None
    half_spread_ppm: int
    jump_ppm: int | None


class MarginRateAboveBand(Fact):
    """An alert, not a clip: the rate lies above the paper's 12 %."""

    TYPE: ClassVar[str] = "margin_rate_above_band/1"
    contract: str
    business_date: StatedDate
    rate_ppm: int


class MarginModelReviewed(Fact):
    """Own: the Basel zone of a product's margin model has changed.

    windows: the closes counted, at most 250, all under this model; exceptions: those whose move was
    beyond the margin of either side at the close before.
    """

    TYPE: ClassVar[str] = "margin_model_reviewed/1"
    product: str
    business_date: StatedDate
    model: str
    zone: Literal["green", "yellow", "red"]
    zone_before: Literal["green", "yellow", "red"]
    windows: int
    exceptions: int


class CyclePriceSet(Fact):
    """The mark of an intraday cycle."""

    TYPE: ClassVar[str] = "cycle_price_set/1"
    contract: str
    business_date: StatedDate
    cycle: str
    price_ticks: int


class MakerScored(Fact):
    """What a maker quoted in a contract by the obligation, of the time that is scored."""

    TYPE: ClassVar[str] = "maker_scored/1"
    account: str
    contract: str
    business_date: StatedDate
    scored_ns: int
    quoted_ns: int
    is_met: bool


class MakerObligationMissed(Fact):
    """A maker has quoted too little, in these contracts, or its member's net capital is too small.

    net_capital_cents: the last report, null without any.
    """

    TYPE: ClassVar[str] = "maker_obligation_missed/1"
    account: str
    product: str
    business_date: StatedDate
    obligation: Literal["quoting", "net_capital"]
    contracts: tuple[str, ...]
    net_capital_cents: int | None


class CycleDone(Fact):
    """The market shard's last word in a cycle."""

    TYPE: ClassVar[str] = "cycle_done/1"
    business_date: StatedDate
    cycle: str


MarketFact: TypeAlias = (
    ContractListed
    | ContractRescheduled
    | TradeNovated
    | TradeAlreadyCleared
    | TradeBusted
    | TradePriceAdjusted
    | SpreadCleared
    | PositionTransferred
    | TakeoverFact
    | QuoteSet
    | ContractHalted
    | ContractResumed
    | SettlementPriceOverruled
    | SettlementPriceSet
    | VariationSettled
    | ContractUnmarked
    | ContractSettled
    | PositionClosed
    | PositionLimitWarned
    | PositionLimitBreached
    | MarginRateSet
    | MarginScenariosSet
    | MarginAddOnSet
    | MarginRateAboveBand
    | MarginModelReviewed
    | CyclePriceSet
    | MakerScored
    | MakerObligationMissed
    | CycleDone
)
