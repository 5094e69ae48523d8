"""The ledger's account names, and prices in cents (RULEBOOK §3, §4).

Law of every product (`Product`): a tick is one cent a lot. So a price in ticks times lots is cents:
`cents` for one position, columns of `positions` and `novations` for many.
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
    """The account of a cash ledger account; None for a ledger account of the clearinghouse."""
    return ledger_account.removeprefix(_CASH) if ledger_account.startswith(_CASH) else None


def variation_of(product: str) -> str:
    """The ledger account of a product's variation; its balance is zero after each cycle."""
    return f"{_VARIATION}{product}"


def cents(lots: int, ticks: int) -> int:
    """The value of lots at a price, or their gain by a change of price."""
    return lots * ticks
