"""Numbers of accounts by the column are those of the dictionary, whatever the names."""

from __future__ import annotations

import random

import pytest

from events.texts import Texts
from services.shards.market.account_numbers import UNKNOWN, AccountNumbers


def _looked_up_in_turn(numbers: AccountNumbers, names: list[bytes]) -> list[int]:
    return [numbers.by_name.get(name, UNKNOWN) for name in names]


@pytest.mark.parametrize("longest", [3, 8, 9, 64])
@pytest.mark.parametrize("count", [10, 300, 3_000])
def test_names_are_looked_up_by_columns_as_one_by_one(longest: int, count: int) -> None:
    draw = random.Random(longest * count)  # noqa: S311 - names for a test
    names = [
        (b"%d" % number).rjust(draw.randint(4, longest), b"A") if longest > 3 else b"%d" % number
        for number in range(count)
    ]
    unknown = [b"", b"0" * 9, b"B" * 64, *(b"%dX" % number for number in range(50))]
    numbers = AccountNumbers()
    assert numbers.of(Texts.of(names)).tolist() == [UNKNOWN] * count
    for number, name in enumerate(dict.fromkeys(names)):
        numbers.add(name, number)
        # The table is made early and late, and lacks names that came behind it.
        if number in {0, 1, count // 2, count // 2 + 3, len(names) - 1}:
            asked = draw.choices(names + unknown, k=1_000)
            assert numbers.of(Texts.of(asked)).tolist() == _looked_up_in_turn(numbers, asked)
            known = draw.choices(names, k=1_000)
            assert numbers.of(Texts.of(known)).tolist() == _looked_up_in_turn(numbers, known)


def test_accounts_come_in_the_order_of_their_numbers() -> None:
    with pytest.raises(AssertionError):
        AccountNumbers().add(b"A", 1)


def test_no_account_is_added_twice() -> None:
    numbers = AccountNumbers()
    numbers.add(b"A", 0)
    with pytest.raises(AssertionError, match="A already exists"):
        numbers.add(b"A", 1)
    assert len(numbers) == 1
