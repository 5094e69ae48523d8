"""The names of the ledger's accounts in postings (WIRE §3)."""

from __future__ import annotations

from typing import Final

BANK: Final = "house:bank"
CAPITAL: Final = "house:capital"
UNCOVERED: Final = "house:uncovered"

_CASH: Final = "cash:"
_FUND: Final = "fund:"
_DEFAULT: Final = "house:default:"
_VARIATION: Final = "house:variation:"


def cash_of(account: str) -> str:
    """The ledger account of an account's cash."""
    return f"{_CASH}{account}"


def owner_of_cash(ledger_account: str) -> str | None:
    """The account of a cash ledger account; None for a ledger account of the clearinghouse."""
    return ledger_account.removeprefix(_CASH) if ledger_account.startswith(_CASH) else None


def fund_of(member: str | None) -> str:
    """The ledger account of a contribution to the default fund; of None the own capital."""
    return CAPITAL if member is None else f"{_FUND}{member}"


def default_of(member: str) -> str:
    """The ledger account through which a default is settled; its balance is zero after it."""
    return f"{_DEFAULT}{member}"


def variation_of(product: str) -> str:
    """The ledger account of a product's variation; its balance is zero after each cycle."""
    return f"{_VARIATION}{product}"
