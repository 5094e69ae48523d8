"""Events of members: cash to the boundary, calls, suspensions, defaults, cycles, clocks."""

from __future__ import annotations

from datetime import timedelta

from tests.twin.instants import HOUR, print_instant
from tests.twin.makers import CAPITAL_CENTS
from tests.twin.script import Script
from tests.twin.words import INT64_MAX


def found_members(script: Script) -> None:
    """Admit three or four members with a house account and some customers; pay in."""
    for number in range(script.rng.randint(3, 4)):
        member = "ABCD"[number]
        script.send("admit_member/1", member=member, name=f"Member {member}", at=script.when())
        open_account(script, f"{member}-H", member, "house")
        for customer in range(script.rng.randint(1, 2)):
            open_account(script, f"{member}-C{customer}", member, "customer")
    for account in script.accounts:
        if script.chance(0.85):
            cents = script.pick((12_000, 100_000, 10**7, 10**9, 10**11))
            deposit(script, account, cents)
    open_account(script, "VAULT", "A", "customer")
    script.accounts = [account for account in script.accounts if account != "VAULT"]
    for _ in range(script.rng.randint(0, 4)):
        maker_event(script)


def open_account(script: Script, account: str, member: str, origin: str) -> None:
    """Open an account; owners are shared."""
    owner = script.pick(("o1", "o2", f"o-{account}"))
    script.send("open_account/1", account=account, member=member, origin=origin, owner=owner,
                at=script.when())  # fmt: skip
    if account in script.house.accounts and account not in script.accounts:
        script.accounts.append(account)


def member_event(script: Script) -> None:
    """Write one event of members."""
    kind = script.weighted(
        {"deposit": 8, "call": 6, "withdraw": 8, "boundary": 5, "suspend": 2, "reinstate": 4,
         "default": 1, "open": 2, "admit": 1, "clock": 4, "cycle": 3, "session": 1, "vault": 2,
         "maker": 5}
    )  # fmt: skip
    account = script.pick(script.accounts)
    if kind == "deposit":
        cents = script.rng.randint(1, 10 ** script.rng.randint(3, 9))
        deposit(script, account, script.pick((cents, cents, cents, 0, -cents)))
    elif kind == "call":
        answer_call(script)
    elif kind in ("withdraw", "boundary"):
        withdraw(script, account, is_exact=kind == "boundary")
    elif kind in ("suspend", "reinstate"):
        suspended = [name for name, found in script.house.accounts.items() if found.is_suspended]
        if kind == "reinstate" and suspended:
            account = script.pick(suspended)
        script.send(f"{kind}_account/1", account=script.pick((account, account, account, "GHOST")),
                    reason="by hand", at=script.when())  # fmt: skip
    elif kind == "clock":
        advance(script)
    elif kind == "cycle":
        run_cycle(script)
    elif kind == "session":
        wrong_session(script)
    elif kind == "vault":
        vault(script)
    elif kind == "maker":
        maker_event(script)
    else:
        membership(script, kind)


def membership(script: Script, kind: str) -> None:
    """Declare a default (rarely), admit or open again or anew."""
    member = script.pick(("A", "B", "C", "D", "Z"))
    if kind == "default":
        if script.chance(0.35):
            script.send("declare_default/1", member=script.pick(("B", "C", "Z")),
                        reason="declared", at=script.when())  # fmt: skip
    elif kind == "admit":
        script.send("admit_member/1", member=member, name="Again", at=script.when())
    else:
        account = script.pick((script.name("N"), script.pick(script.accounts)))
        open_account(script, account, member, script.pick(("house", "customer", "customer")))


def deposit(script: Script, account: str, cents: int) -> None:
    """Pay in."""
    asset = "USD" if script.chance(0.97) else "XYZ"
    script.send(
        "deposit_collateral/1", reference=script.name("d"),
        account=account if script.chance(0.98) else "GHOST", asset=asset, amount_cents=cents,
        at=script.when(),
    )  # fmt: skip


