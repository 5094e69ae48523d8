"""What an audit says: the differences, and what it looked at and what it did not.

In: an audit that has ended. Out: lines for people, or a tree for JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from services.journal.reader import Reader
from services.journal.receipts import first_receipts
from services.journal.trouble import translated
from services.shards.log import BEFORE_SESSIONS
from services.shards.shard import RULES_VERSION

UNSEEN: Final = (
    "A check from inside the books cannot see a history that was rewritten whole, with inputs, "
    "chains and heads, nor one that was cut off at its end"
)

_DATES: Final = """
SELECT min(business_date), max(business_date) FROM clearing.journal
WHERE shard = %s AND seq >= %s AND business_date > %s
"""


@dataclass(frozen=True, slots=True)
class ShardScope:
    """The rows of a shard that were decided again, `first_row` to `head`, and their dates.

    before: how many rows before them were not; the dates are None before the first session, and
    where no row was looked at. chain: of the head. without_receipt: how many rows, from row 0 on,
    have no time of receipt.
    """

    shard: str
    first_row: int
    head: int
    before: int
    first_date: date | None
    last_date: date | None
    chain: str
    without_receipt: int

    def line(self) -> str:
        """The shard in words."""
        count = self.head - self.first_row + 1
        rows = f"rows {self.first_row} to {self.head}" if count else "no row"
        dates = f", {self.first_date} to {self.last_date}" if self.last_date else ""
        earlier = f"; not rows 0 to {self.before - 1}" if self.before else ""
        return f"  {self.shard}: {rows}{dates}{earlier}; chain {self.chain}"


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """The outcome of an audit.

    differences: one line for each shard, empty when all is well; expected_days: those of the list
    that was compared, None without one; later_days: those of the books that it does not have;
    guards: of the tables, what is not as it was made; has_checksums: of the server's pages.
    """

    differences: Sequence[str]
    shards: Sequence[ShardScope]
    is_streamed: bool
    guards: Sequence[str] = ()
    has_checksums: bool = True
    expected_days: int | None = None
    later_days: int = 0

    @property
    def agrees(self) -> bool:
        """True if nothing differs and every guard stands."""
        return not self.differences and not self.guards

    def scope(self, *, program: str) -> list[str]:
        """What was looked at, and what not. program: its version."""
        kind = "by workers, from Kafka" if self.is_streamed else "by one process, from files"
        checksums = "The server has no checksums of its pages: see `clearing doctor`."
        return [
            *(f"guard of {guard}" for guard in self.guards),
            f"Decided again by program {program}, rules version {RULES_VERSION}; written {kind}:",
            *(shard.line() for shard in self.shards),
            self._unseen(),
            self._receipts(),
            *([] if self.has_checksums else [checksums]),
        ]

    def _unseen(self) -> str:
        if self.expected_days is None:
            return f"{UNSEEN}: keep `clearing days` elsewhere and give it as --expect."
        if self.later_days:
            return (
                f"{self.expected_days} days were compared with the list; {self.later_days} later "
                f"ones are not on it. {UNSEEN} after the last day listed."
            )
        return f"{self.expected_days} days were compared with the list. {UNSEEN} after it."

    def _receipts(self) -> str:
        rows = ", ".join(
            f"{shard.shard} 0 to {shard.without_receipt - 1}"
            for shard in self.shards
            if shard.without_receipt
        )
        state = f"these rows have none: {rows}" if rows else "every row has one"
        return f"No hash covers the times of receipt, and they were not checked; {state}."

    def tree(self, *, program: str) -> dict[str, Any]:
        """The verdict for JSON."""
        return {
            "agrees": self.agrees,
            "differences": list(self.differences),
            "guards": list(self.guards),
            "has_checksums": self.has_checksums,
            "program": program,
            "rules_version": RULES_VERSION,
            "written_by": "workers" if self.is_streamed else "one process",
            "shards": [
                {
                    name: cell.isoformat() if isinstance(cell, date) else cell
                    for name, cell in asdict(shard).items()
                }
                for shard in self.shards
            ],
            "expected_days": self.expected_days,
            "later_days": self.later_days,
            "not_seen": self._unseen(),
        }


def scopes(reader: Reader, *, after: Mapping[str, int]) -> list[ShardScope]:
    """The rows of each shard that an audit looks at. after: by shard the last that it does not."""
    shards = []
    received = first_receipts(reader)
    for shard, head in sorted(reader.heads().items()):
        first = after.get(shard, -1) + 1
        with translated("reading the dates of the rows"):
            dates = reader.connection.execute(_DATES, [shard, first, BEFORE_SESSIONS]).fetchone()
        first_date, last_date = dates or (None, None)
        chain, unreceived = head.chain.hex(), received.get(shard, head.seq + 1)
        shards.append(
            ShardScope(shard, first, head.seq, first, first_date, last_date, chain, unreceived)
        )
    return shards
