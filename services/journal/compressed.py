"""Compression of the facts of a part: zlib.

In: facts, or the bytes of the table. Out: the bytes, or the facts. The facts of a close repeat each
other and shrink to a fourteenth. Postgres' own compression takes four times as long, during the
COMMIT, and not every Postgres has a better one. The hash chain is over the facts before
compression.
"""

import zlib

# Level 6 takes three times as long and saves a third more.
_LEVEL = 1
# A zlib stream begins with it; facts, which begin with a brace, never do.
_FIRST = b"\x78"


def packed(facts: bytes) -> bytes:
    """Facts as the table is to hold them."""
    return zlib.compress(facts, _LEVEL)


def decompressed(stored: bytes) -> bytes:
    """The facts of a stored part.

    Parts written before migration 3 are not compressed. Damaged bytes are returned unchanged, so
    that `verify` reports them.
    """
    if not stored.startswith(_FIRST):
        return stored
    stream = zlib.decompressobj()
    try:
        facts = stream.decompress(stored)
    except zlib.error:
        return stored
    return facts if stream.eof and not stream.unused_data else stored
