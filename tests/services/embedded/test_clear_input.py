"""Good and bad input through `clear`: the same facts, or a clear word, and the next run goes on."""

import gzip
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from services.audit.verify import verify
from services.embedded.clear import clear
from services.embedded.memory import clear_in_memory
from services.journal.reader import Reader
from services.sources.source import SourceTrouble
from services.sources.source_reader import Block
from tests.journal_contents import assert_equal, contents
from tests.services.embedded.facts_in import facts_in
from tests.twin.generate import market

BOM = b"\xef\xbb\xbf"
LINES = [line.removeprefix(BOM) for line in market(11, days=1)]
FACTS = clear_in_memory(LINES)
WHOLE = b"\n".join(LINES) + b"\n"
NewJournal = Callable[[], str]

SHAPES = {
    "plain": WHOLE,
    "crlf": WHOLE.replace(b"\n", b"\r\n"),
    "bom": BOM + WHOLE,
    "bom and crlf": BOM + WHOLE.replace(b"\n", b"\r\n"),
    "without the last line's end": WHOLE[:-1],
    "with empty lines": b"\n\r\n" + WHOLE.replace(b"\n", b"\n\n\r\n"),
    "packed": gzip.compress(WHOLE),
    "packed in pieces": b"".join(gzip.compress(line + b"\n") for line in LINES),
}


def cleared(url: str, path: Path, data: bytes, *, name: str | None = None) -> None:
    """Clear a file of these bytes."""
    path.write_bytes(data)
    clear(url, str(path), name=name, lines_a_block=50)


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_of_a_file_gives_the_same_facts(url: str, tmp_path: Path, data: bytes) -> None:
    cleared(url, tmp_path / "day", data)
    assert facts_in(url) == FACTS


