"""A cycle of `member/0`: the barrier at which all markets' flows meet the accounts (RULEBOOK §5).

In: the copy of `run_cycle` or `close_session` and the flows of every market shard. Out: facts, in
the order of the rulebook: variation to cash, requirements, withdrawals, open calls, new calls,
instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from events.contracts import product_of
from events.control_commands import CloseSession, RunCycle
from events.int64 import IntArray, add, add_at
from events.market_facts import VariationSettled
from events.member_facts import CollateralMoved, MarginSet, Posting
from risk.calls import AccountNames, look_at_calls, new_calls
from risk.cycle import CLOSE, CURRENCY, Cycle, deadline_of_close, deadline_of_cycle
from risk.instructions import Side, deficits, instruct
from risk.requirement import maintenance_of, margin_column
from risk.withdrawals import decide_withdrawals
from services.shards.emission import Emission
from services.shards.links import ContractFlow, places_of
from services.shards.member.books import BANK, CASH, VARIATION, MemberBooks, as_column, stored
from services.shards.member.decide import state_missed

# Whose positions are put together at once: all in one go would touch fresh memory for each entry.
_ACCOUNTS_AT_ONCE: Final = 8_192


@dataclass(slots=True)
class Totals:
    """What a cycle brings to accounts, by account number.

    margins: of the entries of each flow; positions: the text of each account's, as margin_set and
    statement have it.
    """

    variation: dict[str, IntArray]
    initial: IntArray
    has_position: npt.NDArray[np.bool_]
    margins: list[IntArray] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)

    @property
    def net(self) -> IntArray:
        """Variation over all products."""
        summed = np.zeros_like(self.initial)
        for column in self.variation.values():
            summed = add(summed, column)
        return summed


def cycle_of(books: MemberBooks, command: RunCycle | CloseSession) -> Cycle:
    """The cycle a barrier orders."""
    control = books.control
    if isinstance(command, CloseSession):
        time_of_day = control.parameter_text("call_deadline")
        deadline = deadline_of_close(command.next_business_date, time_of_day=time_of_day)
        return Cycle(command.business_date, CLOSE, command.at, deadline)
    session = control.business_date
    assert session is not None, "a cycle was ordered without a session"
    deadline = deadline_of_cycle(command.at, minutes=control.parameter("call_minutes"))
    return Cycle(session, command.cycle, command.at, deadline)


def settle_cycle(
    books: MemberBooks, cycle: Cycle, *, flows: Sequence[ContractFlow], emit: Emission
) -> Totals:
    """Settle a barrier; the clock has missed its calls before."""
    state_missed(books, cycle.at, emit=emit)
    totals = add_up(len(books.cash), flows)
    totals.positions = positions_of(len(books.cash), flows, margins=totals.margins)
    net = totals.net
    _pay_variation(books, totals, cycle=cycle, emit=emit)
    _require(books, totals, cycle=cycle, emit=emit)
    _decide_withdrawals(books, cycle, emit=emit)
    _work_calls(books, cycle, emit=emit)
    _instruct(books, net, cycle=cycle, emit=emit)
    return totals


def add_up(accounts: int, flows: Sequence[ContractFlow]) -> Totals:
    """The arithmetic of a cycle: variation by product, margin, who has a position."""
    totals = Totals(
        variation={},
        initial=np.zeros(accounts, dtype=np.int64),
        has_position=np.zeros(accounts, dtype=np.bool_),
    )
    for flow in flows:
        product = product_of(flow.contract)
        column = totals.variation.setdefault(product, np.zeros(accounts, dtype=np.int64))
        places = places_of(flow.accounts)
        add_at(column, places, other=flow.amount_cents)
        margin = np.zeros(len(flow.lots), dtype=np.int64)
        if flow.mark_ticks is not None:
            margin_column(
                flow.lots, price_cents=flow.mark_ticks, rate_ppm=flow.rate_ppm, out=margin
            )
        add_at(totals.initial, places, other=margin)
        totals.has_position[places] |= flow.lots != 0
        totals.margins.append(margin)
    return totals


def positions_of(
    accounts: int, flows: Sequence[ContractFlow], *, margins: Sequence[IntArray]
) -> list[str]:
    """The text of each account's positions, by account number."""
    texts: list[str] = []
    for first in range(0, accounts, _ACCOUNTS_AT_ONCE):
        until = min(first + _ACCOUNTS_AT_ONCE, accounts)
        held: list[list[str]] = [[] for _ in range(first, until)]
        for flow, margin in zip(flows, margins, strict=True):
            _note_positions(held, flow, margin=margin, first=first)
        texts += [f"[{','.join(entries)}]" for entries in held]
    return texts


def _note_positions(
    held: list[list[str]], flow: ContractFlow, *, margin: IntArray, first: int
) -> None:
    """What some accounts, from the first on, hold of a contract."""
    begin, end = np.searchsorted(flow.accounts, (first, first + len(held)))
    places = begin + np.flatnonzero(flow.lots[begin:end])
    columns = (flow.accounts[places] - first, flow.lots[places], margin[places])
    head = f'{{"contract":"{flow.contract}","lots":'
    for place, lots, cents in zip(*(column.tolist() for column in columns), strict=True):
        held[place].append(f'{head}{lots},"margin_cents":{cents}}}')


