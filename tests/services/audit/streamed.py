"""Journals of shards on inboxes in memory, among messages that no honest feed or copier sends.

In: lines in the order of a file, a seed. Out: a journal as workers leave it, written with restarts
between batches.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

from events.codec import decode_command
from events.command import Malformed
from services.broker.messages import Headers, copy_headers, read_message
from services.embedded.clear import clear
from services.shards.routing import CONTROL_SHARD
from tests.streams import Streams

_LINES_AT_ONCE: Final = 60
FOREIGN: Final[Headers] = [("traceparent", b"00-1"), ("é\x1b'", None)]


def send(
    streams: Streams, shard: str, value: bytes | None, *, key: bytes | None, headers: Headers = ()
) -> None:
    """A message as anybody who may write to the topic sends it."""
    inbox = streams.inboxes[shard]
    inbox.append(read_message(shard, offset=len(inbox), key=key, value=value, headers=headers))


def streamed(url: str, lines: list[bytes], *, seed: int = 0, is_disturbed: bool = True) -> None:
    """Feed lines, and between them what is refused; shards stop and go on between batches."""
    rng = Random(seed)  # noqa: S311 - a seed must give the same journal again
    with Streams(url, seed=seed) as streams:
        for first in range(0, len(lines), _LINES_AT_ONCE):
            some = lines[first : first + _LINES_AT_ONCE]
            streams.feed(some)
            if is_disturbed:
                disturb(streams, some, rng=rng)
                restart(streams, rng.choice(sorted(streams.runs)))
        streams.run_all()


def embedded(url: str, path: Path, lines: list[bytes]) -> None:
    """The journal of one process that read these lines."""
    path.write_bytes(b"\n".join(lines))
    clear(url, str(path))


def restart(streams: Streams, shard: str) -> None:
    """End a shard's run and load it again."""
    streams.stop(shard)
    streams.start(shard)


def disturb(streams: Streams, lines: list[bytes], *, rng: Random) -> None:
    """Messages for every shard in use of each kind that is refused or ignored."""
    for shard in sorted(streams.runs):
        own, other = shard.encode(), rng.choice(lines)
        if not _is_decided_here(other, shard):
            streams.put(shard, other)
        streams.put(shard, b"no command at all")
        send(streams, shard, rng.choice(lines), key=None)
        send(streams, shard, rng.choice(lines), key=rng.choice((b"it's", b"\xff" * 70, b'a"b')))
        send(streams, shard, rng.choice(lines), key=own, headers=FOREIGN)
        send(streams, shard, None, key=own, headers=[("clearing-copy", b"-1")])
        send(streams, shard, rng.choice(lines), key=own, headers=copy_headers(1))
        send(streams, shard, rng.choice(lines), key=own, headers=copy_headers(10**9))
        copies = [one for one in streams.inboxes[shard] if one.number and one.fault is None]
        if copies and shard != CONTROL_SHARD:
            again = rng.choice(copies)
            streams.put(shard, again.line, number=again.number)


def _is_decided_here(line: bytes, shard: str) -> bool:
    """Whether a shard may decide a line, so that sending it again changes something."""
    command = decode_command(line)
    kind = shard.partition("/")[0]
    return not isinstance(command, Malformed) and kind == command.SHARD
