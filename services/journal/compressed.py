"""Compression of the facts of a part: zstd (RFC 8878).

In: facts, or the bytes of the table. Out: the bytes, or the facts. The facts of a close repeat each
other and shrink to an eighteenth. Postgres' own compression takes longer, during the COMMIT, and
not every Postgres has a better one. The hash chain is over the facts before compression.
"""

import zlib

import cramjam

# zlib at its quickest takes three times as long and leaves a quarter more; level 3 saves nothing.
_LEVEL = 1
# Facts begin with a brace, and so with neither of these.
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZLIB = b"\x78"


def packed(facts: bytes) -> bytes:
    """Facts as the table is to hold them."""
    return bytes(cramjam.zstd.compress(facts, level=_LEVEL))


def decompressed(stored: bytes) -> bytes:
    """The facts of a stored part.

    Parts of earlier programs are packed by zlib, those from before migration 3 not at all.
    Damaged bytes are returned unchanged, so that `verify` reports them.
    """
    if stored.startswith(_ZSTD):
        try:
            return bytes(cramjam.zstd.decompress(stored))
        except cramjam.DecompressionError:
            return stored
    return _inflated(stored) if stored.startswith(_ZLIB) else stored


def _inflated(stored: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        facts = stream.decompress(stored)
    except zlib.error:
        return stored
    return facts if stream.eof and not stream.unused_data else stored
