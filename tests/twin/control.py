"""What `control/0` decides: members, accounts, sessions, configuration (WIRE 2 and 3)."""

from __future__ import annotations

from datetime import date

from tests.twin.assets import begin_terms, refuse_terms
from tests.twin.books import SESSION_SLACK, Account, House, Index, MakerQuote, Market, Member
from tests.twin.cycles import close_market, list_contracts, run_cycle
from tests.twin.defaults import book_step, follow_step, refuse_step
from tests.twin.fund import PARAMETERS, refuse_fund_parameter
from tests.twin.index import move_clock as move_market_clock
from tests.twin.instants import DAY, is_weekday, midnight
from tests.twin.makers import book_maker, refuse_maker
from tests.twin.treasury import cycle
from tests.twin.treasury import move_clock as move_treasury_clock
from tests.twin.words import SILENT, Command

SHARD = "control/0"
EXTERNAL_PRODUCT = "SCU"
OF_MAKERS = ("designate_maker/1", "release_maker/1", "report_net_capital/1")
OF_DEFAULTS = (
    "affiliate_member/1", "port_account/1", "auction_account/1", "settle_default/1",
)  # fmt: skip
SETTINGS = ("configure/1", "configure_asset/1")
YEARS = range(2000, 2098)
FACT_OF = {
    "configure/1": "configured/1",
    "configure_asset/1": "asset_configured/1",
    "admit_member/1": "member_admitted/1",
    "open_account/1": "account_opened/1",
    "suspend_account/1": "account_suspended/1",
    "reinstate_account/1": "account_reinstated/1",
    "declare_default/1": "member_defaulted/1",
    "designate_maker/1": "maker_designated/1",
    "release_maker/1": "maker_released/1",
    "report_net_capital/1": "net_capital_reported/1",
    "affiliate_member/1": "member_affiliated/1",
    "port_account/1": "account_ported/1",
    "auction_account/1": "account_auctioned/1",
    "settle_default/1": "default_settlement_ordered/1",
}


def take_control(house: House, command: Command) -> str | None:
    """Take a control command and hand it to every shard; or give the reason why not."""
    slack = SESSION_SLACK if command["type"] == "close_session/1" else 0
    if not house.is_in_range(command["at"], slack):
        reason: str | None = "time_out_of_range"
        remember(house, command, reason)
    elif command in house.cycles_past:
        reason = SILENT
    elif command["type"] == "run_cycle/1" and command["cycle"] in house.cycles:
        known, answer = house.cycles[command["cycle"]]
        reason = (answer or SILENT) if known == command else "duplicate_reference"
    elif command.get("reference") in house.references:
        known, answer = house.references[command["reference"]]
        reason = (answer or SILENT) if known == command else "duplicate_reference"
    else:
        reason = refuse_control(house, command)
        remember(house, command, reason)
    if reason == SILENT:
        return None
    if reason is None:
        accept(house, command)
    return reason


def remember(house: House, command: Command, reason: str | None) -> None:
    """Remember a reference for ever, a cycle's name within its session unless it is out of order.

    Also a refused one.
    """
    if "reference" in command:
        house.references.setdefault(command["reference"], (command, reason))
    if command["type"] == "run_cycle/1" and reason != "out_of_order_session":
        house.cycles.setdefault(command["cycle"], (command, reason))


def refuse_control(house: House, command: Command) -> str | None:
    """Give the first reason against a control command; SILENT when it changes nothing."""
    kind = command["type"]
    if kind == "configure/1":
        return refuse_configure(command)
    if kind == "configure_asset/1":
        return refuse_terms(command)
    if kind == "admit_member/1":
        if command["member"] in house.members:
            known = house.members[command["member"]].command
            return SILENT if known == command else "already_exists"
        return None
    if kind == "open_account/1":
        return refuse_account(house, command)
    if kind in ("suspend_account/1", "reinstate_account/1"):
        if command["account"] not in house.accounts:
            return "unknown_account"
        is_wanted = kind == "suspend_account/1"
        return SILENT if house.accounts[command["account"]].is_suspended is is_wanted else None
    if kind == "declare_default/1":
        if command["member"] not in house.members:
            return "unknown_member"
        return "member_defaulted" if house.members[command["member"]].is_defaulted else None
    if kind in OF_MAKERS:
        return refuse_maker(house, command)
    if kind in OF_DEFAULTS:
        return refuse_step(house, command)
    return refuse_session(house, command)


def refuse_configure(command: Command) -> str | None:
    """Tell why a configuration is refused.

    The twin knows `product_in_use`, the model paper and the parameters of the fund.
    """
    if command["product"] is not None and command["product"] not in ("SIT", EXTERNAL_PRODUCT):
        return "unknown_product"
    if command["parameter"] == "margin_model" and command["value"] == "paper":
        return None
    if command["parameter"] in PARAMETERS:
        return refuse_fund_parameter(command)
    if command["parameter"] != "product_in_use":
        return "unknown_parameter"
    is_valid = command["product"] is not None and command["value"] == "true"
    return None if is_valid else "invalid_value"


def refuse_account(house: House, command: Command) -> str | None:
    """Tell why an account cannot be opened."""
    if command["account"] in house.accounts:
        known = house.accounts[command["account"]].command
        return SILENT if known == command else "already_exists"
    if command["origin"] == "house":
        for account in house.accounts.values():
            if account.member == command["member"] and account.origin == "house":
                return "already_exists"
    if command["member"] not in house.members:
        return "unknown_member"
    return "member_defaulted" if house.members[command["member"]].is_defaulted else None


