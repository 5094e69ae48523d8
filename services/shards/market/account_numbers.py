"""The numbers of accounts by name, looked up by the column.

In: names. Out: numbers. A dictionary has them all. Where many are asked for, a hash table in arrays
says most of them at once: each look-up in the dictionary would wait for memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray, integers
from events.texts import Texts

UNKNOWN: Final = -1
_WORD_BYTES: Final = 8
# Fewer names are looked up in the dictionary.
_TABLE_FEWEST: Final = 256
# Slots for each name, or up to twice as many: at most an eighth of the names find theirs taken.
_SLOTS: Final = 4
# The table is made anew when it lacks more than a share of the names.
_LACKING_SHARE: Final = 8
# Powers of the fraction of the golden ratio, which is odd: one for each word of a name.
_FACTORS: Final = np.uint64(0x9E3779B97F4A7C15) ** np.arange(1, 9, dtype=np.uint64)


@dataclass(slots=True)
class AccountNumbers:
    """Accounts' names and numbers, from 0 on as they were opened."""

    by_name: dict[bytes, int] = field(default_factory=dict)
    _names: npt.NDArray[np.bytes_] = field(default_factory=lambda: np.zeros(0, "S8"))
    _slots: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(2, np.int32))

    def __len__(self) -> int:
        return len(self.by_name)

    def add(self, name: bytes, number: int) -> None:
        """Add an account; they come in the order of their numbers."""
        assert name not in self.by_name, f"{name.decode()} already exists"
        assert number == len(self), (name, number)
        self.by_name[name] = number

    def of(self, names: Texts) -> IntArray:
        """The number of each name, −1 where no account has it."""
        if len(names) < _TABLE_FEWEST or not len(self):
            return self._each(names)
        if len(self) - len(self._names) > len(self) // _LACKING_SHARE:
            self._make_table()
        padded = names.padded(self._names.itemsize)
        if padded.dtype != self._names.dtype:
            return self._each(names)
        numbers = self._slots[self._hashed(padded)].astype(np.int64)
        unlisted = np.flatnonzero(self._names[numbers] != padded)
        numbers[unlisted] = self._each(names[unlisted])
        return numbers

    def _each(self, names: Texts) -> IntArray:
        return integers(map(self.by_name.get, names, repeat(UNKNOWN)), len(names))

    def _make_table(self) -> None:
        """Put each name in its slot, or another name that has the same one."""
        names = Texts.of([*self.by_name])
        longest = int(names.lengths.max())
        self._names = names.padded(-(-longest // _WORD_BYTES) * _WORD_BYTES)
        self._slots = np.zeros(1 << (_SLOTS * len(names)).bit_length(), np.int32)
        self._slots[self._hashed(self._names)] = np.arange(len(names), dtype=np.int32)

    def _hashed(self, padded: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint64]:
        """The slot of each name."""
        words = padded.view(np.uint64).reshape(len(padded), -1)
        hashed: npt.NDArray[np.uint64] = (words * _FACTORS[: words.shape[1]]).sum(axis=1)
        return hashed >> np.uint64(65 - len(self._slots).bit_length())
