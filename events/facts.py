"""The table of facts (WIRE §3): the members of all fact families, by type.

In: a type on the wire, or a recorded fact. Out: the model of the type; the fact, read back. A new
fact is a class and a line in its family's union; the type checker then names every `apply` that
must handle it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias, get_args

from events.control_facts import ControlFact, SharedFact
from events.fact import Fact
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

# What every recorded fact begins with; its own fields follow.
_STAMP: Final = re.compile(
    rb'\{"type":"([a-z_/1-9]++)","shard":"([^"\\]++)","seq":(0|[1-9][0-9]*+),'
)
_SHOWN: Final = 100


class Recorded(NamedTuple):
    """A fact as it stands in the journal."""

    shard: str
    seq: int
    fact: Fact


def decode_fact(line: bytes) -> Recorded:
    """Read a fact back from the journal. Errors: ValueError when it is none of ours."""
    stamped = _STAMP.match(line)
    model = None if stamped is None else FACTS.get(stamped[1].decode())
    if stamped is None or model is None:
        msg = f"expected a known fact, found {line[:_SHOWN]!r}"
        raise ValueError(msg)
    fact = model.model_validate_json(b"{%b" % line[stamped.end() :])
    return Recorded(stamped[2].decode(), int(stamped[3]), fact)
