"""Texts of any lengths by the thousand, as a column: one buffer, where each begins, where it ends.

In: bytes. Out: the same texts cut, compared, read as numbers and joined row by row, without an
object for each. What depends on a length is done once for each length there is: ids of sixty
lengths cost little more than those of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Final, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray, integers

Bools = npt.NDArray[np.bool_]
Letters = npt.NDArray[np.uint8]
# Numbers of rows, or a mask of them; a slice copies nothing.
Rows: TypeAlias = "slice | npt.NDArray[np.intp] | Bools"

_ZERO: Final = ord("0")
_MINUS: Final = ord("-")
_SHORT: Final = 1 << 16
# Longer texts are looked at one by one, or by their lengths.
_PADDED_MAX: Final = 64
# As many texts are joined, and integers written, one by one: columns would cost more.
_FEW: Final = 100
_POWERS: Final = 10 ** np.arange(19, dtype=np.int64)
_FOURS: Final = np.array([b"%04d" % number for number in range(10_000)])


@dataclass(slots=True, eq=False)
class Texts(Sequence[bytes]):
    """A column of texts, read only. starts, ends: of each in the buffer, in any order."""

    buffer: bytes
    starts: IntArray
    ends: IntArray

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Texts:
        """A column of some texts."""
        if isinstance(texts, Texts):
            return texts
        return cls.adjoining(b"".join(texts), integers(map(len, texts), len(texts)))

    @classmethod
    def adjoining(cls, buffer: bytes, lengths: IntArray) -> Texts:
        """The texts of some lengths that follow one another in a buffer."""
        ends = np.cumsum(lengths)
        return cls(buffer, ends - lengths, ends)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: Rows) -> Texts: ...
    def __getitem__(self, index: int | Rows) -> bytes | Texts:
        if isinstance(index, slice | np.ndarray):
            return Texts(self.buffer, self.starts[index], self.ends[index])
        return self.buffer[self.starts[index] : self.ends[index]]

    def __iter__(self) -> Iterator[bytes]:
        buffer = self.buffer
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield buffer[start:end]

    def __eq__(self, texts: object) -> bool:
        return isinstance(texts, Sequence) and [*self] == [*texts]

    __hash__ = None  # type: ignore[assignment]

    @property
    def lengths(self) -> IntArray:
        """The length of each."""
        return self.ends - self.starts

    def by_length(self, *, spare: int = 0) -> Iterator[tuple[int, Rows, Letters]]:
        """For each length: it, the rows that have it, their letters. Shape (rows, length).

        spare: so many letters behind a text may come with it; that saves looking at each length.
        """
        lengths = self.lengths
        if len(lengths) == 0:
            return
        low, high = int(lengths.min()), int(lengths.max())
        if low == high or (
            high - low <= spare and int(self.starts.max()) + high <= len(self.buffer)
        ):
            yield from self._letters(high, slice(None))
            return
        short = lengths.astype(np.uint16) if high < _SHORT else lengths
        order = np.argsort(short, kind="stable")
        ordered = short[order]
        cuts = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(order)]
        for first, end in pairwise(cuts):
            yield from self._letters(int(ordered[first]), order[first:end])

    def _letters(self, length: int, rows: Rows) -> Iterator[tuple[int, Rows, Letters]]:
        if length:
            cut = _windows(self.buffer, length)[self.starts[rows]]
            yield length, rows, cut.view(np.uint8).reshape(len(cut), length)

    def padded(self, length: int = 1) -> npt.NDArray[np.bytes_]:
        """The texts, filled with zeros to the length of the longest, or to a greater one."""
        table = np.zeros(len(self), f"S{max(length, int(self.lengths.max(initial=1)))}")
        for width, rows, letters in self.by_length():
            table[rows] = letters.view(f"S{width}")[:, 0]
        return table

    def words(self) -> list[bytes]:
        """The texts as objects. None may end with a zero byte, which would be lost."""
        if not self._fits_padded():
            return [text.rstrip(b"\x00") for text in self]
        words: list[bytes] = self.padded().tolist()
        return words

    def _fits_padded(self) -> bool:
        """Whether all texts are short; a long one would fill up all others to its length."""
        return int(self.lengths.max(initial=0)) <= _PADDED_MAX

    def equal(self, text: bytes) -> Bools:
        """Whether each is this text."""
        cuts = _windows(self.buffer, len(text))[self.starts]
        if cuts.tobytes() == text * len(cuts):
            return np.ones(len(cuts), np.bool_)
        is_equal: Bools = cuts == text
        return is_equal

    def replaced(self, rows: Sequence[int], texts: Sequence[bytes]) -> Texts:
        """The column with other texts in some rows."""
        column = Texts.of(texts)
        starts, ends = self.starts.copy(), self.ends.copy()
        starts[[*rows]] = column.starts + len(self.buffer)
        ends[[*rows]] = column.ends + len(self.buffer)
        return Texts(self.buffer + column.buffer, starts, ends)

    def replaced_where(self, mask: Bools, text: bytes) -> Texts:
        """The column with one text in the rows of a mask."""
        starts = np.where(mask, len(self.buffer), self.starts)
        ends = np.where(mask, len(self.buffer) + len(text), self.ends)
        return Texts(self.buffer + text, starts, ends)

    def starts_with(self, letter: int) -> Bools:
        """Whether each has this first letter. No text may be empty."""
        starts: Bools = np.frombuffer(self.buffer, np.uint8)[self.starts] == letter
        return starts

    def ends_with(self, letter: int) -> Bools:
        """Whether each has this last letter. No text may be empty."""
        ends: Bools = np.frombuffer(self.buffer, np.uint8)[self.ends - 1] == letter
        return ends

    def contain(self, letter: int) -> Bools:
        """Whether each has this letter."""
        at = np.flatnonzero(np.frombuffer(self.buffer, np.uint8) == letter)
        has: Bools = np.searchsorted(at, self.starts) < np.searchsorted(at, self.ends)
        return has

    def consist_of(self, letters: Bools) -> Bools:
        """Whether each has only letters that may be there. letters: of all 256 bytes."""
        if not letters[0] and self._fits_padded():
            padded = self.padded()
            allowed = np.flatnonzero(letters).astype(np.uint8).tobytes()
            filling = padded.nbytes - int(self.lengths.sum())
            if padded.tobytes().translate(None, allowed) == bytes(filling):
                return np.ones(len(self), np.bool_)
        good = np.ones(len(self), np.bool_)
        for _, rows, table in self.by_length():
            good[rows] = letters[table].all(axis=1)
        return good

    def numbers(self) -> IntArray:
        """Texts of 1 to 18 digits as integers."""
        values = np.zeros(len(self), np.int64)
        for length, rows, letters in self.by_length():
            values[rows] = (letters - np.uint8(_ZERO)) @ _POWERS[:length][::-1]
        return values


def runs_between(lone: Sequence[int], count: int) -> Iterator[slice | int]:
    """So many rows in order: runs of them as slices, and the lone ones between by their numbers."""
    first = 0
    for number in lone:
        if first < number:
            yield slice(first, number)
        yield number
        first = number + 1
    if first < count:
        yield slice(first, count)


def letters_of(text: bytes) -> Bools:
    """Of all 256 bytes, whether each is in a text."""
    letters = np.zeros(256, np.bool_)
    letters[[*text]] = True
    return letters


DIGITS: Final = letters_of(b"0123456789")


def decimals(values: IntArray) -> Texts:
    """Integers in digits; many are written four digits at a time."""
    if len(values) <= _FEW:
        return Texts.of([b"%d" % value for value in values.tolist()])
    remaining, is_negative = np.abs(values).view(np.uint64), values < 0
    digits = np.searchsorted(_POWERS.astype(np.uint64), remaining, side="right")
    lengths = np.maximum(digits, 1) + is_negative
    fours = -(-int(lengths.max()) // 4)
    table = np.empty((len(values), fours), _FOURS.dtype)
    for four in reversed(range(fours)):
        higher = remaining // np.uint64(len(_FOURS))
        table[:, four] = _FOURS[(remaining - higher * np.uint64(len(_FOURS))).view(np.int64)]
        remaining = higher
    ends = np.arange(1, len(values) + 1) * (4 * fours)
    table.view(np.uint8).reshape(-1)[(ends - lengths)[is_negative]] = _MINUS
    return Texts(table.tobytes(), ends - lengths, ends)


def records(count: int, *columns: tuple[npt.DTypeLike, npt.ArrayLike]) -> Texts:
    """Numbers side by side as bytes. columns: the format of each and its values, or one of all."""
    table = np.empty(count, [(f"{number}", kind) for number, (kind, _) in enumerate(columns)])
    for number, (_, values) in enumerate(columns):
        table[f"{number}"] = values
    ends = np.arange(1, count + 1) * table.itemsize
    return Texts(table.tobytes(), ends - table.itemsize, ends)


def joined(pieces: Sequence[bytes | Texts]) -> Texts:
    """Texts of pieces, one of each column; bytes stand in every row. At least one is a column."""
    if _count_of(pieces) <= _FEW:
        return Texts.of([*_joined_each(pieces)])
    letters, starts, ends = _laid_out(pieces)
    return Texts(letters.tobytes(), starts, ends)


def joined_in_one(pieces: Sequence[bytes | Texts]) -> memoryview:
    """The same texts one behind the other, which need no column."""
    if _count_of(pieces) <= _FEW:
        return memoryview(b"".join(_joined_each(pieces)))
    return _laid_out(pieces)[0].data


def _count_of(pieces: Sequence[bytes | Texts]) -> int:
    """The number of texts that pieces make."""
    return next(len(piece) for piece in pieces if isinstance(piece, Texts))


def _joined_each(pieces: Sequence[bytes | Texts]) -> Iterator[bytes]:
    """The texts one by one."""
    columns = [repeat(piece) if isinstance(piece, bytes) else piece for piece in pieces]
    return map(b"".join, zip(*columns, strict=False))


def _laid_out(pieces: Sequence[bytes | Texts]) -> tuple[Letters, IntArray, IntArray]:
    """The letters of at least one joined text, where each text begins, where it ends."""
    lengths = [_lengths_of(piece) for piece in pieces]
    summed = sum(lengths, np.zeros(_count_of(pieces), np.int64))
    ends = np.cumsum(summed)
    at = ends - summed
    made, starts = np.empty(int(ends[-1]), np.uint8), at.copy()
    # What comes with a text from behind it is overwritten by the pieces that follow in its row.
    least = [int(of_piece.min()) for of_piece in lengths]
    spare = sum(least)
    for piece, of_piece, shortest in zip(pieces, lengths, least, strict=True):
        spare -= shortest
        if isinstance(piece, bytes):
            if piece:
                _windows(made, len(piece))[at] = np.frombuffer(piece, f"S{len(piece)}")
        else:
            for length, rows, letters in piece.by_length(spare=spare):
                _windows(made, length)[at[rows]] = letters.view(f"S{length}")[:, 0]
        at += of_piece
    return made, starts, ends


def _lengths_of(piece: bytes | Texts) -> IntArray:
    return np.array(len(piece)) if isinstance(piece, bytes) else piece.lengths


def stacked(columns: Sequence[Texts]) -> Texts:
    """The rows of columns, those of each behind those of the one before."""
    starts, ends, offset = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for column in columns:
        starts.append(column.starts + offset)
        ends.append(column.ends + offset)
        offset += len(column.buffer)
    buffer = b"".join([column.buffer for column in columns])
    return Texts(buffer, np.concatenate(starts), np.concatenate(ends))


def merged(first: Texts, second: Texts, *, is_second: Bools) -> Texts:
    """One column of two, each in its order. is_second: of which column each row is."""
    rows = np.empty(len(is_second), np.intp)
    rows[~is_second] = np.arange(len(first))
    rows[is_second] = len(first) + np.arange(len(second))
    return stacked((first, second))[rows]


def _windows(buffer: bytes | Letters, length: int) -> npt.NDArray[np.bytes_]:
    """Of each place in a buffer the letters from it on; shares the buffer's memory."""
    count = max(len(buffer) - length + 1, 0)
    return np.ndarray((count,), f"S{length}", buffer, strides=(1,))
