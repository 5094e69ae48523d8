"""The scenarios of the stress run (RULEBOOK §7): how far each contract moves, in ppm of its price.

In: the place of a contract on its product's curve; the largest two-day moves of each index. Out:
the scenarios in the order of the rulebook, first those of the table. A new scenario is one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

from events.units import round_half_even


class CurvePoint(NamedTuple):
    """A contract that goes on. rank: 0 for the front; contracts: how many of its product go on."""

    product: str
    rank: int
    contracts: int


MovePpm: TypeAlias = Callable[[CurvePoint], int]


class Scenario(NamedTuple):
    """A state of the world. move_ppm: of a contract's price; source: why it is thought of."""

    name: str
    move_ppm: MovePpm
    source: str


def parallel(move_ppm: int) -> MovePpm:
    """Every contract of every product moves alike."""
    return lambda _: move_ppm


def _front(move_ppm: int) -> MovePpm:
    """The front moves by all of it, rank k by a (1 + k)th."""
    return lambda point: round_half_even(Fraction(move_ppm, 1 + point.rank))


def by_product(**moves_ppm: int) -> MovePpm:
    """The contracts of each product move alike; those of products without a move stay."""
    return lambda point: moves_ppm.get(point.product, 0)


def _twist(move_ppm: int) -> MovePpm:
    """The front moves one way, the last the other way, those between on a line of ranks."""

    def moved(point: CurvePoint) -> int:
        steps = max(1, point.contracts - 1)
        return round_half_even(move_ppm - Fraction(2 * move_ppm * point.rank, steps))

    return moved


_LIMIT: Final = "a day at the second price limit (RULEBOOK §6)"
_TWO_LIMITS: Final = "two days at the second price limit (RULEBOOK §6)"
_SAMUELSON: Final = "the nearest delivery moves most (Samuelson 1965)"
_APART: Final = "the price of tokens and that of compute part: no credit between products holds"
_CURVE: Final = "the curve turns: calendar spreads lose on both legs"
_HISTORY: Final = "a two-day move of the index's own history (EMIR RTS 153/2013 art. 30)"

SCENARIOS: Final = (
    Scenario("parallel_up_25", parallel(250_000), _LIMIT),
    Scenario("parallel_down_25", parallel(-250_000), _LIMIT),
    Scenario("parallel_up_50", parallel(500_000), _TWO_LIMITS),
    Scenario("parallel_down_50", parallel(-500_000), _TWO_LIMITS),
    Scenario("front_up_60", _front(600_000), _SAMUELSON),
    Scenario("front_down_60", _front(-600_000), _SAMUELSON),
    Scenario("sit_up_scu_down_40", by_product(SIT=400_000, SCU=-400_000), _APART),
    Scenario("sit_down_scu_up_40", by_product(SIT=-400_000, SCU=400_000), _APART),
    Scenario("twist", _twist(300_000), _CURVE),
    Scenario("twist_reverse", _twist(-300_000), _CURVE),
)


def scenarios_of(moves_ppm: Mapping[str, Sequence[int]]) -> list[Scenario]:
    """The table, then the historical scenarios of each product, by name.

    moves_ppm: by product, rises first, the largest first, then falls.
    """
    historical = [
        Scenario(name, by_product(**{product: move_ppm}), _HISTORY)
        for product in sorted(moves_ppm)
        for name, move_ppm in _named(product, moves_ppm[product])
    ]
    return [*SCENARIOS, *historical]


def _named(product: str, moves_ppm: Sequence[int]) -> list[tuple[str, int]]:
    ways = {
        "rise": [move for move in moves_ppm if move > 0],
        "fall": [move for move in moves_ppm if move < 0],
    }
    return [
        (f"{product}_{way}_{number}", move_ppm)
        for way, moves in ways.items()
        for number, move_ppm in enumerate(moves, start=1)
    ]
