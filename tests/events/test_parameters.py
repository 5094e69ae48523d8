"""What may be configured, and to what (RULEBOOK, lines marked D)."""

from __future__ import annotations

import pytest

from events.parameters import PARAMETERS, is_known_product


@pytest.mark.parametrize(
    ("name", "text", "is_valid"),
    [
        ("margin_days", "1", True),
        ("margin_days", "252", True),
        ("margin_days", "0", False),
        ("margin_days", "253", False),
        ("margin_days", "-1", False),
        ("margin_days", "2.0", False),
        ("margin_days", "\u0662", False),
        ("margin_days", "", False),
        ("margin_floor_ppm", "1000000", True),
        ("margin_floor_ppm", "1000001", False),
        ("position_floor_cents", "9223372036854775807", True),
        ("position_floor_cents", "9223372036854775808", False),
        ("position_floor_cents", "9" * 5_000, False),
        ("margin_model", "paper", True),
        ("product_in_use", "true", True),
        ("product_in_use", "false", False),
        ("holidays", "2024-06-19", True),
        ("holidays", "2024-06-19,2030-06-19", True),
        ("holidays", "2024-06-31", False),
        ("holidays", "2024-06-19, 2030-06-19", False),
        ("holidays", "2024-06-19,", False),
    ],
)
def test_a_value_is_of_its_parameters_kind(name: str, text: str, *, is_valid: bool) -> None:
    assert PARAMETERS[name].is_valid(text) is is_valid


def test_every_default_is_itself_valid_but_for_those_that_say_nothing() -> None:
    silent = {"product_in_use", "holidays"}
    for name, entry in PARAMETERS.items():
        assert entry.name == name
        assert name in silent or entry.is_valid(entry.default), name


def test_products_are_those_of_the_contract_table() -> None:
    assert is_known_product("SIT")
    assert is_known_product("SCU")
    assert not is_known_product("XYZ")
