"""The layers of a default's waterfall on pages: what each is called, its colour, the picture.

In: what each layer pays, in cents. Out: a chart of steps (RULEBOOK §7, The waterfall).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from risk.waterfall import (
    ASSESSMENT,
    HOUSE_CAPITAL,
    MEMBER_FUND,
    MEMBER_HOUSE,
    OTHER_FUNDS,
    UNPAID,
)
from services.pages.chart import Chart, Tone
from services.pages.steps import Step, steps_chart

# In the order in which they pay.
LAYERS: Final[dict[str, tuple[str, Tone]]] = {
    MEMBER_HOUSE: ("its house account", "series-1"),
    MEMBER_FUND: ("its contribution", "series-2"),
    HOUSE_CAPITAL: ("the clearinghouse", "good"),
    OTHER_FUNDS: ("other contributions", "series-3"),
    ASSESSMENT: ("assessments", "series-4"),
    UNPAID: ("uncovered", "bad"),
}


def waterfall_chart(title: str, paid: Mapping[str, int], *, text_of: Callable[[int], str]) -> Chart:
    """The loss as a bar, below it a bar for each layer that pays. paid: above 0 in all."""
    loss_cents = sum(paid.values())
    steps = [
        Step(name, paid[layer], text_of(paid[layer]), tone)
        for layer, (name, tone) in LAYERS.items()
        if paid.get(layer)
    ]
    whole = Step("loss", loss_cents, text_of(loss_cents), "quiet")
    return steps_chart(title, whole, steps=steps, unit="USD")
