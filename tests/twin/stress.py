"""The stress run at a close: every scenario, every account, by revaluing (RULEBOOK 7)."""

from __future__ import annotations

from fractions import Fraction

from tests.twin.assets import equity
from tests.twin.books import Contract, House, Market
from tests.twin.positions import positions
from tests.twin.words import INT64_MAX

SHARD = "member/0"
MILLION = 1_000_000
LARGEST = 2
KEPT = 5
PARALLEL = {"up_25": 250_000, "down_25": -250_000, "up_50": 500_000, "down_50": -500_000}
FRONT = {"up_60": 600_000, "down_60": -600_000}
APART = 400_000
TWIST = 300_000
# By product and rank: the move in ppm; the contract and who has how many lots of it.
Moves = dict[tuple[str, int], int]
LotsOf = dict[tuple[str, int], tuple[Contract, dict[str, int]]]


def run_stress(house: House, at: int) -> tuple[str | None, int]:
    """State each scenario's two largest losses; give the scenario of the largest sum and it."""
    worst: tuple[str | None, int] = (None, 0)
    lots_of = {
        (product, rank): (contract, positions(contract))
        for product, market in house.markets.items()
        for rank, contract in enumerate(market.live())
    }
    for scenario, moves in scenarios(house):
        by_group: dict[str, int] = {}
        for account, cents in losses(lots_of, moves).items():
            holder = house.accounts[account].member
            if not house.members[holder].is_defaulted:
                group = house.members[holder].group or holder
                loss = over_margin(house, account, cents, at)
                by_group[group] = min(INT64_MAX, by_group.get(group, 0) + loss)
        losing = [(-cents, group) for group, cents in by_group.items() if cents]
        two = [(group, -cents) for cents, group in sorted(losing)[:LARGEST]]
        house.state(
            "stress_run/1", SHARD, at, business_date=house.session().isoformat(),
            scenario=scenario,
            losses=[{"group": group, "loss_cents": cents} for group, cents in two],
        )  # fmt: skip
        cover = min(INT64_MAX, sum(cents for _, cents in two))
        if cover > worst[1]:
            worst = (scenario, cover)
    return worst


def scenarios(house: House) -> list[tuple[str, Moves]]:
    """Give every scenario with its moves in ppm, by product and rank of the contract."""
    ranks = {name: len(market.live()) for name, market in house.markets.items()}
    every = [(product, rank) for product in sorted(ranks) for rank in range(ranks[product])]
    told: list[tuple[str, Moves]] = []
    for name, ppm in PARALLEL.items():
        told.append((f"parallel_{name}", dict.fromkeys(every, ppm)))
    for name, ppm in FRONT.items():
        told.append((f"front_{name}", {key: round(Fraction(ppm, 1 + key[1])) for key in every}))
    for name, sign in (("sit_up_scu_down_40", 1), ("sit_down_scu_up_40", -1)):
        apart = {"SIT": sign * APART, "SCU": -sign * APART}
        told.append((name, {key: apart.get(key[0], 0) for key in every}))
    for name, sign in (("twist", 1), ("twist_reverse", -1)):
        twisted = {key: sign * twist(key[1], ranks[key[0]]) for key in every}
        told.append((name, twisted))
    for product in sorted(house.markets):
        for name, ppm in historical(house.markets[product]):
            told.append((name, {key: ppm if key[0] == product else 0 for key in every}))
    return told


def twist(rank: int, count: int) -> int:
    """Give what twists: the front up, the last as far down, linearly between."""
    if count == 1:
        return TWIST
    return round(TWIST - Fraction(2 * TWIST * rank, count - 1))


def historical(market: Market) -> list[tuple[str, int]]:
    """Give the largest two-day moves of the fixings, up and down, by name."""
    fixings = market.index.fixings
    pairs = zip(fixings, fixings[2:], strict=False)
    moves = [round(Fraction(MILLION * after, before)) - MILLION for before, after in pairs]
    rises = sorted([ppm for ppm in moves if ppm > 0], reverse=True)[:KEPT]
    falls = sorted([ppm for ppm in moves if ppm < 0])[:KEPT]
    told = [(f"{market.product}_rise_{number}", ppm) for number, ppm in enumerate(rises, 1)]
    return told + [(f"{market.product}_fall_{number}", ppm) for number, ppm in enumerate(falls, 1)]


def losses(lots_of: LotsOf, moves: Moves) -> dict[str, int]:
    """Give what each account loses (+) when its positions move."""
    sums: dict[str, int] = {}
    for key, (contract, lots_by_account) in lots_of.items():
        change = change_of(contract, moves[key])
        for account, lots in lots_by_account.items():
            sums[account] = sums.get(account, 0) - lots * change
    return sums


def change_of(contract: Contract, ppm: int) -> int:
    """Give by how many ticks a contract moves; one without a price does not."""
    if contract.mark is None:
        return 0
    return max(1, contract.mark + round(Fraction(contract.mark * ppm, MILLION))) - contract.mark


def over_margin(house: House, account: str, loss: int, at: int) -> int:
    """Give what a loss takes beyond the account's margin, as far as that is there."""
    margin = min(house.treasury.initial.get(account, 0), max(0, equity(house, account, at)))
    return max(0, loss - margin)
