"""When to log a trouble that lasts: once it is longer than usual, and then once a minute.

In: how long it has lasted. Out: whether to log it now.
"""

from __future__ import annotations

from math import inf
from typing import Final

# Longer than a batch, a close of a large market or a transaction of another producer usually takes.
USUAL_S: Final = 5.0
REPEAT_S: Final = 60.0


class Lasting:
    """One trouble of one shard."""

    def __init__(self) -> None:
        self._logged_at = -inf

    def is_to_log(self, seconds: float, *, now: float) -> bool:
        """True if it is time for a line. seconds: since it began."""
        is_due = seconds >= USUAL_S and now - self._logged_at >= REPEAT_S
        if is_due:
            self._logged_at = now
        return is_due
