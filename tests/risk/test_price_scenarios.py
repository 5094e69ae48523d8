"""Scenarios with parameters of one's own."""

from __future__ import annotations

import pytest

from risk.price_model import OutOfDomain
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS, with_parameters

SCENARIO = PRICE_SCENARIOS[BASELINE]


def test_what_is_set_is_in_the_model_and_in_the_reason() -> None:
    changed = with_parameters(SCENARIO, {"kappa": 4.0, "beta": -0.5})
    assert (changed.model.kappa, changed.model.beta) == (4.0, -0.5)
    assert changed.model.sigma == SCENARIO.model.sigma
    assert changed.reason == "the paper's, table 3; set: kappa 4, beta -0.5"
    assert with_parameters(SCENARIO, {}) is SCENARIO


def test_another_name_or_a_value_outside_is_refused() -> None:
    with pytest.raises(OutOfDomain, match=r"parameter: expected one of kappa, .*, found speed"):
        with_parameters(SCENARIO, {"speed": 1.0})
    with pytest.raises(OutOfDomain, match="kappa: expected above 0, found -1"):
        with_parameters(SCENARIO, {"kappa": -1.0})
