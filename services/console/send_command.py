"""`clearing send`: one command of an operator, and what the clearinghouse made of it."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

import click

from services.console.example import example
from services.console.exit_codes import EXIT_REFUSED
from services.console.output import say, say_on_stderr
from services.console.settings_flags import settings_from, with_settings
from services.console.streaming_errors import stop_on_stream_trouble
from services.console.trade_options import pairs

if TYPE_CHECKING:
    from events.command import Command
    from services.feed.sending import Answer

TIMEOUT_S: Final = 60.0
_TIME: Final = "at"


@click.command(
    "send",
    epilog=example(
        "clearing send open_session business_date=2026-06-08",
        "clearing send halt_contract contract=SITZ26 until=null reason='cable cut'",
        "clearing send deposit_collateral reference=d1 account=A1 asset=USD amount_cents=500000",
    ),
)
@click.argument("kind", metavar="TYPE")
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]…")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=TIMEOUT_S, show_default=True,
    metavar="S", help="Stop waiting when nothing has moved for so many seconds.",
)  # fmt: skip
@with_settings("database")
def send_command(*, kind: str, fields: Sequence[str], timeout: float, **flags: Any) -> None:  # noqa: ANN401 - click hands over any flag
    """Send one command and print its facts as JSON lines.

    The fields are checked before it is sent. Without `at` it is the time of this machine. Waits
    until the command is in the journal; behind a control command, until every shard knows it.
    Exit code 0 when it stands, 3 when it was refused (the refusal is printed), 2 when it was not
    sent or no worker took it: it is then in Kafka, and will be decided.
    """
    from services.feed.command_text import NotComposed, compose, model_of
    from services.feed.sending import send
    from services.feed.stall import StallTimer

    settings = settings_from(flags, needs_database=True)
    texts = pairs(fields, "a field")
    try:
        composed = compose(kind, texts | _time_of(model_of(kind), texts))
    except NotComposed as trouble:
        raise click.UsageError(str(trouble)) from trouble
    answers: list[Answer] = []

    def show(answer: Answer) -> None:
        answers.append(answer)
        say(fact.decode() for fact in answer.facts)
        if not answer.facts:
            say_on_stderr(f"row {answer.seq} of {answer.shard}: nothing new, it was said before")

    with stop_on_stream_trouble():
        send(settings, composed, stall=StallTimer(say_on_stderr, timeout_s=timeout), on_answer=show)
    if any(answer.is_refused for answer in answers):
        raise SystemExit(EXIT_REFUSED)


def _time_of(model: type[Command], texts: dict[str, str]) -> dict[str, str]:
    """The time of this machine, for a command that says when and was given no time."""
    if _TIME in texts or _TIME not in model.model_fields:
        return {}
    from events.units import format_instant

    now = format_instant(time_ns())
    say_on_stderr(f"at={now}, by the clock of this machine")
    return {_TIME: now}
