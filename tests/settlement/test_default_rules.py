"""Whether a step of a default stands (RULEBOOK §7), with WIRE's reasons in their order."""

from __future__ import annotations

import pytest

from tests.settlement.control_desk import ControlDesk


def desk_in_default() -> ControlDesk:
    """A in default; B and C stand; D in default too; C-C suspended."""
    desk = ControlDesk()
    for member in "ABCD":
        desk.admit(member)
        desk.open(f"{member}-H")
        desk.open(f"{member}-C", origin="customer")
    desk.begin()
    desk.send("declare_default", member="A", reason="x")
    desk.send("declare_default", member="D", reason="x")
    desk.send("suspend_account", account="C-C", reason="x")
    return desk


@pytest.mark.parametrize(
    ("account", "to_member", "answer"),
    [
        ("A-C", "B", "stands"),
        ("B-C", "C", "stands"),  # between standing members
        ("C-C", "B", "stands"),  # suspended, and so it stays
        ("Z", "Y", "unknown_member"),
        ("Z", "B", "unknown_account"),
        ("A-H", "D", "member_defaulted"),
        ("A-C", "A", "member_defaulted"),
        ("B-H", "B", "self_trade"),
        ("A-H", "B", "not_customer"),
    ],
)
def test_a_customer_account_is_ported_to_a_standing_member(
    account: str, to_member: str, answer: str
) -> None:
    desk = desk_in_default()
    assert desk.send("port_account", reference="p", account=account, to_member=to_member) == answer


def test_a_ported_account_is_its_new_members_and_opened_by_the_one_it_was() -> None:
    desk = desk_in_default()
    desk.send("port_account", reference="p", account="C-C", to_member="B")
    assert desk.books.accounts["C-C"].member.name == "B"
    assert desk.books.accounts["C-C"].is_suspended
    assert desk.open("C-C", origin="customer") == "repeated"


@pytest.mark.parametrize(
    ("account", "to_account", "answer"),
    [
        ("A-H", "B-C", "stands"),
        ("A-C", "B-H", "stands"),
        ("Z", "C-C", "unknown_account"),
        ("A-H", "Z", "unknown_account"),
        ("A-H", "C-C", "account_suspended"),
        ("A-H", "D-H", "member_defaulted"),
        ("A-H", "A-H", "member_defaulted"),
        ("B-H", "B-H", "self_trade"),
        ("B-H", "C-H", "not_defaulted"),
    ],
)
def test_an_account_in_default_is_auctioned_to_one_that_may_take_it(
    account: str, to_account: str, answer: str
) -> None:
    desk = desk_in_default()
    ordered = desk.send(
        "auction_account", reference="a", account=account, to_account=to_account, payment_cents=1
    )
    assert ordered == answer


def test_a_settlement_is_of_a_member_in_default_and_ordered_once_until_a_cycle() -> None:
    desk = desk_in_default()
    assert desk.send("settle_default", member="Z") == "unknown_member"
    assert desk.send("settle_default", member="B") == "not_defaulted"
    assert desk.send("settle_default", member="A") == "stands"
    assert desk.send("settle_default", member="A") == "repeated"
    assert desk.send("settle_default", member="A", at="2026-06-08T00:00:01Z") == "already_exists"
    assert desk.send("settle_default", member="D") == "stands"
    desk.cycle("noon")
    assert desk.send("settle_default", member="A", at="2026-06-08T13:00:00Z") == "stands"


def test_a_member_is_put_into_a_group_and_back_into_its_own() -> None:
    desk = desk_in_default()
    assert desk.send("affiliate_member", member="Z", group="G") == "unknown_member"
    assert desk.send("affiliate_member", member="B", group=None) == "repeated"
    assert desk.send("affiliate_member", member="B", group="G") == "stands"
    assert desk.books.members["B"].group == "G"
    assert desk.send("affiliate_member", member="B", group=None) == "stands"
    assert desk.books.members["B"].group == "B"
