"""The requirement of every account, from the flows of all markets (RULEBOOK §5).

In: the flows of a cycle. Out: variation by product, initial margin, the accounts with positions,
the margin of each position. Contracts of one margin model go to the model together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from events.contracts import product_of
from events.int64 import IntArray, add, add_at, as_index
from risk.add_ons import add_ons
from risk.margin import Holding
from risk.margin_models import MODELS
from services.shards.links import ContractFlow
from settlement.ledger import cents

# Accounts whose positions are joined at once: for all accounts each entry would need new memory.
_ACCOUNTS_AT_ONCE: Final = 8_192


@dataclass(slots=True)
class CycleTotals:
    """The totals of a cycle by account number, in cents.

    initial: with add-ons; credit: what positions that offset take off; parts − credit + add_on =
    initial.

    models: for each margin model of the flows, in the order of the table, whether an account has a
    position under it. margins: of the positions of each flow; positions: the JSON of each account's
    positions, for margin_set and statement.
    """

    variation: dict[str, IntArray]
    initial: IntArray
    credit: IntArray
    add_on: IntArray
    models: dict[str, npt.NDArray[np.bool_]]
    margins: list[IntArray]
    positions: list[str] = field(default_factory=list)

    @property
    def net(self) -> IntArray:
        """Variation over all products."""
        summed = np.zeros_like(self.initial)
        for column in self.variation.values():
            summed = add(summed, column)
        return summed

    @property
    def has_position(self) -> npt.NDArray[np.bool_]:
        """Whether each account has a position, under any model."""
        holds = np.zeros(len(self.initial), dtype=np.bool_)
        for column in self.models.values():
            holds |= column
        return holds


def add_up(
    accounts: int, flows: Sequence[ContractFlow], *, parameter: Callable[[str], int]
) -> CycleTotals:
    """The totals of a cycle. accounts: their number; parameter: of the clearinghouse."""
    totals = CycleTotals(
        variation=_variation(accounts, flows),
        initial=np.zeros(accounts, dtype=np.int64),
        credit=np.zeros(accounts, dtype=np.int64),
        add_on=np.zeros(accounts, dtype=np.int64),
        models={},
        margins=[flow.lots for flow in flows],
    )
    for name, model in MODELS.items():
        numbers = [number for number, flow in enumerate(flows) if flow.model == name]
        if not numbers:
            continue
        chosen = [flows[number] for number in numbers]
        holdings = [_holding(flow) for flow in chosen]
        settings = {name: parameter(name) for name in model.portfolio_parameters}
        requirement = model.require(holdings, accounts, settings=settings)
        totals.initial = add(totals.initial, requirement.initial)
        if requirement.credit is not None:
            totals.credit = add(totals.credit, requirement.credit)
        if any(holding.add_on for holding in holdings):
            totals.add_on = add(totals.add_on, add_ons(holdings, accounts))
        for number, part in zip(numbers, requirement.parts, strict=True):
            totals.margins[number] = part
        totals.models[name] = _holders(accounts, chosen)
    totals.initial = add(totals.initial, totals.add_on)
    return totals


def positions_of(
    accounts: int, flows: Sequence[ContractFlow], *, margins: Sequence[IntArray]
) -> list[str]:
    """The JSON of each account's positions, by account number."""
    texts: list[str] = []
    for first in range(0, accounts, _ACCOUNTS_AT_ONCE):
        until = min(first + _ACCOUNTS_AT_ONCE, accounts)
        entries: list[list[str]] = [[] for _ in range(first, until)]
        for flow, margin in zip(flows, margins, strict=True):
            _note_positions(entries, flow, margin=margin, first=first)
        texts += [f"[{','.join(of_account)}]" for of_account in entries]
    return texts


def models_of(totals: CycleTotals, accounts: Sequence[int], *, default: str) -> list[str]:
    """The models of the positions of each account, joined by +. default: without positions."""
    columns = [(name, column[[*accounts]].tolist()) for name, column in totals.models.items()]
    return [
        "+".join(name for name, holds in columns if holds[index]) or default
        for index in range(len(accounts))
    ]


def _variation(accounts: int, flows: Sequence[ContractFlow]) -> dict[str, IntArray]:
    """The variation of each account, by product."""
    variation: dict[str, IntArray] = {}
    for flow in flows:
        product = product_of(flow.contract)
        column = variation.setdefault(product, np.zeros(accounts, dtype=np.int64))
        add_at(column, as_index(flow.accounts), addend=flow.amount_cents)
    return variation


def _holding(flow: ContractFlow) -> Holding:
    price_cents = None if flow.mark_ticks is None else cents(1, flow.mark_ticks)
    product = product_of(flow.contract)
    return Holding(flow.accounts, flow.lots, price_cents, flow.measure, product, flow.add_on)


def _holders(accounts: int, flows: Sequence[ContractFlow]) -> npt.NDArray[np.bool_]:
    holds = np.zeros(accounts, dtype=np.bool_)
    for flow in flows:
        holds[as_index(flow.accounts)] |= flow.lots != 0
    return holds


def _note_positions(
    entries: list[list[str]], flow: ContractFlow, *, margin: IntArray, first: int
) -> None:
    """Add the positions in a contract to the entries of accounts. first: number of entry 0."""
    begin, end = np.searchsorted(flow.accounts, (first, first + len(entries)))
    chosen = begin + np.flatnonzero(flow.lots[begin:end])
    columns = (flow.accounts[chosen] - first, flow.lots[chosen], margin[chosen])
    head = f'{{"contract":"{flow.contract}","lots":'
    for number, lots, margin_cents in zip(*(column.tolist() for column in columns), strict=True):
        entries[number].append(f'{head}{lots},"margin_cents":{margin_cents}}}')
