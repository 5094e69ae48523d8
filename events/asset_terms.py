"""The terms on which an asset counts as collateral (RULEBOOK §5)."""

from __future__ import annotations

from typing import NamedTuple


class AssetTerms(NamedTuple):
    """What an asset counts for.

    haircut_ppm: off its value; share_ppm: of the requirement at most; fresh_hours: how old its
    price may be.
    """

    haircut_ppm: int
    share_ppm: int
    fresh_hours: int
