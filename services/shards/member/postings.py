"""Postings: the double entry of a fact that moves money (RULEBOOK §4)."""

from __future__ import annotations

from events.contracts import CURRENCY
from events.fact import Fact
from events.member_facts import Posting
from risk.waterfall import Movement


def posting_of(movement: Movement, kind: type[Fact], *, reference: str, at: int) -> Posting:
    """The posting of a movement. kind, reference: of the fact that moves the money."""
    stated = {"at": at, "currency": CURRENCY, "for": kind.TYPE, "reference": reference}
    return Posting.model_validate(movement._asdict() | stated)
