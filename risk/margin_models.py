"""The table of margin models: one line each; a product's configuration names one (RULEBOOK §5)."""

from __future__ import annotations

from typing import Final

from risk.margin_paper import paper
from risk.margin_rate import MarginModel, MarginParameters, MarginRate, is_above_band

__all__ = [
    "MODELS",
    "MODEL_DEFAULT",
    "MarginModel",
    "MarginParameters",
    "MarginRate",
    "is_above_band",
]

MODEL_DEFAULT: Final = "paper"

MODELS: Final[dict[str, MarginModel]] = {
    "paper": paper,
}
