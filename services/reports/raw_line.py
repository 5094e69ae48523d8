"""An input line as printable text.

In: bytes. Out: text without control characters, and the bytes in hexadecimal where the text is not
exact; its fields, where it has any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def readable(line: bytes) -> tuple[str, str | None]:
    """The line as text, and its bytes in hexadecimal if the text had to be changed."""
    text = line.decode("utf-8", "backslashreplace")
    shown = printable(text)
    return shown, None if shown.encode() == line else line.hex()


def readable_fields(line: bytes) -> Mapping[str, Any]:
    """The fields of a line, for finding it; a refused one may be anything."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def printable(text: str) -> str:
    """Text with what cannot be printed written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
