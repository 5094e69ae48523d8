"""An input line as printable text.

In: bytes. Out: text without control characters, and the bytes in hexadecimal where the text is not
exact.
"""

from __future__ import annotations


def readable(line: bytes) -> tuple[str, str | None]:
    """The line as text, and its bytes in hexadecimal if the text had to be changed."""
    text = line.decode("utf-8", "backslashreplace")
    shown = printable(text)
    return shown, None if shown.encode() == line else line.hex()


def printable(text: str) -> str:
    """Text with what cannot be printed written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
