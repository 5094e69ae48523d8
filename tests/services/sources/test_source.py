"""Reading a source: the same lines and bytes however it is cut, packed, or left in the middle."""

import gzip
import hashlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sources import source_reader
from services.sources.source import SourceTrouble, check_source, open_source, source_name
from services.sources.source_reader import Block, SourceReader

CLOSE = b'{"type":"close_session/1","at":"2026-06-08T21:00:00Z"}'
FILES = st.lists(
    st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"\xef\xbb\xbf", b"longer words", CLOSE])
).map(b"".join)


class Dribble:
    """A stream that gives a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes, size: int) -> None:
        self._stream, self._size = io.BytesIO(data), size

    def read1(self, size: int, /) -> bytes:
        """The next few bytes."""
        return self._stream.read(min(self._size, size))


def blocks_of(data: bytes, *, lines_a_block: int = 3, size: int = 5) -> list[Block]:
    """All blocks of some bytes."""
    return [*SourceReader(Dribble(data, size), name="s", lines_a_block=lines_a_block).blocks()]


def lines_by_hand(data: bytes) -> list[tuple[int, bytes]]:
    """Positions and lines, worked out the plain way."""
    lines, position = [], 0
    for piece in data.split(b"\n"):
        line = piece.removeprefix(b"\xef\xbb\xbf") if position == 0 else piece
        lines.append((position, line.removesuffix(b"\r")))
        position += len(piece) + 1
    return [(begin, line) for begin, line in lines if line]


def read(path: Path | str) -> bytes:
    """All bytes of a source, unpacked."""
    with open_source(str(path)) as stream:
        return b"".join(iter(lambda: stream.read1(1 << 16), b""))


@given(FILES, st.integers(1, 5), st.integers(1, 40))
def test_lines_do_not_depend_on_how_they_come(data: bytes, lines_a_block: int, size: int) -> None:
    blocks = blocks_of(data, lines_a_block=lines_a_block, size=size)
    pairs = [pair for block in blocks for pair in zip(block.positions, block.lines, strict=True)]
    assert pairs == lines_by_hand(data)
    assert [block.is_last for block in blocks] == [False] * (len(blocks) - 1) + [True]
    assert (blocks[-1].end, blocks[-1].lines_so_far) == (len(data), len(pairs))
    assert all(block.sha256 == hashlib.sha256(data[: block.end]).digest() for block in blocks)
    assert all(len(block.lines) <= lines_a_block for block in blocks)


@given(FILES, st.integers(1, 5), st.data())
def test_a_reader_goes_on_where_any_block_ended(
    data: bytes, lines_a_block: int, draw: st.DataObject
) -> None:
    blocks = blocks_of(data, lines_a_block=lines_a_block)
    number = draw.draw(st.integers(0, len(blocks) - 1))
    last = blocks[number]
    reader = SourceReader(Dribble(data, 4), name="s", lines_a_block=lines_a_block)
    reader.skip(last.end, sha256=last.sha256, lines_so_far=last.lines_so_far)
    expected = [pair for block in blocks[number + 1 :] for pair in zip(*block[:2], strict=True)]
    later = [*reader.blocks()]
    assert [pair for block in later for pair in zip(*block[:2], strict=True)] == expected
    assert later[-1][2:5] == blocks[-1][2:5]


def test_a_block_ends_with_a_close() -> None:
    blocks = blocks_of(b"\n".join([b"a", CLOSE, b"b", CLOSE, b"c"]), lines_a_block=100, size=1000)
    assert [block.lines for block in blocks] == [[b"a", CLOSE], [b"b", CLOSE], [b"c"]]


def test_a_block_is_bounded_in_bytes() -> None:
    blocks = blocks_of(b"\n".join([b"x" * 60_000] * 300), lines_a_block=8192, size=1 << 20)
    assert max(sum(map(len, block.lines)) for block in blocks) < 6 << 20


def test_other_bytes_under_the_same_name_are_another_file() -> None:
    reader = SourceReader(Dribble(b"one\ntwo\n", 5), name="day", lines_a_block=1)
    with pytest.raises(SourceTrouble, match=r"first 4 bytes of source day .* --source"):
        reader.skip(4, sha256=hashlib.sha256(b"uno\n").digest(), lines_so_far=1)


def test_a_shorter_file_under_the_same_name_is_another_file() -> None:
    reader = SourceReader(Dribble(b"one\n", 5), name="day", lines_a_block=1)
    with pytest.raises(SourceTrouble, match="read to byte 9 before, this one ends at 4"):
        reader.skip(9, sha256=b"", lines_so_far=2)


def left_at_its_end(before: bytes, after: bytes, *, size: int = 5) -> SourceReader:
    """A reader of a source that was read to its end when it was only its first part."""
    reader = SourceReader(Dribble(before + after, size), name="day", lines_a_block=3)
    lines = blocks_of(before)[-1].lines_so_far
    reader.skip(len(before), sha256=hashlib.sha256(before).digest(), lines_so_far=lines)
    return reader


@given(FILES, FILES, st.integers(1, 5))
def test_a_source_that_has_grown_gives_the_lines_of_the_whole_or_says_so(
    before: bytes, after: bytes, size: int
) -> None:
    reader, whole = left_at_its_end(before, after, size=size), before + after
    if after[:1] not in (b"", b"\n") and before[-1:] not in (b"", b"\n"):
        with pytest.raises(SourceTrouble, match="in the middle of a line"):
            reader.goes_on()
        return
    assert reader.goes_on() == bool(after)
    blocks = [*reader.blocks()]
    pairs = [pair for block in blocks for pair in zip(*block[:2], strict=True)]
    assert pairs == lines_by_hand(whole)[len(lines_by_hand(before)) :]
    assert blocks[-1][2:5] == blocks_of(whole)[-1][2:5]


def test_a_line_without_end_stops_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source_reader, "LINE_KEPT_BYTES_MAX", 1000)
    blocks = SourceReader(Dribble(b"one\n" + b"x" * 5000, 90), name="s", lines_a_block=9).blocks()
    assert next(blocks).lines == [b"one"]
    with pytest.raises(SourceTrouble, match="longer than 1000 bytes"):
        next(blocks)


def test_a_packed_file_is_unpacked_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert read(path) == b"one\ntwo\n"


@contextmanager
def piped(path: Path, data: bytes) -> Iterator[Path]:
    """A named pipe into which the data is written."""
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[data])
    writer.start()
    yield path
    writer.join()


def test_what_could_be_read_of_a_broken_packed_stream_comes_first(tmp_path: Path) -> None:
    data = b"".join(b"%d\n" % (7919 * n) for n in range(9_000))
    lines: list[bytes] = []
    with (
        piped(tmp_path / "day.gz", gzip.compress(data)[:-2000]) as path,
        open_source(str(path)) as stream,
    ):
        blocks = SourceReader(stream, name="day", lines_a_block=5_000).blocks()
        with pytest.raises(SourceTrouble, match="cannot read day"):
            lines.extend(line for block in blocks for line in block.lines)
    assert len(lines) > 5_000
    assert data.startswith(b"\n".join(lines) + b"\n")


def spoiled_packed() -> list[bytes]:
    """Packed files cut off, with a wrong checksum, damaged in the middle, followed by other."""
    whole = gzip.compress(os.urandom(100_000))
    checksum, middle = bytearray(whole), bytearray(whole)
    checksum[-8] ^= 1
    middle[60_000:60_100] = bytes(100)
    return [whole[:-1], bytes(checksum), bytes(middle), whole + b"no gzip", whole[:4]]


@pytest.mark.parametrize("spoiled", spoiled_packed(), ids=range(5))
def test_nothing_comes_out_of_a_packed_file_that_is_damaged_anywhere(
    tmp_path: Path, spoiled: bytes
) -> None:
    path = tmp_path / "day.gz"
    path.write_bytes(spoiled)
    with pytest.raises(SourceTrouble, match="nothing was taken from it"), open_source(str(path)):
        pass


@pytest.mark.parametrize("spoiled", [b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\x1f\x8bno gzip at all"])
def test_a_file_that_only_begins_like_a_packed_one_says_so(tmp_path: Path, spoiled: bytes) -> None:
    path = tmp_path / "day.gz"
    path.write_bytes(spoiled)
    with pytest.raises(SourceTrouble, match=r"day\.gz beyond byte 0: "), open_source(str(path)):
        pass


def test_of_a_packed_stream_with_a_wrong_checksum_all_of_it_is_doubted(tmp_path: Path) -> None:
    with (
        piped(tmp_path / "day.gz", spoiled_packed()[1]) as path,
        open_source(str(path)) as stream,
        pytest.raises(SourceTrouble, match=r"CRC check failed .* before it may be wrong too"),
    ):
        list(SourceReader(stream, name="day", lines_a_block=3).blocks())


def test_packed_standard_input_that_can_be_read_twice_is_read_from_where_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = io.BufferedReader(io.BytesIO(b"before" + gzip.compress(b"one\ntwo\n")))
    given.read(6)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    assert read("-") == b"one\ntwo\n"


@pytest.mark.parametrize("path", ["/no/such/file", "/etc", "/proc/self/mem", "/etc/passwd/x"])
def test_what_cannot_be_opened_says_so(path: str) -> None:
    with pytest.raises(SourceTrouble, match=f"cannot open {path}: "), open_source(path):
        pass


def test_a_file_without_the_right_to_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")  # What root never meets.

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceTrouble, match="Permission denied"), open_source(str(tmp_path)):
        pass


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    with piped(tmp_path / "pipe", gzip.compress(b"one\ntwo")) as path:
        assert read(path) == b"one\ntwo"


def test_a_named_pipe_that_is_looked_at_first_can_still_be_read(tmp_path: Path) -> None:
    with piped(tmp_path / "pipe", b"one\n") as path:
        check_source(str(path))
        assert read(path) == b"one\n"


@pytest.mark.parametrize("path", ["/no/such/file", "/etc", "/etc/passwd/x"])
def test_a_look_at_what_cannot_be_opened_says_so(path: str) -> None:
    with pytest.raises(SourceTrouble, match=f"cannot open {path}: "):
        check_source(path)


def test_closed_standard_input_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceTrouble, match="closed"), open_source("-"):
        pass


def test_a_source_is_called_like_its_file_unless_named() -> None:
    assert source_name("/data/day.jsonl.gz", None) == "day.jsonl.gz"
    assert source_name("-", None) == "stdin"
    assert source_name("/data/day.jsonl.gz", "2026/Montag") == "2026/Montag"


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", "\udcff.jsonl", "genesis", "control/0"])
def test_a_name_that_cannot_be_kept_is_refused(name: str) -> None:
    with pytest.raises(SourceTrouble, match="name it with --source"):
        source_name("-", name)
