"""The command `clearing`: one group, one line per command (WIRE §4).

Exit codes: 0 the work was done, whatever was refused; 2 the input or the database cannot be
reached, or the command was misused; 1 a law is broken; 3 the one command sent was refused.
"""

from __future__ import annotations

import sys
from typing import Final

import click

from services.console.example import example
from services.console.exit_codes import EXIT_INTERRUPTED, EXIT_STOPPED
from services.console.lazy_group import LazyGroup

COMMAND_TARGETS: Final = {
    "demo": "services.console.demo_command:demo_command",
    "clear": "services.console.clear_command:clear_command",
    "verify": "services.console.audit_commands:verify_command",
    "replay": "services.console.audit_commands:replay_command",
    "report": "services.console.report_command:report_command",
    "docs": "services.console.docs_command:docs_command",
    "schema": "services.console.schema_command:schema_command",
    "calendar": "services.console.calendar_command:calendar_command",
    "doctor": "services.console.doctor.command:doctor_command",
    "topics": "services.console.topics_command:topics_command",
    "worker": "services.console.worker_command:worker_command",
    "feed": "services.console.feed_command:feed_command",
    "send": "services.console.send_command:send_command",
    "tail": "services.console.tail_command:tail_command",
}


@click.group(
    cls=LazyGroup,
    targets=COMMAND_TARGETS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "clearing demo",
        "clearing clear --commands day.jsonl --facts facts.jsonl",
        "clearing report trades --date 2026-06-08",
    ),
)
@click.version_option(package_name="token-clearinghouse")
def cli() -> None:
    """Clear futures on AI tokens and compute."""


def main() -> None:
    """Run the command line; never under `python -O`, which would switch the laws off."""
    if not __debug__:
        click.echo("Error: python -O switches the laws off: run without -O", err=True)
        sys.exit(EXIT_STOPPED)
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