def refuse_session(house: House, command: Command) -> str | None:
    """Tell why a session, a cycle or a close is refused."""
    kind, session = command["type"], house.business_date
    if kind == "advance_clock/1":
        return None
    if kind == "run_cycle/1":
        if command["cycle"] == "close":
            return "invalid_value"
        return out_of_order(house, command["at"], session)
    if kind == "open_session/1":
        day = command["business_date"]
        if session is None and house.clock is not None and command["at"] < house.clock:
            return "time_out_of_range"
        if day.year not in YEARS:
            return "invalid_value"
        is_near = -7 * DAY <= midnight(day) - command["at"] // DAY * DAY <= 7 * DAY
        is_fine = session is None and is_near and is_weekday(day)
        return None if is_fine else "out_of_order_session"
    following = command["next_business_date"]
    if following.year not in YEARS:
        return "invalid_value"
    if session is None or command["business_date"] != session or following <= session:
        return "out_of_order_session"
    if midnight(following) - midnight(session) > 14 * DAY or not is_weekday(following):
        return "out_of_order_session"
    return out_of_order(house, command["at"], following)


def out_of_order(house: House, at: int, last: date | None) -> str | None:
    """Tell whether a cycle or a close goes back in time, or comes after its last day (RULEBOOK 1).

    last: the day at whose end, 24:00, it may still be; None without a session.
    """
    run = [known["at"] for known, answer in house.cycles.values() if answer is None]
    if last is None or not max([house.opened_at, *run]) <= at <= midnight(last) + DAY:
        return "out_of_order_session"
    return None


def accept(house: House, command: Command) -> None:
    """Book an accepted control command, then copy it to every market and to the members."""
    kind, at = command["type"], command["at"]
    house.clock = at if house.clock is None else max(at, house.clock)
    if house.first is None and kind not in SETTINGS:
        house.first = at
    if kind in FACT_OF:
        fields = {name: value for name, value in command.items() if name not in ("type", "at")}
        if kind in SETTINGS:
            fields["effective_date"] = command["effective_date"].isoformat()
        if kind == "port_account/1":
            fields["from_member"] = house.accounts[command["account"]].member
        house.state(FACT_OF[kind], SHARD, at, **fields)
    if kind in ("open_session/1", "close_session/1"):
        is_close = kind == "close_session/1"
        day = command["next_business_date" if is_close else "business_date"]
        house.state("session_opened/1", SHARD, at, business_date=day.isoformat())
    book(house, command)
    for product in sorted(house.markets):
        move_market_clock(house, house.markets[product], at)
    move_treasury_clock(house, at)
    follow_step(house, command)
    if kind == "open_session/1":
        open_session(house, command)
    elif kind == "run_cycle/1":
        house.settlements = {}
        cycle(house, command, run_markets(house, command), None)
    elif kind == "close_session/1":
        cycle(house, command, run_markets(house, command), command["next_business_date"])
        open_session(house, command)


def book(house: House, command: Command) -> None:
    """Change the books of members, accounts and products."""
    kind = command["type"]
    if kind == "configure/1" and command["parameter"] == "product_in_use":
        use(house, command)
    elif kind == "configure_asset/1" or command.get("parameter") in PARAMETERS:
        house.waiting.append(command)
    elif kind == "admit_member/1":
        house.members[command["member"]] = Member(command)
    elif kind == "open_account/1":
        house.accounts[command["account"]] = Account(command, command["member"])
    elif kind == "suspend_account/1":
        house.accounts[command["account"]].is_suspended = True
        lapse_quotes(house, [command["account"]], command["at"])
    elif kind == "reinstate_account/1":
        house.accounts[command["account"]].is_suspended = False
    elif kind == "declare_default/1":
        house.members[command["member"]].is_defaulted = True
        accounts = house.accounts.items()
        makers = [name for name, found in accounts if found.member == command["member"]]
        lapse_quotes(house, makers, command["at"])
    elif kind in OF_MAKERS:
        book_maker(house, command)
    elif kind in OF_DEFAULTS:
        book_step(house, command)


def use(house: House, command: Command) -> None:
    """Bring a product into use: its shard is there at once, its contracts from a date on."""
    name, day = command["product"], command["effective_date"]
    if name in house.markets:
        market = house.markets[name]
        market.listed_from = min(market.listed_from, day)
        return
    market = Market(name, Index(is_external=True), day)
    market.clock = house.clock
    house.markets[name] = market


def lapse_quotes(house: House, makers: list[str], at: int) -> None:
    """Let the quotes of makers lapse (RULEBOOK 4)."""
    for market in house.markets.values():
        for contract in market.contracts.values():
            for maker in makers:
                contract.quotes.pop(maker, None)
                contract.quote_log.append(MakerQuote(maker, at, None, None, 0))


def run_markets(house: House, command: Command) -> dict[str, int]:
    """Run a cycle or a close in every market; give the variation by account."""
    paid: dict[str, int] = {}
    for product in sorted(house.markets):
        market = house.markets[product]
        is_close = command["type"] == "close_session/1"
        amounts = (close_market if is_close else run_cycle)(house, market, command)
        for account, cents in amounts.items():
            paid[account] = paid.get(account, 0) + cents
    return paid


def open_session(house: House, command: Command) -> None:
    """Open a session: the first one, or the next with the close (RULEBOOK 1)."""
    is_close = command["type"] == "close_session/1"
    house.business_date = command["next_business_date" if is_close else "business_date"]
    house.opened_at = command["at"]
    run = [known for known, answer in house.cycles.values() if answer is None]
    house.cycles_past += run
    house.cycles = {}
    house.settlements = {}
    begin_terms(house)
    for product in sorted(house.markets):
        list_contracts(house, house.markets[product], command["at"])
