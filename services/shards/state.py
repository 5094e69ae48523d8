"""Hashes and snapshots of books (ARCHITECTURE §3).

One description serves both: a JSON tree in which columns are replaced, for a hash by the SHA-256 of
the column in the order of account names, for a snapshot by the number of the raw column behind the
tree. A hash covers no offset, sequence number or time of processing; a snapshot adds them to the
tree. The trees are defined in the `state` module of each kind of shard.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import numpy as np

from events.int64 import IntArray

# The replacement of a column in a tree.
Column = Callable[["array[int]"], Any]

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(tree: object) -> str:
    """The hash of a tree."""
    return hashlib.sha256(canonical_json(tree)).hexdigest()


def canonical_json(tree: object) -> bytes:
    """The tree as compact JSON with sorted keys."""
    return _ENCODER.encode(tree).encode()


def column_hash(column: array[int]) -> str:
    """The hash of a column in its own order."""
    return hashlib.sha256(column.tobytes()).hexdigest()


def column_hash_in(order: IntArray) -> Column:
    """A hash of columns over account numbers, in an order of the numbers."""

    def hash_in_order(column: array[int]) -> str:
        ordered = np.frombuffer(column, dtype=np.int64)[order] if len(column) else order[:0]
        return hashlib.sha256(ordered.astype("<i8").tobytes()).hexdigest()

    return hash_in_order


class SnapshotColumns:
    """Raw columns behind a snapshot's tree; a column in the tree is its number among them."""

    def __init__(self) -> None:
        self._raw: list[bytes] = []

    def __call__(self, column: array[int]) -> int:
        """Append a column; gives its number."""
        self._raw.append(column.tobytes())
        return len(self._raw) - 1

    def joined(self, tree: dict[str, Any]) -> bytes:
        """The snapshot: the tree, then the columns."""
        head = {**tree, "columns": [len(raw) for raw in self._raw]}
        return canonical_json(head) + b"\n" + b"".join(self._raw)


def split_snapshot(state: bytes) -> tuple[dict[str, Any], Sequence[array[int]]]:
    """The tree of a snapshot and its columns."""
    head, _, raw = state.partition(b"\n")
    tree = json.loads(head)
    columns, offset = [], 0
    for length in tree["columns"]:
        column = array("q")
        column.frombytes(raw[offset : offset + length])
        columns.append(column)
        offset += length
    return tree, columns


def day_text(day: date | None) -> str | None:
    """A day as text for a tree."""
    return None if day is None else day.isoformat()


def parse_day(text: str | None) -> date | None:
    """A day from the text of a tree."""
    return None if text is None else date.fromisoformat(text)
