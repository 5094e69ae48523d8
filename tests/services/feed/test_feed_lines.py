"""What a feed reads: the lines that `clearing clear` reads, numbered as in an editor."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sources.lines import LINE_SENT_BYTES_MAX, Lines, command_lines
from services.sources.source import SourceTrouble, open_source
from services.sources.source_reader import SourceReader

FILES = st.lists(
    st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"\xef\xbb\xbf", b"longer words"])
).map(b"".join)
LONG = b"x" * (LINE_SENT_BYTES_MAX + 1)


class Dribble:
    """A stream that gives a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes, size: int) -> None:
        self._stream, self._size = io.BytesIO(data), size

    def read1(self, size: int, /) -> bytes:
        """The next few bytes."""
        return self._stream.read(min(self._size, size))


def numbered(groups: list[Lines]) -> list[tuple[int, bytes]]:
    """All lines with their numbers."""
    return [pair for group in groups for pair in zip(group.numbers, group.lines, strict=True)]


def read(data: bytes, *, size: int = 1 << 20, first: int = 1) -> list[tuple[int, bytes]]:
    """The numbered lines of some bytes."""
    return numbered([*command_lines(Dribble(data, size), "day", first=first)])


@given(FILES, st.integers(1, 40))
def test_a_feed_reads_the_lines_that_clear_reads(data: bytes, size: int) -> None:
    reader = SourceReader(Dribble(data, size), name="day", lines_a_block=7)
    expected = [line for block in reader.blocks() for line in block.lines]
    assert [line for _, line in read(data, size=size)] == expected


def test_lines_have_the_numbers_of_an_editor() -> None:
    assert read(b"\xef\xbb\xbfa\r\n\r\n\nb\nc") == [(1, b"a"), (4, b"b"), (5, b"c")]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_feed_can_begin_at_any_line(size: int) -> None:
    assert read(b"a\nb\n\nc\nd\n", size=size, first=3) == [(4, b"c"), (5, b"d")]


def test_what_has_come_through_a_pipe_is_not_held_back() -> None:
    groups = command_lines(Dribble(b"a\nb\nc\n", 3), "pipe")
    assert next(groups).lines == [b"a"]


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_a_line_that_kafka_would_not_take_is_named_after_all_before_it(size: int) -> None:
    groups: list[Lines] = []
    stream = Dribble(b"a\nb\n" + LONG + b"\nc\n", size)
    with pytest.raises(SourceTrouble, match="line 3 of day"):
        groups += command_lines(stream, "day")
    assert numbered(groups) == [(1, b"a"), (2, b"b")]


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_a_feed_can_begin_after_a_line_that_kafka_would_not_take(size: int) -> None:
    assert read(b"a\n" + LONG + b"\nc\n", size=size, first=3) == [(3, b"c")]


def test_a_packed_stream_that_is_cut_off_gives_its_whole_lines_first() -> None:
    packed = io.BytesIO(gzip.compress(b"a\nb\nc\n")[:-4])
    groups: list[Lines] = []
    with pytest.raises(SourceTrouble, match="cannot read day"):
        groups += command_lines(gzip.GzipFile(fileobj=packed), "day")
    assert numbered(groups) in ([], [(1, b"a"), (2, b"b"), (3, b"c")])


def test_of_a_packed_file_that_is_cut_off_nothing_is_fed(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl.gz"
    path.write_bytes(gzip.compress(b"a\nb\nc\n")[:-4])
    with pytest.raises(SourceTrouble, match="not whole"), open_source(str(path)):
        pass
