"""Findings of an audit: for each shard the first row that differs from its expected content.

In: rows, and the difference of each from the expected. Out: one line per shard, in the order of the
rows' numbers in their shards' names. Later findings of a shard mostly follow from the first, so
they are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SHOWN: Final = 120


class Findings:
    """The first finding of each shard, by seq; findings apart from shards go by their own name."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[int, str]] = {}

    def note(self, shard: str, seq: int, *, finding: str) -> None:
        """A row differs from its expected content."""
        first = self._first.get(shard)
        if first is None or seq < first[0]:
            self._first[shard] = (seq, f"{shard} seq {seq} {finding}")

    def note_apart(self, name: str, *, finding: str) -> None:
        """A record that is no row of a shard differs from its expected content."""
        self._first.setdefault(name, (-1, f"{name} {finding}"))

    def __contains__(self, shard: object) -> bool:
        return shard in self._first

    def lines(self) -> list[str]:
        """One line for each shard with a finding."""
        return [text for _, (_, text) in sorted(self._first.items())]


def first_difference(
    columns: Sequence[str], expected: Sequence[object], *, recorded: Sequence[object]
) -> str | None:
    """The first column in which two rows differ, with both contents; None when they are equal."""
    for name, cell, recorded_cell in zip(columns, expected, recorded, strict=True):
        if cell != recorded_cell:
            return f"{name}: {contrast(cell, recorded_cell)}"
    return None


def contrast(expected: object, recorded: object) -> str:
    """Expected and recorded content; of long bytes an excerpt about the first difference."""
    if isinstance(expected, bytes) and isinstance(recorded, bytes):
        return f"expected {_excerpt(expected, recorded)}, found {_excerpt(recorded, expected)}"
    return f"expected {expected}, found {recorded}"


def _excerpt(content: bytes, opposite: bytes) -> str:
    if not content:
        return "nothing"
    if not content.isascii():
        content, opposite = content.hex().encode(), opposite.hex().encode()
    if len(content) <= _SHOWN:
        return content.decode()
    pairs = enumerate(zip(content, opposite, strict=False))
    shorter = min(len(content), len(opposite))
    differs_at = next((index for index, (a, b) in pairs if a != b), shorter)
    first = max(0, differs_at - _SHOWN // 2)
    shown = content[first : first + _SHOWN]
    return f"{'…' if first else ''}{shown.decode()}{'…' if first + _SHOWN < len(content) else ''}"