def answer_call(script: Script) -> None:
    """Pay an open call: all of it, nearly, or a part; in time, just in time or too late."""
    calls = script.house.treasury.calls
    if not calls:
        return
    account = script.pick(sorted(calls))
    call = calls[account]
    cents = script.pick((call.remaining, call.remaining - 1, call.remaining // 2 + 1, 1))
    at = script.when()
    if script.chance(0.2):
        at = print_instant(call.deadline + script.pick((0, 1, -1)))
    if cents < INT64_MAX:
        script.send("deposit_collateral/1", reference=script.name("d"), account=account,
                    asset="USD", amount_cents=cents, at=at)  # fmt: skip


def withdraw(script: Script, account: str, *, is_exact: bool) -> None:
    """Ask for money: some, or to the boundary of cash or of equity over initial."""
    treasury = script.house.treasury
    cash = treasury.cash.get(account, 0)
    cents = script.rng.randint(1, 10 ** script.rng.randint(2, 8))
    if is_exact:
        base = script.pick((cash, cash - treasury.initial.get(account, 0)))
        cents = base + script.pick((0, 0, 1, -1))
    if cents > INT64_MAX:
        return
    script.send(
        "withdraw_collateral/1", reference=script.name("w"), account=account,
        asset="USD" if script.chance(0.98) else "EUR", amount_cents=cents, at=script.when(),
    )  # fmt: skip


def vault(script: Script) -> None:
    """Fill an account that holds no position up to an int64, and one cent beyond."""
    cash = script.house.treasury.cash.get("VAULT", 0)
    kind = script.pick(("deposit_collateral/1", "deposit_collateral/1", "withdraw_collateral/1"))
    cents = INT64_MAX if cash == 0 else script.pick((INT64_MAX - cash, INT64_MAX - cash + 1, 5))
    script.send(kind, reference=script.name("v"), account="VAULT", asset="USD",
                amount_cents=min(cents, INT64_MAX), at=script.when())  # fmt: skip


def maker_event(script: Script) -> None:
    """Designate a maker, release one, report capital: about enough, none, or less than none."""
    kind = script.weighted({"designate": 5, "release": 2, "capital": 3})
    if kind == "capital":
        cents = CAPITAL_CENTS + script.pick((0, 0, 1, -1, -CAPITAL_CENTS, -CAPITAL_CENTS - 1))
        script.send("report_net_capital/1", member=script.pick(("A", "B", "C", "Z")),
                    amount_cents=cents, at=script.when())  # fmt: skip
        return
    makers = [(product, account) for product, account in script.house.makers]
    product = script.pick(("SIT", "SIT", "SIT", "SCU", "XYZ"))
    account = script.pick((*script.accounts, "GHOST"))
    if makers and script.chance(0.6 if kind == "release" else 0.1):
        product, account = script.pick(makers)
    script.send("designate_maker/1" if kind == "designate" else "release_maker/1",
                account=account, product=product, at=script.when())  # fmt: skip


def advance(script: Script) -> None:
    """Advance the clock: to now, to a call's deadline, to the instant after it."""
    deadlines = [call.deadline for call in script.house.treasury.calls.values()]
    at = script.when()
    if deadlines and script.chance(0.6):
        at = print_instant(script.pick(deadlines) + script.pick((0, 1)))
    script.send("advance_clock/1", at=at)


def run_cycle(script: Script) -> None:
    """Run an intraday cycle; now and then under a used or a wrong name."""
    name = script.pick((script.name("c"), script.name("c"), "noon", "noon", "close"))
    script.send("run_cycle/1", cycle=name, at=script.when())


def wrong_session(script: Script) -> None:
    """Open a session again, or close a wrong one."""
    session = script.house.session()
    days = [(session + timedelta(days=shift)).isoformat() for shift in (-1, 0, 1)]
    if script.chance(0.3):
        script.send("open_session/1", business_date=script.pick(days), at=script.when())
        return
    saturday = (session + timedelta(days=5 - session.weekday())).isoformat()
    wrong = script.pick(((days[0], days[2]), (days[2], days[2]), (days[1], days[1]),
                         (days[1], days[0]), (days[1], saturday)))  # fmt: skip
    at = print_instant(script.now + script.pick((0, HOUR)))
    script.send("close_session/1", business_date=wrong[0], next_business_date=wrong[1], at=at)
