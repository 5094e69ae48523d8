"""What shards have decided beside their rows, as the tables of a batch.

In: an outbox. Out: a batch without rows, heads and source; the outbox is empty afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from services.journal.batch import Batch
from services.shards.clearinghouse import Outbox

_REFUSED: Final = b'{"type":"command_refused/1"'
_REASON: Final = b'"reason":"'


def refusals_in(decided: Iterable[bytes]) -> Counter[str]:
    """The reasons of refusals among the first facts of rows."""
    return Counter(
        facts.split(_REASON, 1)[1].split(b'"', 1)[0].decode()
        for facts in decided
        if facts.startswith(_REFUSED)
    )


def emptied(outbox: Outbox) -> Batch:
    """Everything in the outbox, moved into a batch."""
    batch = Batch()
    batch.links = list(outbox.links)
    batch.prices, batch.statements = outbox.prices, outbox.statements
    batch.numbers = outbox.numbers
    batch.days = [(shard, day, seq, bytes.fromhex(said)) for shard, day, seq, said in outbox.days]
    outbox.links, outbox.prices, outbox.statements = [], [], []
    outbox.numbers, outbox.days = [], []
    return batch
