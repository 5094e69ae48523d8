"""The command `clearing`: one group, one line per command (WIRE §4).

Exit codes: 0 the work was done, whatever was refused; the others stand in
`services/console/exit_codes.py`. Nothing of a command is imported before it is used.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

import click

from services.console.example import example
from services.console.exit_codes import EXIT_INTERRUPTED, EXIT_STOPPED
from services.console.lazy_group import LazyCommand, LazyGroup
from services.console.version import show_version
from services.hosting.interpreter import YOUNG_MAX

_AT: Final = "services.console."

COMMAND_TARGETS: Final = {
    "demo": LazyCommand(
        f"{_AT}demo_command:demo_command",
        "Clear a market on real token prices and show what happened.",
    ),
    "clear": LazyCommand(
        f"{_AT}clear_command:clear_command", "Clear a stream of commands, or of trades as CSV."
    ),
    "verify": LazyCommand(
        f"{_AT}audit_commands:verify_command", "Recompute the journal, name what differs."
    ),
    "days": LazyCommand(
        f"{_AT}days_command:days_command", "List the days closed, with their hashes."
    ),
    "replay": LazyCommand(
        f"{_AT}audit_commands:replay_command", "Fold the journal into the books."
    ),
    "report": LazyCommand(
        f"{_AT}report_command:report_command",
        "Print a report of one date, or from one date to another.",
    ),
    "margin": LazyCommand(
        f"{_AT}margin_command:margin_command", "Tell what a portfolio asks for, and why."
    ),
    "stress": LazyCommand(
        f"{_AT}stress_command:stress_command",
        "Tell what members would lose over their margin, scenario by scenario, against the fund.",
    ),
    "drill": LazyCommand(
        f"{_AT}drill_command:drill_command",
        "Play a default on the books: who pays what, what is left.",
    ),
    "backtest": LazyCommand(
        f"{_AT}backtest_command:backtest_command",
        "Test margin models on past prices, or the margins of a journal.",
    ),
    "paper": LazyCommand(
        f"{_AT}paper_command:paper_command",
        "Hold the paper's printed figures against its own model.",
    ),
    "supply": LazyCommand(
        f"{_AT}supply_command:supply_command",
        "Tell what hardware, algorithms, capital and energy do to supply, cost and the curve.",
    ),
    "hedge": LazyCommand(
        f"{_AT}hedge_command:hedge_command",
        "Tell what futures would have done for a bill of tokens.",
    ),
    "convert": LazyCommand(
        f"{_AT}convert_command:convert_command",
        "Convert hours of GPUs and their prices into Standard Compute Units.",
    ),
    "facts": LazyCommand(
        f"{_AT}facts_command:facts_command", "Print the facts of existing books as JSON lines."
    ),
    "export": LazyCommand(
        f"{_AT}export_command:export_command",
        "Print the commands of existing books, to be cleared or fed again.",
    ),
    "docs": LazyCommand(
        f"{_AT}docs_command:docs_command", "Print a document that ships with the program."
    ),
    "schema": LazyCommand(
        f"{_AT}schema_command:schema_command", "Print the words on the wire as JSON."
    ),
    "calendar": LazyCommand(
        f"{_AT}calendar_command:calendar_command", "Print a calendar's holidays as commands."
    ),
    "doctor": LazyCommand(
        f"{_AT}doctor.command:doctor_command", "Look at what is needed and say what to do."
    ),
    "topics": LazyCommand(
        f"{_AT}topics_command:topics_command", "Make and check the topics of Kafka."
    ),
    "worker": LazyCommand(
        f"{_AT}worker_command:worker_command",
        "Clear what feeds put into Kafka, together with other workers.",
    ),
    "publish": LazyCommand(
        f"{_AT}publish_command:publish_command",
        "Publish the facts of the journal to a topic of Kafka, as workers write them.",
    ),
    "feed": LazyCommand(
        f"{_AT}feed_command:feed_command",
        "Put commands of files into Kafka, for workers to clear.",
    ),
    "send": LazyCommand(
        f"{_AT}send_command:send_command", "Send one command and print its facts as JSON lines."
    ),
    "tail": LazyCommand(
        f"{_AT}tail_command:tail_command", "Show facts as JSON lines while they come."
    ),
}


@click.group(
    cls=LazyGroup,
    targets=COMMAND_TARGETS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "clearing demo",
        "clearing clear --commands day.jsonl --facts facts.jsonl",
        "clearing report trades --date 2026-06-08",
        'eval "$(_CLEARING_COMPLETE=bash_source clearing)"    # Tab completes (zsh_, fish_source)',
    ),
)
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False,
    callback=lambda ctx, _, is_wanted: show_version(ctx, is_wanted=is_wanted),
    help="Show the versions of the program and of the rules.",
)  # fmt: skip
def cli() -> None:
    """Clear futures on AI tokens and compute."""


def main() -> None:
    """Run the command line; never under `python -O`, which would switch the laws off."""
    if not __debug__:
        click.echo("Error: python -O switches the laws off: run without -O", err=True)
        sys.exit(EXIT_STOPPED)
    # Neither imports nor the rows of a report make cycles that the collector would have to find.
    gc.set_threshold(YOUNG_MAX)
    try:
        code = cli.main(prog_name="clearing", standalone_mode=False)
    except click.ClickException as trouble:
        trouble.show()
        sys.exit(trouble.exit_code)
    except click.Abort:
        click.echo("Stopped. The same command again goes on from here.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
