"""The exit codes of a command, and the error that ends one with a single line.

0: the work was done, whatever was refused. Every other code is named here.
"""

from __future__ import annotations

from typing import Final

import click

# A law is broken, or a check has found something wrong.
EXIT_LAW_BROKEN: Final = 1
# The input, the database or Kafka cannot be reached, or the command was misused.
EXIT_STOPPED: Final = 2
# The one command sent was refused.
EXIT_REFUSED: Final = 3
# With `clear --fail-on-refusal`: all was cleared, and some lines were refused.
EXIT_LINES_REFUSED: Final = 4
EXIT_INTERRUPTED: Final = 130


class Stopped(click.ClickException):
    """The command cannot go on; the message says what to do."""

    exit_code = EXIT_STOPPED
