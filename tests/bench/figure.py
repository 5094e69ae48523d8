"""What a bench says: figures of ours and of a baseline from one run, as one line of JSON.

The first figure also stands at the top of the line as `ours`, `baseline`, `ratio`. A ratio is read
against `target`: `at_least` where more is better, `at_most` where less is.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison. ours, baseline: in `unit`."""

    name: str
    unit: str
    ours: float
    baseline: float
    target: float
    sense: Literal["at_least", "at_most"]

    @property
    def ratio(self) -> float:
        """Ours over the baseline."""
        return self.ours / self.baseline


def line_of(bench: str, figures: list[Figure], **more: object) -> dict[str, Any]:
    """The fields of a bench's line. more: sizes and what else was seen."""
    first = figures[0]
    stated = [{**asdict(one), "ratio": one.ratio} for one in figures]
    return {
        "bench": bench,
        "ours": _rounded(first.ours),
        "baseline": _rounded(first.baseline),
        "ratio": _rounded(first.ratio),
        "figures": [{name: _rounded(value) for name, value in one.items()} for one in stated],
        **{name: _rounded(value) for name, value in more.items()},
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _rounded(value: object) -> object:
    """Four significant digits."""
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
