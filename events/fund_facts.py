"""Facts of stress, the default fund and its calls (WIRE §3, RULEBOOK §7).

Where a member may be null, the clearinghouse's own capital is meant.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict

from events.fact import Fact
from events.wire_fields import StatedDate, StatedInstant


class FundMoved(Fact):
    """A contribution came in, or (−) a withdrawal was paid."""

    TYPE: ClassVar[str] = "fund_moved/1"
    reference: str
    member: str | None
    amount_cents: int


class FundWithdrawalPending(Fact):
    """Blocked until the next close."""

    TYPE: ClassVar[str] = "fund_withdrawal_pending/1"
    reference: str
    member: str | None
    amount_cents: int


class FundWithdrawalRefused(Fact):
    """Not paid: less than the requirement would be left, or a default is not settled."""

    TYPE: ClassVar[str] = "fund_withdrawal_refused/1"
    reference: str
    member: str | None
    amount_cents: int
    reason: str


class GroupLoss(BaseModel):
    """The loss over margin of a group of members in a scenario."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    group: str
    loss_cents: int


class StressRun(Fact):
    """The two largest losses of groups in a scenario, largest first, equals by name."""

    TYPE: ClassVar[str] = "stress_run/1"
    business_date: StatedDate
    scenario: str
    losses: tuple[GroupLoss, ...]


class FundSized(Fact):
    """What the fund must have. scenario: of the largest cover, null if nobody loses."""

    TYPE: ClassVar[str] = "fund_sized/1"
    business_date: StatedDate
    scenario: str | None
    cover_cents: int
    required_cents: int


class FundRequired(Fact):
    """What a standing member must have in the fund, and what it has before withdrawals."""

    TYPE: ClassVar[str] = "fund_required/1"
    business_date: StatedDate
    member: str
    required_cents: int
    held_cents: int


class FundCalled(Fact):
    """A member must contribute by a deadline."""

    TYPE: ClassVar[str] = "fund_called/1"
    call: str
    member: str
    amount_cents: int
    deadline: StatedInstant


class FundCallMet(Fact):
    """Nothing remains."""

    TYPE: ClassVar[str] = "fund_call_met/1"
    call: str
    member: str
    remaining_cents: int


class FundCallPartlyMet(Fact):
    """Less remains than before."""

    TYPE: ClassVar[str] = "fund_call_partly_met/1"
    call: str
    member: str
    remaining_cents: int


class FundCallRaised(Fact):
    """More remains than before."""

    TYPE: ClassVar[str] = "fund_call_raised/1"
    call: str
    member: str
    remaining_cents: int


class FundCallMissed(Fact):
    """The deadline has passed with a remainder."""

    TYPE: ClassVar[str] = "fund_call_missed/1"
    call: str
    member: str
    remaining_cents: int


# Those that change the fund, and all.
FundChange: TypeAlias = (
    FundMoved
    | FundWithdrawalPending
    | FundWithdrawalRefused
    | FundRequired
    | FundCalled
    | FundCallMet
    | FundCallPartlyMet
    | FundCallRaised
    | FundCallMissed
)
FundFact: TypeAlias = FundChange | StressRun | FundSized
