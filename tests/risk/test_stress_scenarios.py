"""The scenarios of the stress run (RULEBOOK §7), each move worked by hand."""

from __future__ import annotations

import pytest

from risk.stress_scenarios import SCENARIOS, CurvePoint, scenarios_of

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def moves(name: str, *, contracts: int, product: str = "SIT") -> list[int]:
    """The moves of all contracts of a product, the front first."""
    points = [CurvePoint(product, rank, contracts) for rank in range(contracts)]
    return [BY_NAME[name].move_ppm(point) for point in points]


def test_the_table_is_in_the_order_of_the_rulebook() -> None:
    assert [*BY_NAME] == [
        "parallel_up_25", "parallel_down_25", "parallel_up_50", "parallel_down_50", "front_up_60",
        "front_down_60", "sit_up_scu_down_40", "sit_down_scu_up_40", "twist", "twist_reverse",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parallel_up_25", [250_000, 250_000]),
        ("parallel_down_25", [-250_000, -250_000]),
        ("parallel_up_50", [500_000, 500_000]),
        ("parallel_down_50", [-500_000, -500_000]),
        ("front_up_60", [600_000, 300_000, 200_000, 150_000, 120_000, 100_000, 85_714]),
        # 600,000 / 7 = 85,714.28…; 600,000 / 64 = 9,375 exactly.
        ("front_down_60", [-600_000, -300_000, -200_000, -150_000, -120_000, -100_000, -85_714]),
        ("twist", [300_000, 150_000, 0, -150_000, -300_000]),
        # Thirds of 600,000; sevenths are rounded: 300,000 − 85,714.29 = 214,285.71…
        ("twist", [300_000, 100_000, -100_000, -300_000]),
        ("twist_reverse", [-300_000, 300_000]),
        ("twist", [300_000]),
        ("twist_reverse", [-300_000]),
    ],
)
def test_a_scenario_moves_the_ranks_of_a_curve(name: str, expected: list[int]) -> None:
    assert moves(name, contracts=len(expected)) == expected


def test_a_share_of_a_move_is_rounded_half_to_even() -> None:
    # 600,000 / 128 = 4,687.5; the even neighbour is 4,688. 600,000 / 192 = 3,125 exactly.
    assert BY_NAME["front_up_60"].move_ppm(CurvePoint("SIT", 127, 200)) == 4_688
    # 300,000 − 600,000 · 1/7 = 214,285.71…, of rank 2 128,571.43…
    assert moves("twist", contracts=8)[1:3] == [214_286, 128_571]
    # 300,000 − 600,000 / 64 = 290,625; of 128 steps 295,312.5: the even neighbour is 295,312.
    assert moves("twist", contracts=129)[1] == 295_312


@pytest.mark.parametrize(
    ("name", "sit", "scu"),
    [("sit_up_scu_down_40", 400_000, -400_000), ("sit_down_scu_up_40", -400_000, 400_000)],
)
def test_the_products_part(name: str, sit: int, scu: int) -> None:
    assert moves(name, contracts=2) == [sit, sit]
    assert moves(name, contracts=2, product="SCU") == [scu, scu]


def test_historical_scenarios_are_numbered_by_product_rises_first() -> None:
    named = scenarios_of({"SIT": [500, 200, -300], "SCU": [-7, -2]})[len(SCENARIOS) :]
    assert [scenario.name for scenario in named] == [
        "SCU_fall_1", "SCU_fall_2", "SIT_rise_1", "SIT_rise_2", "SIT_fall_1",
    ]  # fmt: skip
    front, compute = CurvePoint("SIT", 0, 1), CurvePoint("SCU", 3, 9)
    assert [scenario.move_ppm(front) for scenario in named] == [0, 0, 500, 200, -300]
    assert [scenario.move_ppm(compute) for scenario in named] == [-7, -2, 0, 0, 0]


def test_without_history_there_is_the_table() -> None:
    assert scenarios_of({"SIT": []}) == [*SCENARIOS]


def test_every_scenario_names_its_source() -> None:
    assert all(scenario.source for scenario in scenarios_of({"SIT": [1]}))
