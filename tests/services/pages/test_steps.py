"""A waterfall's picture: each step begins where the one before ended, the last ends the whole."""

from __future__ import annotations

import re

from services.pages.steps import Step, steps_chart

LOSS = Step("loss", 1_000, "$10.00", "quiet")
STEPS = [
    Step("own", 250, "$2.50", "series-1"),
    Step("a <b>", 0, "$0.00", "series-2"),
    Step("rest", 750, "$7.50", "bad"),
]


def bars(svg: str) -> dict[str, tuple[float, float]]:
    """Left and right of each bar, by tone."""
    found = re.findall(r'<path d="M([\d.]+) \d+H([\d.]+)v18H[\d.]+z" fill="var\(--([\w-]+)\)"', svg)
    return {tone: (float(left), float(right)) for left, right, tone in found}


def test_steps_fall_from_the_beginning_of_the_whole_to_its_end() -> None:
    drawn = bars(steps_chart("Who pays", LOSS, steps=STEPS, unit="USD").svg)
    # 440 pixels from 150 on: a quarter is 110.
    assert drawn == {
        "quiet": (150, 590), "series-1": (150, 260), "series-2": (260, 261.5), "bad": (260, 590),
    }  # fmt: skip


def test_labels_and_amounts_stand_beside_the_bars_and_are_escaped() -> None:
    drawn = steps_chart("Who <pays>", LOSS, steps=STEPS, unit="USD")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn.svg)
    assert texts == [
        "loss", "$10.00", "own", "$2.50", "a &lt;b&gt;", "$0.00", "rest", "$7.50",
    ]  # fmt: skip
    assert 'aria-label="Who &lt;pays&gt;"' in drawn.svg
    assert (drawn.title, drawn.unit, drawn.legend) == ("Who <pays>", "USD", [])


def test_the_same_steps_give_the_same_text_whatever_the_amounts() -> None:
    huge = [step._replace(amount=step.amount * 10**30) for step in STEPS]
    whole = LOSS._replace(amount=LOSS.amount * 10**30)
    small = steps_chart("Who pays", LOSS, steps=STEPS, unit="USD")
    assert steps_chart("Who pays", whole, steps=huge, unit="USD") == small
