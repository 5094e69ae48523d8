"""What may stand between the cells of a CSV file, and in its prices before the cents."""

from __future__ import annotations

from typing import Final

# By the name an option gives it; the first is the usual one.
SEPARATORS: Final = {",": ",", ";": ";", "tab": "\t", "|": "|"}
DECIMAL_SIGNS: Final = (".", ",")