@pytest.mark.parametrize("data", [WHOLE, gzip.compress(WHOLE)], ids=["plain", "packed"])
def test_standard_input_gives_the_same_facts(
    url: str, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    given = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
    monkeypatch.setattr(sys, "stdin", given)
    assert clear(url, "-").source == "stdin"
    assert facts_in(url) == FACTS
    assert not given.closed


@pytest.mark.parametrize("data", [b"", b"\n\r\n\n", BOM, BOM + b"\r\n"])
def test_a_file_without_lines_opens_the_shards_and_ends(
    url: str, tmp_path: Path, data: bytes
) -> None:
    cleared(url, tmp_path / "day", data)
    assert facts_in(url) == clear_in_memory([])
    with Reader(url) as reader:
        found = reader.source("day")
    assert found is not None
    assert (found.position, found.lines, found.ended) == (len(data), 0, True)


def test_a_file_that_ends_in_the_middle_of_a_line_has_that_piece_refused(
    url: str, tmp_path: Path
) -> None:
    cut = WHOLE[: WHOLE.rindex(b"{") + 20]
    cleared(url, tmp_path / "day", cut)
    found = facts_in(url)
    assert found == clear_in_memory(cut.split(b"\n"))
    assert (found[-1]["type"], found[-1]["reason"]) == ("command_refused/1", "malformed")


def test_a_long_line_is_refused_and_kept_with_its_bytes(url: str, tmp_path: Path) -> None:
    line = b'{"type":"' + b"x" * 200_000 + b'"}'
    cleared(url, tmp_path / "day", line + b"\r\n" + WHOLE)
    assert facts_in(url) == clear_in_memory([line, *LINES])
    with Reader(url) as reader:
        assert reader.rows_at("control/0", [1])[0][6] == line


def test_of_a_broken_packed_file_nothing_is_cleared_and_the_whole_one_completes(
    new_journal: NewJournal, tmp_path: Path
) -> None:
    path, broken, whole = tmp_path / "day", new_journal(), new_journal()
    packed = bytearray(gzip.compress(WHOLE))
    packed[-8] ^= 1  # Its checksum: all lines come out, and then it is said that they are wrong.
    before = contents(broken)
    with pytest.raises(SourceTrouble, match=r"cannot read .*day .* nothing was taken from it"):
        cleared(broken, path, bytes(packed))
    assert_equal(contents(broken), before)
    cleared(broken, path, gzip.compress(WHOLE))
    cleared(whole, path, WHOLE)
    assert_equal(contents(broken), contents(whole))


def test_a_broken_packed_stream_stops_and_the_whole_one_completes(
    new_journal: NewJournal, tmp_path: Path
) -> None:
    path, packed, broken, whole = (
        tmp_path / "day",
        gzip.compress(WHOLE),
        new_journal(),
        new_journal(),
    )
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[packed[: len(packed) // 2]])
    writer.start()
    with pytest.raises(SourceTrouble, match="cannot read day"):
        clear(broken, str(path), lines_a_block=50)
    writer.join()
    with Reader(broken) as reader:
        source = reader.source("day")
    assert source is not None
    assert source.lines > 20
    path.unlink()
    cleared(broken, path, packed)
    cleared(whole, path, WHOLE)
    assert_equal(contents(broken), contents(whole))


def test_the_same_command_again_changes_nothing(url: str, tmp_path: Path) -> None:
    cleared(url, tmp_path / "day", WHOLE)
    before = contents(url)
    again = clear(url, str(tmp_path / "day"))
    assert (again.was_done, again.tally.read) == (True, 0)
    assert_equal(contents(url), before)


@pytest.mark.parametrize("other", [b"other\n" + WHOLE, WHOLE[:-50], WHOLE[:-1], b""])
def test_another_file_under_the_same_name_is_refused(
    url: str, tmp_path: Path, other: bytes
) -> None:
    cleared(url, tmp_path / "day", WHOLE)
    before = contents(url)
    with pytest.raises(SourceTrouble, match="it is another file, was changed, or is read with"):
        cleared(url, tmp_path / "day", other)
    assert_equal(contents(url), before)


@pytest.mark.parametrize("end", [0, len(b"\n".join(LINES[:40])), len(b"\n".join(LINES[:40])) + 1])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_has_grown_goes_on_where_it_ended(
    new_journal: NewJournal, tmp_path: Path, end: int, pack: Callable[[bytes], bytes]
) -> None:
    grown, whole = new_journal(), new_journal()
    for data in (WHOLE[:end], WHOLE):
        cleared(grown, tmp_path / "day", pack(data))
    cleared(whole, tmp_path / "day", WHOLE)
    assert_equal(contents(grown), contents(whole))
    assert verify(grown) == []


def test_a_file_goes_on_after_others_were_cleared(url: str, tmp_path: Path) -> None:
    path, half = tmp_path / "day", WHOLE.index(LINES[50])
    cleared(url, path, WHOLE[:half])
    cleared(url, tmp_path / "other", b"{}\n")
    cleared(url, path, WHOLE)
    assert facts_in(url) == clear_in_memory([*LINES[:50], b"{}", *LINES[50:]])
    assert verify(url) == []


def test_a_run_that_breaks_in_what_was_added_is_gone_on_with(
    new_journal: NewJournal, tmp_path: Path
) -> None:
    path, broken, whole = tmp_path / "day", new_journal(), new_journal()
    cleared(broken, path, WHOLE[: WHOLE.index(LINES[50])])
    path.write_bytes(WHOLE)
    with pytest.raises(RuntimeError):
        clear(broken, str(path), lines_a_block=20, progress=break_off)
    clear(broken, str(path))
    cleared(whole, path, WHOLE)
    assert_equal(contents(broken), contents(whole))


def break_off(_: Block) -> None:
    """What nobody expects, when a block has been decided."""
    raise RuntimeError


def test_a_last_line_that_was_only_begun_is_another_file_when_it_goes_on(
    url: str, tmp_path: Path
) -> None:
    cleared(url, tmp_path / "day", WHOLE[:-10])
    before = contents(url)
    with pytest.raises(SourceTrouble, match="in the middle of a line"):
        cleared(url, tmp_path / "day", WHOLE)
    assert_equal(contents(url), before)


def test_a_renamed_file_goes_on_under_the_name_of_its_source(url: str, tmp_path: Path) -> None:
    cleared(url, tmp_path / "monday", WHOLE)
    (tmp_path / "monday").rename(tmp_path / "archive")
    assert clear(url, str(tmp_path / "archive"), name="monday").was_done


def test_another_source_goes_on_with_the_same_books(url: str, tmp_path: Path) -> None:
    first, rest = LINES[:40], LINES[40:]
    cleared(url, tmp_path / "a", b"\n".join(first))
    cleared(url, tmp_path / "b", b"\n".join(rest))
    assert facts_in(url) == FACTS
