"""The command `clearing`: one group, one line per command (WIRE §4).

Exit codes: 0 the work was done, whatever was refused; 2 the input or the database cannot be
reached, or the command was misused; 1 a law is broken.
"""

from __future__ import annotations

import sys
from typing import Final

import click

from services.console.audit_commands import replay_command, verify_command
from services.console.calendar_command import calendar_command
from services.console.clear_command import clear_command
from services.console.demo_command import demo_command
from services.console.doctor_command import doctor_command
from services.console.example import example
from services.console.report_command import report_command
from services.console.schema_command import schema_command
from services.console.trouble import EXIT_STOPPED
from services.console.worker_command import worker_command

EXIT_INTERRUPTED: Final = 130


@click.group(
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


for _command in (
    demo_command,
    clear_command,
    verify_command,
    replay_command,
    report_command,
    schema_command,
    calendar_command,
    doctor_command,
    worker_command,
):
    cli.add_command(_command)


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
