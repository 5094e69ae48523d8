"""The participants of the demonstration: members, house accounts, customers. All made up.

In: the seed's random numbers, for sizes. Out: members and accounts with what each of them wants
to hold. Application companies buy tokens and so hold long futures; providers sell them and hold
short ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

MEMBERS: Final = (
    ("AURORA", "Aurora Clearing (made up)"),
    ("BASALT", "Basalt Futures (made up)"),
    ("CEDAR", "Cedar Brokers (made up)"),
    ("DUNE", "Dune Securities (made up)"),
    ("EMBER", "Ember Trading (made up)"),
    ("FJORD", "Fjord Bank (made up)"),
)
MAKERS: Final = ("AURORA-H", "CEDAR-H", "EMBER-H")
SCU_MAKERS: Final = ("CEDAR-H", "EMBER-H")
# Of the makers' members; after its loss the last one has less than a maker needs.
CAPITAL_CENTS: Final = {"AURORA": 18_000_000_000, "CEDAR": 9_500_000_000, "EMBER": 5_600_000_000}
AFTER_LOSS_CENTS: Final = 4_700_000_000

# Customers 1 to 4 of a member use tokens, 5 and 6 sell them, 7 and 8 are funds, 9 trades for
# itself.
_ROLES: Final = ("application",) * 4 + ("provider",) * 2 + ("fund",) * 2 + ("trader",)

LATE_PAYER: Final = "BASALT-C8"
PAYS_IN_PARTS: Final = "AURORA-C8"
SUSPENDED: Final = "DUNE-C3"

# The member that fails, by the trades of its own house.
FAILING: Final = "FJORD"
FAILING_HOUSE: Final = "FJORD-H"
# Who takes its position over, and to whom its customers go.
TAKER: Final = "DUNE-H"
NEW_MEMBERS: Final = {"FJORD-C7": "CEDAR"}
NEW_MEMBER: Final = "AURORA"

# The script repeats after so many business days; on these of them the account above is suspended.
SCRIPT_DAYS: Final = 20
SUSPENDED_DAYS: Final = (6, 7)

HOUSE_DEPOSIT_CENTS: Final = 3_000_000_000
THIN_DEPOSIT_CENTS: Final = 2_000_000
FAILING_HOUSE_DEPOSIT_CENTS: Final = 320_000_000
# The clearinghouse's own, half of the fund's floor. The fund's parameters are the defaults: the
# floor is what such members ask for in their first days.
OWN_CAPITAL_CENTS: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Participant:
    """An account, and the lots it wants to hold in a near contract (short is negative)."""

    account: str
    member: str
    origin: str
    owner: str
    role: str
    wanted_lots: int
    deposit_cents: int


def choose_cast(rng: Random) -> tuple[Participant, ...]:
    """House and customer accounts of every member, the house first."""
    cast: list[Participant] = []
    for member, _ in MEMBERS:
        cast.append(_house(member))
        cast.extend(_customer(member, number, rng=rng) for number in range(1, len(_ROLES) + 1))
    return tuple(cast)


def _house(member: str) -> Participant:
    account = f"{member}-H"
    return Participant(
        account=account,
        member=member,
        origin="house",
        owner=f"house-{member.lower()}",
        role="maker" if account in MAKERS else "house",
        wanted_lots=0,
        deposit_cents=FAILING_HOUSE_DEPOSIT_CENTS
        if account == FAILING_HOUSE
        else HOUSE_DEPOSIT_CENTS,
    )


def _customer(member: str, number: int, *, rng: Random) -> Participant:
    """A customer whose deposit carries about a quarter of the worth of what it wants to hold."""
    account, role = f"{member}-C{number}", _ROLES[number - 1]
    wanted_lots = 1_000 * (20 + rng.randrange(100))
    return Participant(
        account=account,
        member=member,
        origin="customer",
        owner=_owner(member, number, role=role),
        role=role,
        wanted_lots=_signed(wanted_lots, role, rng=rng),
        deposit_cents=_deposit_cents(account, wanted_lots),
    )


_FIRST_FUND: Final = _ROLES.index("fund") + 1


def _owner(member: str, number: int, *, role: str) -> str:
    """The owner; the first fund of Aurora and of Basalt is one and the same."""
    if role == "fund" and number == _FIRST_FUND and member in {"AURORA", "BASALT"}:
        return "fund-meridian"
    return f"{role}-{member.lower()}-{number}"


def _signed(wanted_lots: int, role: str, *, rng: Random) -> int:
    if role == "application":
        return wanted_lots
    if role == "provider":
        return -2 * wanted_lots
    return wanted_lots if rng.randrange(2) else -wanted_lots


def _deposit_cents(account: str, wanted_lots: int) -> int:
    if account in {LATE_PAYER, PAYS_IN_PARTS}:
        return THIN_DEPOSIT_CENTS
    return wanted_lots * 200 + 5_000_000
