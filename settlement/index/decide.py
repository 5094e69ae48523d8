"""The decisions of the Token Price Index (RULEBOOK §2; paper §5.2, eq. 4-6).

In: commands about providers' models, prices and volumes, or values from outside; the clock; the
close; new rules. Out: facts, each through `emit`, which applies it with `apply_index_fact` and
records it. A replay applies the recorded facts in order and has the same books. A value is
published when its exact inputs have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from fractions import Fraction
from typing import Final, assert_never

from events.index_facts import (
    CapabilityReported,
    IndexFact,
    IndexFixed,
    IndexInput,
    IndexPublished,
    IndexRulesSet,
    IndexStale,
    IndexValueReported,
    ModelRetired,
    ProviderPriceHeld,
    ProviderPriceReported,
    ProviderVolumeReported,
)
from events.market_commands import (
    IndexCommand,
    PublishIndex,
    ReportCapability,
    ReportProviderPrice,
    ReportProviderVolume,
    ReportProviderVolumes,
    RetireModel,
)
from events.units import PPM, micros
from settlement.index.books import (
    ExactInput,
    IndexBooks,
    ModelBook,
    exact_inputs,
    index_value,
    next_expiry,
)
from settlement.index.formula import ReportedPrice, adjustment_factor, blend, fixing_at
from settlement.index.price_hold import is_within, judge
from settlement.index.rules import IndexRules

Emit = Callable[[IndexFact], None]
STALE_REASON: Final = "no provider left"


def decide_index_command(books: IndexBooks, command: IndexCommand, *, now: int, emit: Emit) -> None:
    """Decide a command that was not refused, and publish the index if it changes.

    now: the shard's clock after this command; prices expired by then have left the index before.
    """
    match command:
        case ReportCapability():
            emit(_capability(command))
        case ReportProviderPrice():
            _decide_price(books, command, emit=emit)
        case ReportProviderVolume():
            emit(_volume(command, command.provider, tokens=command.tokens))
        case ReportProviderVolumes():
            for volume in command.volumes:
                emit(_volume(command, volume.provider, tokens=volume.tokens))
        case RetireModel():
            emit(_retirement(command))
        case PublishIndex():
            emit(_value(command))
            emit(_from_outside(command, now))
        case _:
            assert_never(command)
    _publish_change(books, now, emit=emit)


def expire_prices(books: IndexBooks, until: int, *, emit: Emit) -> None:
    """Publish the index without the prices that expire by `until`, each at its own instant.

    until: the shard's clock after the next command, before that command is applied.
    A price is fresh for 36 h, both ends included, and expires the nanosecond after.
    """
    while (instant := next_expiry(books)) is not None and instant <= until:
        _publish_change(books, instant, emit=emit)


def change_rules(books: IndexBooks, rules: IndexRules, *, now: int, emit: Emit) -> None:
    """Put new rules in force, and publish the index if it changes; nothing for equal rules.

    now: the shard's clock; prices expired by then have left the index before.
    """
    if rules == books.rules:
        return
    emit(IndexRulesSet(at=now, product=books.product.code, **asdict(rules)))
    _publish_change(books, now, emit=emit)


def fix_index(books: IndexBooks, business_date: date, *, close_at: int, emit: Emit) -> None:
    """State the daily fixing; nothing without a value by the close."""
    fixing = fixing_at(books.steps, close_at, window_ns=books.rules.fixing_ns)
    if fixing is None:
        return
    value_micros, is_stale = fixing
    emit(
        IndexFixed(
            at=close_at,
            product=books.product.code,
            business_date=business_date,
            value_micros=value_micros,
            stale=is_stale,
        )
    )


def _capability(command: ReportCapability) -> CapabilityReported:
    return CapabilityReported(
        at=command.at,
        product=command.product,
        provider=command.provider,
        model=command.model,
        mmlu=command.mmlu,
        humaneval=command.humaneval,
        gsm8k=command.gsm8k,
    )


def _volume(
    command: ReportProviderVolume | ReportProviderVolumes, provider: str, *, tokens: int
) -> ProviderVolumeReported:
    return ProviderVolumeReported(
        at=command.at, product=command.product, provider=provider, tokens=tokens
    )


def _retirement(command: RetireModel) -> ModelRetired:
    return ModelRetired(
        at=command.at, product=command.product, provider=command.provider, model=command.model
    )


def _value(command: PublishIndex) -> IndexValueReported:
    return IndexValueReported(
        at=command.at, product=command.product, value_micros=micros(Fraction(command.value))
    )


def _from_outside(command: PublishIndex, now: int) -> IndexPublished:
    return IndexPublished(
        at=now,
        product=command.product,
        value_micros=micros(Fraction(command.value)),
        cap_ppm=None,
        inputs=(),
    )


def _decide_price(books: IndexBooks, command: ReportProviderPrice, *, emit: Emit) -> None:
    model = books.models[command.provider][command.model]
    raw_price = blend(command.input_usd_per_mtok, command.output_usd_per_mtok)
    quote = ReportedPrice(raw_price, command.at)
    disposition = judge(
        quote,
        is_ordinary=_is_ordinary(books, model, raw_price=raw_price),
        held_price=model.held_price,
        rules=books.rules,
    )
    emit(
        ProviderPriceReported(
            at=command.at,
            product=command.product,
            provider=command.provider,
            model=command.model,
            input_usd_per_mtok=command.input_usd_per_mtok,
            output_usd_per_mtok=command.output_usd_per_mtok,
            disposition=disposition,
        )
    )
    if disposition == "held":
        emit(_price_held(command, last=model.accepted_price, raw_price=raw_price))


def _is_ordinary(books: IndexBooks, model: ModelBook, *, raw_price: Fraction) -> bool:
    """Whether a price lies near the model's last; its first one, adjusted, near the index."""
    if model.accepted_price is not None:
        last = model.accepted_price.raw_price
        return is_within(raw_price, last, times=books.rules.hold_factor)
    if books.value_micros is None:
        return True
    adjusted = raw_price * adjustment_factor(model.scores)
    index = Fraction(books.value_micros, PPM)
    return is_within(adjusted, index, times=books.rules.first_price_factor)


