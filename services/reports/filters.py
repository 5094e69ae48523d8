"""What a report is asked to be about: a member, an account, a contract, a product.

In: a request. Out: accounts, markets; whether a fact is about what was asked for. A member's
accounts are those that it had on any of the dates, of a report of now those that it has. Errors:
UnknownSubject, with what there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Final

from events.contracts import parse_symbol, product_of
from services.reports.portings import Memberships
from services.reports.report import ReportFact, ReportRequest, UnknownSubject
from services.reports.view import JournalView
from settlement.control_books import Account

_NAMES_SHOWN: Final = 10
# The fields in which facts and commands name accounts.
_ACCOUNT_FIELDS: Final = (
    "account", "buyer", "seller", "from_account", "to_account", "maker",
)  # fmt: skip


def check_subjects(view: JournalView, request: ReportRequest) -> None:
    """See that there is what a report is asked to be about. Errors: UnknownSubject."""
    accounts_asked(view, request)
    markets_asked(view, request)


def accounts_asked(view: JournalView, request: ReportRequest) -> Collection[str] | None:
    """The accounts of the member or of the name asked for; None when all are meant."""
    if not request.options.keys() & {"member", "account"}:
        return None
    return {account.name for account in chosen_accounts(view, request)}


def markets_asked(view: JournalView, request: ReportRequest) -> list[str]:
    """The market shards of the product or of the contract asked for; else all."""
    product, contract = request.options.get("product"), request.options.get("contract")
    if contract is None:
        return view.markets(product)
    if parse_symbol(contract) is None:
        msg = f"there is no contract {contract}; symbols look like SITU26"
        raise UnknownSubject(msg)
    if product not in (None, product_of(contract)):
        msg = f"contract {contract} is of product {product_of(contract)}, not {product}"
        raise UnknownSubject(msg)
    return view.markets(product_of(contract))


def names_account(fact: ReportFact, accounts: Collection[str] | None) -> bool:
    """Whether a fact or command is about one of these accounts; None: about any."""
    return accounts is None or any(fact.get(name) in accounts for name in _ACCOUNT_FIELDS)


def chosen_accounts(view: JournalView, request: ReportRequest) -> list[Account]:
    """The accounts asked for, by member and name. Errors: UnknownSubject."""
    control = view.control
    member, name = request.options.get("member"), request.options.get("account")
    if member is not None and member not in control.members:
        msg = f"there is no member {member}; there are {_names(control.members)}"
        raise UnknownSubject(msg)
    first, last = request.first_date, request.business_date
    if request.given_date is None:
        first = last = date.max
    had = Memberships(view, first)
    accounts = [
        account
        for account in control.accounts_by_number
        if member is None or member in had.within(account, first, last=last)
    ]
    if name is not None:
        known_names = [account.name for account in accounts]
        accounts = [account for account in accounts if account.name == name]
        if not accounts:
            whose = f"member {member} has" if member else "there is"
            msg = f"{whose} no account {name}; {_names(known_names)}"
            raise UnknownSubject(msg)
    return sorted(accounts, key=lambda account: (account.member.name, account.name))


def _names(names: Iterable[str]) -> str:
    shown = sorted(names)
    if not shown:
        return "none yet"
    unnamed = f" and {len(shown) - _NAMES_SHOWN} more" if len(shown) > _NAMES_SHOWN else ""
    return ", ".join(shown[:_NAMES_SHOWN]) + unnamed
