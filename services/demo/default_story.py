"""A member's default, folded from its facts: from the declaration to the last cent.

In: facts in the words on the wire. Out: a story for each member that defaulted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from services.demo.entries import DemoFact


class PortedAccount(NamedTuple):
    """A customer that went over. lots: of all its contracts, long and short added up."""

    account: str
    to_member: str
    at: str
    cash_cents: int
    lots: int


@dataclass(slots=True)
class DefaultStory:
    """What was stated of a default, in the order of its steps."""

    declared: DemoFact
    ported: list[PortedAccount] = field(default_factory=list)
    auctions: list[DemoFact] = field(default_factory=list)
    taken_over: list[DemoFact] = field(default_factory=list)
    ordered: DemoFact | None = None
    waterfall: DemoFact | None = None

    @property
    def member(self) -> str:
        """The member that defaulted."""
        return str(self.declared["member"])