def _pay_variation(books: MemberBooks, totals: Totals, *, cycle: Cycle, emit: Emission) -> None:
    """Move each account's variation of each product, one posting each; the house ends at zero."""
    accounts = books.control.accounts_by_number
    tail = (
        f',"currency":"{CURRENCY}","for":"{VariationSettled.TYPE}",'
        f'"reference":"{cycle.business_date.isoformat()}/{cycle.name}"'
    )
    texts = (',"debit":"', '","credit":"', '","amount_cents":', tail)
    for product, column in totals.variation.items():
        house = f"{VARIATION}{product}"
        moved = np.flatnonzero(column)
        amounts = column[moved].tolist()
        assert sum(amounts) == 0, f"variation of {product} does not sum to zero"
        drs, crs = [house] * len(amounts), [house] * len(amounts)
        for place, number in enumerate(moved.tolist()):
            side = crs if amounts[place] > 0 else drs
            side[place] = f"{CASH}{accounts[number].name}"
        books.cash = stored(add(as_column(books.cash), column))
        if amounts:
            books.house_cents.setdefault(house, 0)
        cents = [str(abs(amount)) for amount in amounts]
        emit.bulk(Posting.TYPE, cycle.at, texts=texts, columns=(drs, crs, cents))


def _require(books: MemberBooks, totals: Totals, *, cycle: Cycle, emit: Emission) -> None:
    """Set requirements; one fact for each account with a position or that had one."""
    maintenance = maintenance_of(
        totals.initial, share_ppm=books.control.parameter("maintenance_ppm")
    )
    had = np.frombuffer(bytes(books.had_position), dtype=np.bool_)
    chosen = np.flatnonzero(totals.has_position | had)
    model = books.control.parameter_text("margin_model")
    middle = (
        f'","business_date":"{cycle.business_date.isoformat()}","cycle":"{cycle.name}",'
        f'"model":"{model}","initial_cents":'
    )
    places = chosen.tolist()
    accounts, positions = books.control.accounts_by_number, totals.positions
    cents = [
        [*map(str, column[chosen].tolist())]
        for column in (totals.initial, maintenance, as_column(books.cash))
    ]
    books.initial = stored(totals.initial)
    books.maintenance = stored(maintenance)
    books.had_position = bytearray(totals.has_position.tobytes())
    names = [accounts[number].name for number in places]
    held = [positions[number] for number in places]
    between = (',"maintenance_cents":', ',"equity_cents":', ',"parts":')
    emit.bulk(
        MarginSet.TYPE,
        cycle.at,
        texts=(',"account":"', middle, *between, ""),
        columns=(names, *cents, held),
    )


def _decide_withdrawals(books: MemberBooks, cycle: Cycle, *, emit: Emission) -> None:
    decided = decide_withdrawals(
        books.withdrawals,
        equity=as_column(books.cash),
        initial=as_column(books.initial),
        has_open_call=books.calls.open_calls,
        at=cycle.at,
    )
    for fact in decided:
        emit(fact)
        if isinstance(fact, CollateralMoved):
            emit(_paid_out(fact))


def _paid_out(fact: CollateralMoved) -> Posting:
    return Posting.model_validate(
        {
            "at": fact.at,
            "debit": f"{CASH}{fact.account}",
            "credit": BANK,
            "amount_cents": -fact.amount_cents,
            "currency": CURRENCY,
            "for": CollateralMoved.TYPE,
            "reference": fact.reference,
        }
    )


def _work_calls(books: MemberBooks, cycle: Cycle, *, emit: Emission) -> None:
    equity, initial = as_column(books.cash), as_column(books.initial)
    for _, change in look_at_calls(books.calls, initial=initial, equity=equity, at=cycle.at):
        emit(change)
    accounts = books.control.accounts_by_number
    names = AccountNames(
        accounts=[account.name for account in accounts],
        members=[account.member.name for account in accounts],
    )
    called = new_calls(
        books.calls,
        names,
        equity=equity,
        initial=initial,
        maintenance=as_column(books.maintenance),
        cycle=cycle,
    )
    for _, call in called:
        emit(call)


def _instruct(books: MemberBooks, net: IntArray, *, cycle: Cycle, emit: Emission) -> None:
    sides, codes = sides_of(books)
    deficit = deficits(as_column(books.initial), as_column(books.cash))
    for fact in instruct(sides, codes, variation=net, deficit=deficit, cycle=cycle):
        emit(fact)


def sides_of(books: MemberBooks) -> tuple[list[Side], npt.NDArray[np.intp]]:
    """Members' sides by name and origin, and the place of each account among them."""
    accounts = books.control.accounts_by_number
    keys = [(account.member.name, account.origin) for account in accounts]
    ordered = sorted(dict.fromkeys(keys))
    place = {key: number for number, key in enumerate(ordered)}
    sides = [Side(member, origin) for member, origin in ordered]  # type: ignore[arg-type]
    return sides, np.array([place[key] for key in keys], dtype=np.intp)
