"""Columns of texts against lists of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import texts as texts_module
from events.texts import Texts, decimals, joined, joined_in_one, merged, records, stacked
from events.units import INT64_MAX, INT64_MIN

TEXTS = st.lists(st.binary(max_size=90), max_size=12)


def few_or_many() -> Iterator[None]:
    """Let the same texts count as few, and then as many."""
    yield
    with patch.object(texts_module, "_FEW", 0):
        yield


@given(TEXTS, st.data())
def test_a_column_holds_the_texts_it_was_made_of(texts: list[bytes], data: st.DataObject) -> None:
    column = Texts.of(texts)
    assert [*column] == texts == column
    assert Texts.of(column) is column
    assert column[1:] == texts[1:]
    rows = data.draw(st.lists(st.sampled_from(range(len(texts))))) if texts else []
    assert column[np.array(rows, np.intp)] == [texts[row] for row in rows]
    assert [column[row] for row in rows] == [texts[row] for row in rows]


@given(TEXTS)
def test_words_are_the_texts_that_do_not_end_with_zeros(texts: list[bytes]) -> None:
    assert Texts.of(texts).words() == [text.rstrip(b"\x00") for text in texts]


@given(st.lists(st.tuples(st.binary(max_size=70), st.binary(max_size=9), st.binary(max_size=200))))
def test_pieces_are_joined_row_by_row(rows: list[tuple[bytes, bytes, bytes]]) -> None:
    # The buffers of all columns are one: what lies behind a text is another text.
    every = Texts.of([text for row in rows for text in row])
    first, second, third = (every[start::3] for start in range(3))
    expected = [b"<" + a + b"" + b + b"|end|" + a + c for a, b, c in rows]
    pieces = (b"<", first, b"", second, b"|end|", first, third)
    for _ in few_or_many():
        assert joined(pieces) == expected
        assert joined_in_one(pieces) == b"".join(expected)
        assert joined((first, b"a long end behind the last one")) == [
            row[0] + b"a long end behind the last one" for row in rows
        ]


@given(TEXTS, TEXTS, st.randoms())
def test_two_columns_are_merged_in_order(
    first: list[bytes], second: list[bytes], draw: random.Random
) -> None:
    is_second = [False] * len(first) + [True] * len(second)
    draw.shuffle(is_second)
    ours, theirs = iter(first), iter(second)
    expected = [next(theirs if is_theirs else ours) for is_theirs in is_second]
    mask = np.array(is_second, np.bool_)
    assert merged(Texts.of(first), Texts.of(second), is_second=mask) == expected


@given(st.lists(TEXTS, max_size=3))
def test_columns_are_put_one_behind_the_other(columns: list[list[bytes]]) -> None:
    assert stacked([Texts.of(texts) for texts in columns]) == [*chain.from_iterable(columns)]


@given(TEXTS, st.binary(max_size=9), st.data())
def test_texts_are_replaced_where_a_mask_is_true(
    texts: list[bytes], other: bytes, data: st.DataObject
) -> None:
    mask = [data.draw(st.booleans()) for _ in texts]
    replaced = Texts.of(texts).replaced_where(np.array(mask, np.bool_), other)
    assert replaced == [
        other if is_other else text for text, is_other in zip(texts, mask, strict=True)
    ]


@given(TEXTS.filter(bool), st.binary(max_size=30))
def test_a_text_is_replaced(texts: list[bytes], other: bytes) -> None:
    assert Texts.of(texts).replaced([len(texts) - 1], [other]) == [*texts[:-1], other]


@given(st.lists(st.integers(INT64_MIN, INT64_MAX) | st.integers(-2, 2)))
def test_integers_have_the_texts_of_python(values: list[int]) -> None:
    for _ in few_or_many():
        assert decimals(np.array(values, np.int64)) == [b"%d" % value for value in values]


@given(st.lists(st.one_of(st.integers(0, 99), st.integers(0, 10**18 - 1))))
def test_integers_are_written_and_read(values: list[int]) -> None:
    written = decimals(np.array(values, np.int64))
    assert written == [b"%d" % value for value in values]
    assert written.numbers().tolist() == values


@pytest.mark.parametrize("value", [0, 9, 10, 10**18 - 1, 10**18, INT64_MAX, -1, -1000, INT64_MIN])
def test_the_ends_of_int64_are_written(value: int) -> None:
    for _ in few_or_many():
        assert decimals(np.array([value], np.int64)) == [b"%d" % value]


@given(st.lists(st.binary(min_size=1, max_size=6)))
def test_letters_are_looked_at(texts: list[bytes]) -> None:
    column = Texts.of(texts)
    for allowed in ({0, 65}, {65}, {*range(1, 256)}):
        letters = np.zeros(256, np.bool_)
        letters[[*allowed]] = True
        assert column.consist_of(letters).tolist() == [{*text} <= allowed for text in texts]
    assert column.starts_with(65).tolist() == [text[0] == 65 for text in texts]
    assert column.ends_with(0).tolist() == [text[-1] == 0 for text in texts]


def test_texts_are_compared() -> None:
    column = Texts.of([b"ab", b"a\x00", b"ba"])
    assert column.equal(b"ab").tolist() == [True, False, False]
    assert column != [b"ab", b"a\x00"]
    assert column != 3


def test_records_are_big_endian_numbers_side_by_side() -> None:
    made = records(2, (">i2", 7), (">i8", np.array([1, -1])))
    assert made == [b"\x00\x07" + bytes(7) + b"\x01", b"\x00\x07" + b"\xff" * 8]
    assert records(0, (">i2", 7)) == []
