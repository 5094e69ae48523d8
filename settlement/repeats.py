"""The answer to a command sent again with the same content (WIRE §3)."""

from __future__ import annotations

from typing import Final


class Repeated:
    """The same content again: acknowledged in silence."""


REPEATED: Final = Repeated()
