"""What an audit found: for each shard the first row that is not as it should be.

In: places and what was expected and found there. Out: one line per shard, in the order of the
rows' places in their shards' names. Later findings of a shard follow from the first more often
than not, so they are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SHOWN: Final = 120


class Findings:
    """The first finding of each shard, by seq; what belongs to no shard goes by its own name."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[int, str]] = {}

    def note(self, shard: str, seq: int, *, found: str) -> None:
        """A row is not as it should be."""
        known = self._first.get(shard)
        if known is None or seq < known[0]:
            self._first[shard] = (seq, f"{shard} seq {seq} {found}")

    def note_apart(self, name: str, *, found: str) -> None:
        """Something that is no row of a shard is not as it should be."""
        self._first.setdefault(name, (-1, f"{name} {found}"))

    def __contains__(self, shard: object) -> bool:
        return shard in self._first

    def lines(self) -> list[str]:
        """One line for each shard with a finding."""
        return [text for _, (_, text) in sorted(self._first.items())]


def first_difference(
    columns: Sequence[str], expected: Sequence[object], *, found: Sequence[object]
) -> str | None:
    """The first column in which two rows differ, what was expected and found; None when in none."""
    for name, wanted, got in zip(columns, expected, found, strict=True):
        if wanted != got:
            return f"{name}: {contrast(wanted, got)}"
    return None


def contrast(expected: object, found: object) -> str:
    """What was expected and found; of long bytes what stands around the first difference."""
    if isinstance(expected, bytes) and isinstance(found, bytes):
        return f"expected {_excerpt(expected, found)}, found {_excerpt(found, expected)}"
    return f"expected {expected}, found {found}"


def _excerpt(value: bytes, other: bytes) -> str:
    if not value:
        return "nothing"
    if not value.isascii():
        value, other = value.hex().encode(), other.hex().encode()
    if len(value) <= _SHOWN:
        return value.decode()
    pairs = enumerate(zip(value, other, strict=False))
    place = next((at for at, (a, b) in pairs if a != b), min(len(value), len(other)))
    first = max(0, place - _SHOWN // 2)
    shown = value[first : first + _SHOWN]
    return f"{'…' if first else ''}{shown.decode()}{'…' if first + _SHOWN < len(value) else ''}"
