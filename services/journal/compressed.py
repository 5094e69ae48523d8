"""The parts of a row's facts as the table holds them: packed with zlib.

In: facts, or what the table holds. Out: the other. A close says the same words by the million, a
fourteenth is left of them; Postgres' own packing takes four times as long and works while nothing
else does, and not every Postgres has a better one. The hash chain is over the facts themselves.
"""

import zlib

# Level 6 takes three times as long and saves a third more.
_LEVEL = 1
# A zlib stream begins with it; facts, which begin with a brace, never do.
_FIRST = b"\x78"


def packed(facts: bytes) -> bytes:
    """Facts as the table is to hold them."""
    return zlib.compress(facts, _LEVEL)


def unpacked(held: bytes) -> bytes:
    """The facts of what the table holds.

    Parts from before migration 3 stand there as they are. So does what is damaged: to whoever
    compares or reads it, it is not what was decided.
    """
    if not held.startswith(_FIRST):
        return held
    stream = zlib.decompressobj()
    try:
        facts = stream.decompress(held)
    except zlib.error:
        return held
    return facts if stream.eof and not stream.unused_data else held