def _price_held(
    command: ReportProviderPrice, *, last: ReportedPrice | None, raw_price: Fraction
) -> ProviderPriceHeld:
    return ProviderPriceHeld(
        at=command.at,
        product=command.product,
        provider=command.provider,
        model=command.model,
        last_price_micros=None if last is None else micros(last.raw_price),
        price_micros=micros(raw_price),
    )


def _publish_change(books: IndexBooks, instant: int, *, emit: Emit) -> None:
    """Publish the value at an instant if its exact inputs differ from the current ones."""
    inputs = exact_inputs(books, instant)
    if inputs == books.inputs:
        return
    if inputs:
        emit(_published(books, inputs, at=instant))
        return
    assert books.value_micros is not None, f"inputs without a value: {books.inputs}"
    emit(
        IndexStale(
            at=instant,
            product=books.product.code,
            value_micros=books.value_micros,
            reason=STALE_REASON,
        )
    )


def _published(books: IndexBooks, inputs: tuple[ExactInput, ...], *, at: int) -> IndexPublished:
    return IndexPublished(
        at=at,
        product=books.product.code,
        value_micros=micros(index_value(inputs)),
        cap_ppm=micros(books.rules.cap_of(len(inputs))),
        inputs=tuple(_printed(each) for each in inputs),
    )


def _printed(exact: ExactInput) -> IndexInput:
    return IndexInput(
        provider=exact.provider,
        model=exact.model,
        raw_price_micros=micros(exact.raw_price),
        adjusted_price_micros=micros(exact.adjusted_price),
        raw_weight_ppm=micros(exact.raw_weight),
        weight_ppm=micros(exact.weight),
    )
