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
from events.texts import Texts, decimals, joined, stacked
from risk.add_ons import add_ons
from risk.margin import Holding
from risk.margin_models import MODELS
from services.shards.links import ContractFlow
from settlement.ledger import cents

# Accounts whose positions are joined at once: their bytes fit into a core's cache.
_ACCOUNTS_AT_ONCE: Final = 4_096


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
    positions: Texts = field(default_factory=lambda: Texts.of(()))

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
) -> Texts:
    """The JSON of each account's positions, by account number."""
    return stacked(
        [
            _positions_among(
                range(first, min(first + _ACCOUNTS_AT_ONCE, accounts)), flows, margins=margins
            )
            for first in range(0, accounts, _ACCOUNTS_AT_ONCE)
        ]
    )


def models_of(totals: CycleTotals, accounts: IntArray, *, default: str) -> Texts:
    """The models of the positions of each account, joined by +. default: without positions."""
    columns = [(name, column[accounts].tolist()) for name, column in totals.models.items()]
    models = [
        "+".join(name for name, holds in columns if holds[index]) or default
        for index in range(len(accounts))
    ]
    return Texts.of([model.encode() for model in models])


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


def _positions_among(
    accounts: range, flows: Sequence[ContractFlow], *, margins: Sequence[IntArray]
) -> Texts:
    """The JSON of the positions of accounts that follow one another."""
    heads = [f'{{"contract":"{flow.contract}","lots":'.encode() for flow in flows]
    entries = [np.zeros((4, 0), np.int64)]
    for number, (flow, margin) in enumerate(zip(flows, margins, strict=True)):
        begin, end = np.searchsorted(flow.accounts, (accounts.start, accounts.stop))
        rows = begin + np.flatnonzero(flow.lots[begin:end])
        holder = flow.accounts[rows] - accounts.start
        contract = np.full(len(rows), number)
        entries.append(np.stack([holder, contract, flow.lots[rows], margin[rows]]))
    holder, contract, lots, margin_cents = np.concatenate(entries, axis=1)
    order = np.argsort(holder, kind="stable")
    # Where the entries of each account begin, and where the last ones end.
    edges = np.searchsorted(holder[order], np.arange(len(accounts) + 1))
    is_first, is_last = np.zeros((2, len(order) + 1), np.int64)
    is_first[edges] = is_last[edges - 1] = 1
    texts = joined(
        (
            Texts(b",[", is_first[:-1], is_first[:-1] + 1),
            Texts.of(heads)[contract[order]],
            decimals(lots[order]),
            b',"margin_cents":',
            decimals(margin_cents[order]),
            Texts(b"}]", np.zeros(len(order), np.int64), is_last[:-1] + 1),
        )
    )
    cuts = np.concatenate([[0], texts.ends])[edges]
    lists = Texts(texts.buffer, cuts[:-1], cuts[1:])
    return lists.replaced_where(lists.lengths == 0, b"[]")
