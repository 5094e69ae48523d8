"""The effect of facts on the books of an index (RULEBOOK §2); no other module changes them.

In: decided or recorded facts, in order. Out: the books after them, the same either way.
"""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from typing import Final, assert_never

from events.index_facts import (
    CapabilityReported,
    IndexFact,
    IndexFixed,
    IndexPublished,
    IndexRulesSet,
    IndexStale,
    IndexValueReported,
    ModelRetired,
    ProviderPriceHeld,
    ProviderPriceReported,
    ProviderVolumeReported,
)
from events.units import DAY_NS
from settlement.index.books import (
    Fixing,
    IndexBooks,
    ModelBook,
    Volume,
    exact_inputs,
)
from settlement.index.formula import IndexStep, ReportedPrice, Scores, blend
from settlement.index.rules import IndexRules

# The next close may lie seven days before the session's opening, which is this close (RULEBOOK §1).
STEPS_KEPT_NS: Final = 9 * DAY_NS


def apply_index_fact(books: IndexBooks, fact: IndexFact) -> None:
    """Change the books by a fact."""
    match fact:
        case CapabilityReported():
            _apply_capability(books, fact)
        case ProviderPriceReported():
            _apply_price(books, fact)
        case ProviderVolumeReported():
            books.volumes[fact.provider] = Volume(fact.tokens, fact.at)
        case ModelRetired():
            models = books.models[fact.provider]
            models[fact.model] = replace(models[fact.model], accepted_price=None, held_price=None)
        case IndexValueReported():
            books.reported_at = fact.at
        case IndexPublished():
            books.inputs = () if fact.cap_ppm is None else exact_inputs(books, fact.at)
            _step(books, IndexStep(fact.at, fact.value_micros, is_stale=False))
        case IndexStale():
            books.inputs = ()
            _step(books, IndexStep(fact.at, fact.value_micros, is_stale=True))
        case IndexFixed():
            books.fixings.append(Fixing(fact.business_date, fact.value_micros, fact.stale))
            del books.fixings[: -books.fixings_kept]
            _forget_steps(books, fact.at - STEPS_KEPT_NS)
        case IndexRulesSet():
            books.rules = IndexRules(
                **{rule.name: getattr(fact, rule.name) for rule in fields(IndexRules)}
            )
        case ProviderPriceHeld():
            pass  # The report, of disposition `held`, has set the exact held price.
        case _:
            assert_never(fact)


def _apply_capability(books: IndexBooks, fact: CapabilityReported) -> None:
    scores = Scores(
        *(
            None if score is None else Fraction(score)
            for score in (fact.mmlu, fact.humaneval, fact.gsm8k)
        )
    )
    models = books.models.setdefault(fact.provider, {})
    model = models.get(fact.model)
    models[fact.model] = (
        ModelBook(scores, fact.at)
        if model is None
        else replace(model, scores=scores, scores_at=fact.at)
    )


def _apply_price(books: IndexBooks, fact: ProviderPriceReported) -> None:
    models = books.models[fact.provider]
    quote = ReportedPrice(blend(fact.input_usd_per_mtok, fact.output_usd_per_mtok), fact.at)
    match fact.disposition:
        case "accepted":
            models[fact.model] = replace(models[fact.model], accepted_price=quote, held_price=None)
        case "held":
            models[fact.model] = replace(models[fact.model], held_price=quote)
        case "waiting":
            pass  # A repeat before the hour changes nothing.
        case _:
            assert_never(fact.disposition)


def _step(books: IndexBooks, step: IndexStep) -> None:
    assert not books.steps or books.steps[-1].at <= step.at, (books.steps[-1], step)
    books.value_micros = step.value_micros
    books.is_stale = step.is_stale
    books.steps.append(step)


def _forget_steps(books: IndexBooks, before: int) -> None:
    """Delete the steps that no later fixing needs: all before the last one before an instant."""
    first = 0
    while first + 1 < len(books.steps) and books.steps[first + 1].at < before:
        first += 1
    del books.steps[:first]
