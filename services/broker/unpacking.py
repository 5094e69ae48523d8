"""The records of a batch unpacked, within a bound: some kilobytes may stand for gigabytes.

In: the codec that the header of a batch names, its packed bytes. Out: its records as bytes, or
`UnpackedTooLong` without more memory than the bound. What a frame says of its own length is not
believed, and frames that follow one another share the bound. Source: Kafka's CompressionType.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import cramjam
import numpy as np
from aiokafka.errors import UnsupportedCodecError
from cramjam import DecompressionError

from services.broker.messages import UNPACKED_BYTES_MAX

NOT_PACKED: Final = 0
_SNAPPY: Final = 2
_STREAMS: Final = {1: cramjam.gzip, 3: cramjam.lz4, 4: cramjam.zstd}
# Of most batches the records are no longer than this many times the packed ones, and so many bytes.
_LIKELY_RATIO: Final = 32
_LIKELY_BYTES: Final = 1 << 14
# Rust's words for a buffer that is full while there is more to write.
_FULL: Final = "failed to write whole buffer"
# Java's writers of snappy put blocks behind this mark and two version numbers, each block behind
# its length. Source: xerial, SnappyCodec.
_XERIAL: Final = b"\x82SNAPPY\0"
_XERIAL_BYTES: Final = 16
_LENGTH: Final = struct.Struct(">i")


class UnpackedTooLong(Exception):
    """A batch holds more than may be unpacked."""


def unpack(codec: int, packed: bytes) -> bytes:
    """The records of a batch. codec: the lowest three bits of its attributes.

    Errors: UnpackedTooLong; DecompressionError, struct.error or ValueError at damaged bytes;
    UnsupportedCodecError.
    """
    if codec == NOT_PACKED:
        return packed
    if codec == _SNAPPY:
        return _unsnapped(packed)
    if codec not in _STREAMS:
        msg = f"unknown compression codec {codec}"
        raise UnsupportedCodecError(msg)
    # A large room is the system's to give and to take: a small batch would wait for it.
    likely = min(_LIKELY_RATIO * len(packed) + _LIKELY_BYTES, UNPACKED_BYTES_MAX)
    for bytes_max in sorted({likely, UNPACKED_BYTES_MAX}):
        room = np.empty(bytes_max, np.uint8)
        try:
            length = _STREAMS[codec].decompress_into(packed, room)
        except DecompressionError as error:
            if _FULL not in str(error):
                raise
        else:
            return room[:length].tobytes()
    raise UnpackedTooLong


def _unsnapped(packed: bytes) -> bytes:
    """What snappy packed, in one block or in those of Java; each states its length in front."""
    blocks = [*_snappy_blocks(packed)]
    if sum(map(cramjam.snappy.decompress_raw_len, blocks)) > UNPACKED_BYTES_MAX:
        raise UnpackedTooLong
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _snappy_blocks(packed: bytes) -> Iterator[bytes]:
    if not packed.startswith(_XERIAL):
        yield packed
        return
    at = _XERIAL_BYTES
    while at < len(packed):
        (length,) = _LENGTH.unpack_from(packed, at)
        if length < 0:
            msg = f"a block of snappy with {length} bytes"
            raise ValueError(msg)
        yield packed[at + _LENGTH.size : at + _LENGTH.size + length]
        at += _LENGTH.size + length
