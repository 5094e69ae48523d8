"""The waterfall of a settled default: loss, layers, postings (RULEBOOK 7)."""

from __future__ import annotations

from tests.twin.books import House
from tests.twin.fund import MILLION, parameter
from tests.twin.positions import positions
from tests.twin.shares import shared

SHARD = "member/0"
Layer = tuple[str, str | None, int]


def settle_defaults(house: House, at: int) -> None:
    """Settle the defaults ordered whose member has no position, nor assets where cash lacks."""
    treasury = house.treasury
    for member in list(treasury.settlements):
        if is_closed_out(house, member):
            del treasury.settlements[member]
            apply(house, member, at)
            house.members[member].is_settled = True


def is_closed_out(house: House, member: str) -> bool:
    """Tell whether nothing of a member is left to close out or to sell."""
    treasury, mine = house.treasury, house.accounts_of(member)
    for market in house.markets.values():
        for contract in market.live():
            if any(account in mine for account in positions(contract)):
                return False
    return not any(
        units and account in mine and treasury.cash.get(account, 0) < 0
        for (account, _), units in treasury.units.items()
    )


def apply(house: House, member: str, at: int) -> None:
    """Let the layers pay the loss of a member, each to its account of the default, and on."""
    treasury, mine = house.treasury, house.accounts_of(member)
    below = {name: -treasury.cash[name] for name in mine if treasury.cash.get(name, 0) < 0}
    owed = max(0, -treasury.fund.get(member, 0))
    loss = sum(below.values()) + owed
    paid = layers(house, member, below)
    assert sum(cents for _, _, cents in paid) == loss, "the layers add up to the loss (RULEBOOK 7)"
    house.state(
        "waterfall_applied/1", SHARD, at, member=member, loss_cents=loss,
        layers=[
            {"layer": layer, "member": payer, "amount_cents": cents}
            for layer, payer, cents in paid
        ],
    )  # fmt: skip
    middle, why = f"house:default:{member}", ("waterfall_applied/1", member, at)
    for layer, payer, cents in paid:
        house.post((take_from(house, member, (layer, payer, cents)), middle), cents, why)
    for account, cents in below.items():
        treasury.cash[account] += cents
        house.post((middle, f"cash:{account}"), cents, why)
    if owed:
        treasury.fund[member] += owed
        house.post((middle, f"fund:{member}"), owed, why)


def layers(house: House, member: str, below: dict[str, int]) -> list[Layer]:
    """Give who pays what, layer by layer.

    below: what each account of the member lacks to zero. The house account pays for customers
    alone, and customers for nobody.
    """
    treasury = house.treasury
    fund, others = treasury.fund, house.standing()
    firm = [name for name in house.accounts_of(member) if house.accounts[name].origin == "house"]
    of_customers = sum(cents for name, cents in below.items() if name not in firm)
    own_cash = sum(max(0, treasury.cash.get(name, 0)) for name in firm)
    rest = sum(below.values()) + max(0, -fund.get(member, 0))
    assessed = treasury.assessed.get(member, {})
    ppm = parameter(house, "assessment_ppm")
    caps = {name: treasury.required.get(name, 0) * ppm // MILLION for name in others}
    by_layer: list[tuple[str, dict[str | None, int]]] = [
        ("member_house", {member: min(own_cash, of_customers)}),
        ("member_fund", {member: max(0, fund.get(member, 0))}),
        ("house_capital", {None: max(0, fund.get(None, 0))}),
        ("other_funds", {name: max(0, fund.get(name, 0)) for name in others}),
        ("assessment", {name: max(0, caps[name] - assessed.get(name, 0)) for name in others}),
    ]
    paid: list[Layer] = []
    for layer, have in by_layer:
        pays = min(rest, sum(have.values()))
        rest -= pays
        parts = shared(pays, {str(name): cents for name, cents in have.items()})
        paid += [(layer, name, parts[str(name)]) for name in have]
    paid.append(("uncovered", None, rest))
    return [entry for entry in paid if entry[2]]


def take_from(house: House, member: str, paid: Layer) -> str:
    """Take what a layer pays for a member from where it lies; give that ledger account."""
    treasury, (layer, payer, cents) = house.treasury, paid
    if layer == "uncovered":
        return "house:uncovered"
    if layer == "member_house":
        mine = house.accounts_of(str(payer))
        name = next(name for name in mine if house.accounts[name].origin == "house")
        treasury.cash[name] -= cents
        return f"cash:{name}"
    if layer == "assessment":
        assessed = treasury.assessed.setdefault(member, {})
        assessed[str(payer)] = assessed.get(str(payer), 0) + cents
    treasury.fund[payer] = treasury.fund.get(payer, 0) - cents
    return "house:capital" if payer is None else f"fund:{payer}"
