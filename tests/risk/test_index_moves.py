"""The largest two-day moves of an index, by hand."""

from __future__ import annotations

from risk.index_moves import IndexMoves


def test_the_five_largest_rises_and_falls_are_kept_the_largest_first() -> None:
    moves = IndexMoves()
    for after in (110, 90, 101, 130, 70, 102, 100, 150, 120, 105, 99, 98, 97, 96):
        moves.note(100, after)
    assert moves.rises_ppm == [500_000, 300_000, 200_000, 100_000, 50_000]
    assert moves.falls_ppm == [-300_000, -100_000, -40_000, -30_000, -20_000]


def test_a_move_is_rounded_half_to_even_and_one_of_nothing_is_neither() -> None:
    moves = IndexMoves()
    # 1.5 ppm to 2, 0.5 ppm to 0, 2.5 ppm to 2.
    for after in (2_000_003, 2_000_001, 2_000_005, 2_000_000):
        moves.note(2_000_000, after)
    assert (moves.rises_ppm, moves.falls_ppm) == ([2, 2], [])


def test_from_zero_there_is_no_move_and_one_beyond_int64_is_its_largest() -> None:
    moves = IndexMoves()
    moves.note(0, 5)
    assert moves == IndexMoves()
    moves.note(1, 2**62)
    assert moves.rises_ppm == [2**63 - 1]
