"""The table of facts (WIRE §3): what the families of facts name, by type.

In: a type on the wire. Out: the model that states it. A new fact is a class and a line in its
family's union; the type checker then names every `apply` that must know it.
"""

from __future__ import annotations

from typing import Final, get_args

from events.control_facts import ControlFact, SharedFact
from events.fact import Fact
from events.index_facts import IndexFact
from events.market_facts import MarketFact
from events.member_facts import MemberFact

FACTS: Final[dict[str, type[Fact]]] = {
    kind.TYPE: kind
    for family in (SharedFact, ControlFact, IndexFact, MarketFact, MemberFact)
    for kind in get_args(family)
}
