"""The ledger's account names, the currency, and what a price is in cents (RULEBOOK §3, §4).

Everything that turns prices into money goes through here. Law of every product (`Product`): a tick
is one cent a lot.
"""

from __future__ import annotations

from typing import Final

BANK: Final = "house:bank"

_CASH: Final = "cash:"
_VARIATION: Final = "house:variation:"


def cash_of(account: str) -> str:
    """The ledger account of an account's cash."""
    return f"{_CASH}{account}"


def owner_of_cash(ledger_account: str) -> str | None:
    """The account whose cash a ledger account is; None if it is the clearinghouse's own."""
    return ledger_account.removeprefix(_CASH) if ledger_account.startswith(_CASH) else None


def variation_of(product: str) -> str:
    """The ledger account through which a product's variation goes; it ends each cycle at zero."""
    return f"{_VARIATION}{product}"


def cents(lots: int, ticks: int) -> int:
    """What so many lots are worth at a price, or gain by a change of it."""
    return lots * ticks
