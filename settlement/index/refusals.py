"""The refusals of index commands (RULEBOOK §2, WIRE §3).

In: the books and a command that is well-formed, in time and of this product. Out: the first reason
that holds, in the order of precedence, or None. Nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import assert_never

from events.market_commands import (
    IndexCommand,
    PublishIndex,
    ReportCapability,
    ReportProviderPrice,
    ReportProviderVolume,
    ReportProviderVolumes,
    RetireModel,
)
from events.refusals import Reason, Refusal
from events.units import INT64_MAX, PPM, fits_int64, format_decimal, format_instant, micros
from settlement.index.books import IndexBooks
from settlement.index.formula import SCORE_MAX, THRESHOLDS, blend, qualifies


def refuse_index_command(books: IndexBooks, command: IndexCommand) -> Refusal | None:
    """The first reason against an index command; None when it stands."""
    match command:
        case ReportCapability():
            return _refuse_capability(books, command)
        case ReportProviderPrice():
            return _refuse_price(books, command)
        case ReportProviderVolume():
            return _refuse_volumes(books, command, reported={command.provider: command.tokens})
        case ReportProviderVolumes():
            reported = {volume.provider: volume.tokens for volume in command.volumes}
            return _refuse_volumes(books, command, reported=reported)
        case RetireModel():
            return _refuse_retirement(books, command)
        case PublishIndex():
            return _refuse_publication(books, command)
        case _:
            assert_never(command)


def _refuse_capability(books: IndexBooks, command: ReportCapability) -> Refusal | None:
    model = books.model(command.provider, command.model)
    if model is not None and command.at < model.scores_at:
        return _superseded(model.scores_at, command.at)
    if books.product.is_index_external:
        return _no_providers(books)
    scores = (command.mmlu, command.humaneval, command.gsm8k)
    if not all(0 <= score <= SCORE_MAX for score in scores if score is not None):
        detail = f"scores {_printed(scores)} are not all 0 to {SCORE_MAX} percent, both included"
        return Refusal(Reason.INVALID_VALUE, detail)
    return None


def _refuse_price(books: IndexBooks, command: ReportProviderPrice) -> Refusal | None:
    model = books.model(command.provider, command.model)
    if model is None:
        detail = f"no scores of {command.subject} have been reported"
        return Refusal(Reason.NOT_QUALIFIED, detail)
    replaced = model.accepted_price if model.held_price is None else model.held_price
    if replaced is not None and command.at < replaced.at:
        return _superseded(replaced.at, command.at)
    if not qualifies(model.scores):
        scores, least = _printed(model.scores), _printed(THRESHOLDS)
        detail = f"the scores {scores} do not reach the thresholds {least}"
        return Refusal(Reason.NOT_QUALIFIED, detail)
    prices = (command.input_usd_per_mtok, command.output_usd_per_mtok)
    raw_price = blend(*prices)
    if min(prices) < 0 or raw_price == 0:
        detail = f"prices {_printed(prices)} are not 0 or more, or both 0"
        return Refusal(Reason.PRICE_INVALID, detail)
    return _refuse_overflow(raw_price)


def _refuse_volumes(
    books: IndexBooks,
    command: ReportProviderVolume | ReportProviderVolumes,
    *,
    reported: Mapping[str, int],
) -> Refusal | None:
    """The refusal of all volumes if one is refused. reported: tokens by provider."""
    times = [books.volumes[provider].at for provider in reported if provider in books.volumes]
    latest = max(times, default=command.at)
    if command.at < latest:
        return _superseded(latest, command.at)
    if books.product.is_index_external:
        return _no_providers(books)
    least = min(reported.values())
    if least < 0:
        return Refusal(Reason.INVALID_VALUE, f"tokens {least} are below 0")
    return None


def _refuse_retirement(books: IndexBooks, command: RetireModel) -> Refusal | None:
    if books.model(command.provider, command.model) is None:
        detail = f"no model {command.subject} has been reported"
        return Refusal(Reason.UNKNOWN_MODEL, detail)
    return None


def _refuse_publication(books: IndexBooks, command: PublishIndex) -> Refusal | None:
    value = Fraction(command.value)
    if books.reported_at is not None and command.at < books.reported_at:
        return _superseded(books.reported_at, command.at)
    # A positive value that rounds to 0 is refused too: a published 0 would be no reported value.
    if micros(value) <= 0:
        detail = f"the value {_printed((value,))} is below 0.000001"
        return Refusal(Reason.INVALID_VALUE, detail)
    if not books.product.is_index_external:
        detail = f"the index of {books.product.code} is made of its providers' prices"
        return Refusal(Reason.INDEX_NOT_EXTERNAL, detail)
    return _refuse_overflow(value)


def _refuse_overflow(usd: Fraction) -> Refusal | None:
    """A value beyond int64 in micros; adjusted prices and the index are never above raw prices."""
    if fits_int64(micros(usd)):
        return None
    most = _printed((Fraction(INT64_MAX, PPM),))
    detail = f"{_printed((usd,))} is above {most}, the largest price"
    return Refusal(Reason.AMOUNT_OVERFLOW, detail)


def _superseded(last_at: int, reported_at: int) -> Refusal:
    detail = f"a later report, of {format_instant(last_at)}, stands"
    return Refusal(Reason.SUPERSEDED, f"{detail}; this one is of {format_instant(reported_at)}")


def _no_providers(books: IndexBooks) -> Refusal:
    detail = f"the index of {books.product.code} comes from outside, by publish_index"
    return Refusal(Reason.INVALID_VALUE, detail)


def _printed(numbers: Sequence[Fraction | Decimal | None]) -> str:
    """Numbers to at most six decimals, for people."""
    return ", ".join("none" if number is None else _decimals(number) for number in numbers)


def _decimals(number: Fraction | Decimal) -> str:
    text = format_decimal(Decimal(micros(Fraction(number))).scaleb(-6))
    return text.rstrip("0").rstrip(".")
