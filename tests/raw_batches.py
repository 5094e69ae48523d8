"""Batches of Kafka written byte by byte, as no client writes them, and put on a real broker.

In: fields as bytes. Out: a batch of magic 2 with the right checksum.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.errors import LeaderNotAvailableError, NoError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c, encode_varint

from services.broker.connecting import client_options
from services.broker.topics import ShardPartition
from services.settings import Settings

NO_UTF8: Final = b"\xff\xfe"
_ALL: Final = -1
_TRIES: Final = 50
_ZSTD: Final = 4


def number(value: int) -> bytes:
    """A number of free length."""
    written = bytearray()
    encode_varint(value, written.append)
    return bytes(written)


def field(value: bytes | None) -> bytes:
    """Bytes and their length."""
    return number(-1) if value is None else number(len(value)) + value


def record(
    delta: int,
    value: bytes | None,
    *,
    key: bytes | None,
    names: Sequence[bytes | None] = (),
    attributes: bytes = b"\0",
    behind: bytes = b"",
) -> bytes:
    """One record. names: of its headers, each with a value of one byte; behind: more than fits."""
    headers = number(len(names)) + b"".join(field(name) + field(b"x") for name in names)
    body = attributes + number(0) + number(delta) + field(key) + field(value) + headers + behind
    return number(len(body)) + body


def packed(codec: int, body: bytes) -> bytes:
    """Records as a producer packs them."""
    encode: Callable[[bytes], bytes] = (
        bytes, gzip_encode, snappy_encode, lz4_encode, zstd_encode,
    )[codec]  # fmt: skip
    return encode(body)


def bomb(codec: int, *, times: int = 1) -> bytes:
    """A batch of one record that is almost nothing but zeros: 18 MiB, with zstd so often.

    With zstd it has frames that follow one another, as others may have too.
    """
    zeros = bytes(18 << 20)
    length = times * len(zeros) - 1
    # Attributes, time, offset, no key; behind the value the number of headers.
    head = bytes(3) + number(-1) + number(length)
    head = number(len(head) + length + 1) + head
    if codec == _ZSTD:
        return batch(1, packed(codec, head) + times * packed(codec, zeros), codec=codec)
    return batch(1, packed(codec, head + zeros), codec=codec)


def batch(
    count: int, body: bytes, *, codec: int = 0, base: int = 0, flags: int = 0, producer: int = -1
) -> bytes:
    """One batch of so many records. body: they, compressed as the codec says."""
    epoch = -1 if producer < 0 else 0
    begin = struct.pack(">hiqqqhii", codec | flags, count - 1, 5, 9, producer, epoch, epoch, count)
    checked = begin + body
    return struct.pack(">qiibI", base, len(checked) + 9, -1, 2, calc_crc32c(checked)) + checked


def put_batch(settings: Settings, partition: ShardPartition, raw: bytes) -> None:
    """A batch into an inbox; the broker looks at it as at any other. Errors: its refusal."""
    asyncio.run(_put(settings, partition, raw))


async def _put(settings: Settings, partition: ShardPartition, raw: bytes) -> None:
    client = AIOKafkaClient(**client_options(settings))
    try:
        await client.bootstrap()
        await client.set_topics([partition.topic])
        # A topic that was just made has no leader for a moment, or one that does not know it.
        tries = 1
        while for_code(code := await _sent(client, partition, raw)).retriable and tries < _TRIES:
            await asyncio.sleep(0.1)
            await client.force_metadata_update()
            tries += 1
        if code != NoError.errno:
            raise for_code(code)(partition.origin)
    finally:
        await client.close()


async def _sent(client: AIOKafkaClient, partition: ShardPartition, raw: bytes) -> int:
    leader = client.cluster.leader_for_partition(TopicPartition(partition.topic, partition.number))
    if leader is None or leader < 0:
        code: int = LeaderNotAvailableError.errno
        return code
    sent = [(partition.topic, [(partition.number, raw)])]
    answer = await client.send(leader, ProduceRequest(None, _ALL, 5000, sent))
    error: int = answer.topics[0][1][0][1]
    return error
