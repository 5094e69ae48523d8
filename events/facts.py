"""The table of facts (WIRE §3): the members of all fact families, by type.

In: a type on the wire, or a recorded fact. Out: the model of the type; the fact, read back. A new
fact is a class and a line in its family's union; the type checker then names every `apply` that
must handle it.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple, TypeAlias, get_args

from events.control_facts import ControlFact, SharedFact
from events.fact import Fact
from events.fact_text import compact_json
from events.index_facts import IndexFact
from events.market_facts import MarketFact
from events.member_facts import MemberFact

# The facts of a market, and those of `member/0`.
MarketShardFact: TypeAlias = MarketFact | IndexFact | SharedFact
MemberShardFact: TypeAlias = MemberFact | SharedFact

FACTS: Final[dict[str, type[Fact]]] = {
    kind.TYPE: kind
    for family in (SharedFact, ControlFact, IndexFact, MarketFact, MemberFact)
    for kind in get_args(family)
}


class Recorded(NamedTuple):
    """A fact as it stands in the journal."""

    shard: str
    seq: int
    fact: Fact


def decode_fact(line: bytes) -> Recorded:
    """Read a fact back from the journal. Errors: ValueError for a type without a model."""
    fields = json.loads(line)
    kind, shard, seq = fields.pop("type"), fields.pop("shard"), fields.pop("seq")
    model = FACTS.get(kind)
    if model is None:
        msg = f"expected a known fact, found {kind!r}"
        raise ValueError(msg)
    return Recorded(shard, seq, model.model_validate_json(compact_json(fields)))
