"""Commands that no shard takes where they lie: wrong shard, wrong envelope (WIRE §3).

In: an input, what was decoded from it, why it is refused. Out: its row, kept with the refusal.
"""

from __future__ import annotations

from events.codec import Malformed
from events.command import Command
from events.refusals import Reason, Refusal
from services.shards.emission import Emission
from services.shards.log import Inbound, ShardLog
from settlement.control_books import ControlBooks


def wrong_shard(shard: str, belongs: str) -> Refusal:
    """The refusal of a command of one shard in the inbox of another."""
    return Refusal(Reason.WRONG_SHARD, f"expected a command of {shard}, found one of {belongs}")


def refuse_misplaced(
    log: ShardLog,
    inbound: Inbound,
    *,
    decoded: Command | Malformed,
    refusal: Refusal,
    control: ControlBooks,
) -> None:
    """Keep a command that was not decided. control: as the shard knows it."""
    emission = Emission(log.shard, log.seq, lambda _: None)
    if isinstance(decoded, Malformed):
        emission.refuse(refusal, control.clock or 0, kind=decoded.kind, reference=None)
    else:
        at, kind = decoded.event_time, decoded.TYPE
        emission.refuse(refusal, at, kind=kind, reference=decoded.subject)
    log.record(inbound, emission.blocks, business_date=control.business_date)
