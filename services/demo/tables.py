"""Tables of the page.

In: a caption, heads, rows of text. Out: HTML; text is escaped, `Html` is taken as it is. A head
that begins with = stands over numbers, which are set to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

SHOWN: Final = 30

_NUMBER: Final = ' class="number"'
_PLAIN: Final = ""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def table(caption: str, heads: Sequence[str], *, rows: Sequence[Sequence[str]]) -> str:
    """One table; a sentence instead of an empty one."""
    if not rows:
        return f'<p class="note">{escape(caption)}: none.</p>'
    are_numbers = [head.startswith("=") for head in heads]
    names = [head.removeprefix("=") for head in heads]
    head = _row("th", names, are_numbers=are_numbers)
    body = "".join(_row("td", row, are_numbers=are_numbers) for row in rows)
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>"
    )


def long_table(caption: str, heads: Sequence[str], *, rows: Sequence[Sequence[str]]) -> str:
    """A table that is folded up when it is long."""
    drawn = table(caption, heads, rows=rows)
    if len(rows) <= SHOWN:
        return drawn
    return f"<details><summary>{escape(caption)} ({len(rows)} rows)</summary>{drawn}</details>"


def _row(tag: str, cells: Sequence[str], *, are_numbers: Sequence[bool]) -> str:
    drawn = [
        f"<{tag}{_NUMBER if is_number else _PLAIN}>{_text(cell)}</{tag}>"
        for cell, is_number in zip(cells, are_numbers, strict=True)
    ]
    return "<tr>" + "".join(drawn) + "</tr>"


def _text(cell: str) -> str:
    return str(cell) if isinstance(cell, Html) else escape(cell)
