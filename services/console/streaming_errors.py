"""Errors of the commands that speak to a running clearinghouse.

In: errors of Kafka, Postgres, settings. Out: one line and an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.console.exit_codes import Stopped
from services.console.settings_flags import stop_on_settings_trouble


@contextmanager
def stop_on_stream_trouble() -> Iterator[None]:
    """Trouble of Kafka, the journal, settings or a wait inside becomes one line, exit code 2."""
    from services.feed.stall import Stalled

    with stop_on_settings_trouble():
        try:
            yield
        except Stalled as trouble:
            raise Stopped(str(trouble)) from trouble
