"""The reasons of refusal: the closed list, in order of precedence (WIRE §3).

Reasons are tested in order and the first that holds is given: for a trade in the order of
TRADE_PRECEDENCE, for every other command in the order of OTHER_PRECEDENCE.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Reason(StrEnum):
    """A reason of refusal, written as on the wire."""

    WRONG_SHARD = "wrong_shard"
    MALFORMED = "malformed"
    SESSION_CLOSED = "session_closed"
    TRADE_ID_CONFLICT = "trade_id_conflict"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    DUPLICATE_REFERENCE = "duplicate_reference"
    ALREADY_EXISTS = "already_exists"
    UNKNOWN_MEMBER = "unknown_member"
    UNKNOWN_CONTRACT = "unknown_contract"
    CONTRACT_NOT_LISTED = "contract_not_listed"
    CONTRACT_EXPIRED = "contract_expired"
    UNKNOWN_ACCOUNT = "unknown_account"
    ACCOUNT_SUSPENDED = "account_suspended"
    MEMBER_DEFAULTED = "member_defaulted"
    UNKNOWN_TRADE = "unknown_trade"
    TRADE_ALREADY_BUSTED = "trade_already_busted"
    SELF_TRADE = "self_trade"
    NOT_CUSTOMER = "not_customer"
    NOT_DEFAULTED = "not_defaulted"
    LOTS_NOT_POSITIVE = "lots_not_positive"
    POSITION_TOO_SMALL = "position_too_small"
    PRICE_OFF_TICK = "price_off_tick"
    PRICE_NOT_POSITIVE = "price_not_positive"
    CONTRACT_HALTED = "contract_halted"
    PRICE_OUTSIDE_LIMIT = "price_outside_limit"
    UNKNOWN_ASSET = "unknown_asset"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    WITHDRAWAL_EXCEEDS_CASH = "withdrawal_exceeds_cash"
    WITHDRAWAL_EXCEEDS_UNITS = "withdrawal_exceeds_units"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_MODEL = "unknown_model"
    MAKER_UNKNOWN = "maker_unknown"
    SUPERSEDED = "superseded"
    NOT_QUALIFIED = "not_qualified"
    PRICE_INVALID = "price_invalid"
    INVALID_VALUE = "invalid_value"
    QUOTE_CROSSED = "quote_crossed"
    INDEX_NOT_EXTERNAL = "index_not_external"
    OUT_OF_ORDER_SESSION = "out_of_order_session"
    UNKNOWN_PARAMETER = "unknown_parameter"
    AMOUNT_OVERFLOW = "amount_overflow"
    INSUFFICIENT_EQUITY = "insufficient_equity"


TRADE_PRECEDENCE: Final = (
    Reason.WRONG_SHARD,
    Reason.MALFORMED,
    Reason.SESSION_CLOSED,
    Reason.TRADE_ID_CONFLICT,
    Reason.TIME_OUT_OF_RANGE,
    Reason.UNKNOWN_CONTRACT,
    Reason.CONTRACT_NOT_LISTED,
    Reason.CONTRACT_EXPIRED,
    Reason.UNKNOWN_ACCOUNT,
    Reason.ACCOUNT_SUSPENDED,
    Reason.MEMBER_DEFAULTED,
    Reason.SELF_TRADE,
    Reason.LOTS_NOT_POSITIVE,
    Reason.PRICE_OFF_TICK,
    Reason.PRICE_NOT_POSITIVE,
    Reason.CONTRACT_HALTED,
    Reason.PRICE_OUTSIDE_LIMIT,
    Reason.AMOUNT_OVERFLOW,
)

OTHER_PRECEDENCE: Final = (
    Reason.WRONG_SHARD,
    Reason.MALFORMED,
    Reason.SESSION_CLOSED,
    Reason.TIME_OUT_OF_RANGE,
    Reason.DUPLICATE_REFERENCE,
    Reason.ALREADY_EXISTS,
    Reason.UNKNOWN_MEMBER,
    Reason.UNKNOWN_ACCOUNT,
    Reason.ACCOUNT_SUSPENDED,
    Reason.MEMBER_DEFAULTED,
    Reason.UNKNOWN_CONTRACT,
    Reason.CONTRACT_NOT_LISTED,
    Reason.CONTRACT_EXPIRED,
    Reason.UNKNOWN_TRADE,
    Reason.TRADE_ALREADY_BUSTED,
    Reason.LOTS_NOT_POSITIVE,
    Reason.POSITION_TOO_SMALL,
    Reason.SELF_TRADE,
    Reason.NOT_CUSTOMER,
    Reason.NOT_DEFAULTED,
    Reason.PRICE_OFF_TICK,
    Reason.PRICE_NOT_POSITIVE,
    Reason.PRICE_OUTSIDE_LIMIT,
    Reason.UNKNOWN_ASSET,
    Reason.AMOUNT_NOT_POSITIVE,
    Reason.WITHDRAWAL_EXCEEDS_CASH,
    Reason.WITHDRAWAL_EXCEEDS_UNITS,
    Reason.UNKNOWN_PRODUCT,
    Reason.UNKNOWN_MODEL,
    Reason.MAKER_UNKNOWN,
    Reason.SUPERSEDED,
    Reason.NOT_QUALIFIED,
    Reason.PRICE_INVALID,
    Reason.INVALID_VALUE,
    Reason.QUOTE_CROSSED,
    Reason.INDEX_NOT_EXTERNAL,
    Reason.OUT_OF_ORDER_SESSION,
    Reason.UNKNOWN_PARAMETER,
    Reason.AMOUNT_OVERFLOW,
)


class Refusal(NamedTuple):
    """A refused command: the reason and, for people, the expected and the actual text."""

    reason: Reason
    detail: str
