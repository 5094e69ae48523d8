"""A filter over the ids of one span: says "new" for certain, or "perhaps known".

In: 64-bit keys that are hashes already. Two Bloom filters with blocks of one 64-bit word (Putze,
Sanders & Singler 2007, §3), 8 bits an id each, placed by independent bits of the key. A look-up
asks the second only for what the first lets through, so it costs one memory access a key.
Together they let 1 in 1,100 new keys through when the span is full; one filter of 16 bits an id
would let 1 in 250.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

UInt64s = NDArray[np.uint64]

# Part of the schema, as the words are kept in the database.
IDS_PER_WORD = 8
PROBES = 4
SECOND_HASH = np.uint64(0x9E3779B97F4A7C15)


class IdFilter:
    """The filter of a span of so many ids, a power of two and at least sixteen."""

    def __init__(self, ids: int) -> None:
        """Nothing is known yet."""
        self._block_bits = (ids // IDS_PER_WORD).bit_length() - 1
        assert ids == IDS_PER_WORD << self._block_bits > IDS_PER_WORD, ids
        self._words = np.zeros((2, ids // IDS_PER_WORD), np.uint64)

    @classmethod
    def from_bytes(cls, ids: int, packed: bytes) -> Self:
        """The filter that `to_bytes` gave."""
        made = cls(ids)
        made._words = np.frombuffer(packed, "<u8").astype(np.uint64).reshape(made._words.shape)
        return made

    def to_bytes(self) -> bytes:
        """The words, little-endian."""
        return self._words.astype("<u8").tobytes()

    @property
    def nbytes(self) -> int:
        """Memory of the words."""
        return self._words.nbytes

    def add(self, keys: UInt64s) -> None:
        """Make keys known."""
        for words, hashed in zip(self._words, (keys, keys * SECOND_HASH), strict=True):
            np.bitwise_or.at(words, self.block(hashed), bits(hashed))

    def block(self, hashed: UInt64s) -> UInt64s:
        """The word of each key in its filter."""
        return hashed >> np.uint64(64 - self._block_bits)

    def perhaps(self, keys: UInt64s, block: UInt64s, *, wanted: UInt64s) -> UInt64s:
        """The keys that are perhaps known; their `block` and `bits` serve all spans."""
        some: UInt64s = keys[(self._words[0][block] & wanted) == wanted]
        if len(some) == 0:
            return some
        hashed = some * SECOND_HASH
        wanted = bits(hashed)
        through: UInt64s = some[(self._words[1][self.block(hashed)] & wanted) == wanted]
        return through


def bits(hashed: UInt64s) -> UInt64s:
    """The bits of each key in its word, from bits of the hash that do not choose the word."""
    wanted = np.zeros(len(hashed), np.uint64)
    for probe in range(PROBES):
        wanted |= np.uint64(1) << ((hashed >> np.uint64(6 * probe + 12)) & np.uint64(63))
    return wanted
