"""Facts of ours and of the twin, held against each other line by line.

In: what both stated for one line. Out: nothing, or an AssertionError with what only one of them
stated. Facts are compared as multisets, field by field; left out is what the twin does not state
(see `tests/twin/clearinghouse.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction

from tests.laws import REFUSED, Fields

OWN_TYPES = frozenset(
    {
        "asset_counted/1", "asset_price_held/1", "capability_reported/1", "clock_advanced/1",
        "contract_unmarked/1",
        "cycle_started/1", "day_closed/1", "index_value_reported/1", "model_retired/1",
        "provider_price_reported/1", "provider_volume_reported/1", "index_rules_set/1",
        "quote_set/1", "shard_opened/1",
    }
)  # fmt: skip
# Of postings the twin states those of the fund and of defaults.
POSTINGS = frozenset(
    {"account_auctioned/1", "asset_moved/1", "fund_moved/1", "waterfall_applied/1"}
)
NOT_COMPARED = ("detail", "seq", "trade_seq")


def check_agreement(ours: list[Fields], twins: list[Fields], *, where: str) -> None:
    """Both stated the same."""
    mine, theirs = Counter(map(printed, ours)), Counter(map(printed, twins))
    del mine[""]
    if mine != theirs:
        only = [f"ours: {text}" for text in (mine - theirs).elements()]
        only += [f"twin: {text}" for text in (theirs - mine).elements()]
        raise AssertionError("\n".join((where, *only)))


def printed(fact: Fields) -> str:
    """What both must state of a fact, in one notation; empty for a type of our own."""
    kind = fact["type"]
    if kind in OWN_TYPES or (kind == "posting/1" and fact["for"] not in POSTINGS):
        return ""
    is_timeless = kind == "contract_resumed/1" or (
        kind == REFUSED and fact["reason"] == "malformed"
    )
    left_out = (*NOT_COMPARED, "at") if is_timeless else NOT_COMPARED
    if kind == "index_stale/1":
        left_out = (*NOT_COMPARED, "reason")
    if kind == "spread_submitted/1":
        legs = [leg | {"price": str(Fraction(leg["price"]))} for leg in fact["legs"]]
        fact = {**fact, "legs": legs}
    compared = {name: value for name, value in fact.items() if name not in left_out}
    return json.dumps(compared, sort_keys=True)
