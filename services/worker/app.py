"""The worker process: Faust hosts the shards (ARCHITECTURE §4).

In: settings. Out: a process that clears until SIGTERM, and its exit code. Faust gives lifecycle,
supervision, the timer of the clock and the web pages; it has no consumer, agent or table here,
since it may lose messages that it has acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Final

import faust
from faust.app import BootStrategy
from mode import Service

from services.hosting.interpreter import paced, return_freed_memory
from services.settings import Settings
from services.worker.health_pages import Hosted, add_pages, port_trouble
from services.worker.json_log import log_lines

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
# A thread for each shard that decides; more shards wait for one another.
THREADS_MAX: Final = 64

_log = logging.getLogger(__name__)


class HostOnly(BootStrategy):
    """Faust without its own consumer and producer."""

    enable_kafka = False


class HostedApp(faust.App):
    """An app of which only the worker, timers, services and web pages are used."""

    BootStrategy: ClassVar[type[BootStrategy]] = HostOnly

    def _create_directories(self) -> None:
        """Make no directories: they would hold tables, and there are none."""


def run_worker(settings: Settings, hosting: Callable[[Callable[[], None]], Hosted]) -> int:
    """Run a host of shards until SIGTERM or SIGINT; the exit code. A failure was logged.

    hosting: makes the host, given the function that ends the worker when a shard fails for good.
    """
    log_lines(settings.log_level)
    return_freed_memory()
    with paced():
        app = _app(settings)
        loop = asyncio.new_event_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS_MAX, "shards"))
        asyncio.set_event_loop(loop)
        if trouble := loop.run_until_complete(port_trouble(settings)):
            _log.critical("%s", trouble)
            return EXIT_FAILED
        worker = faust.Worker(
            app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False
        )
        worker.spinner = None
        host = hosting(lambda: _end(worker))
        _serve(app, host)
        add_pages(app, host)
        _add_clock(app, host, every_s=settings.clock_interval_s)
        try:
            worker.execute_from_commandline()
        except SystemExit as leaving:
            # Faust always leaves by SystemExit; the failure of a shard only the host knows.
            is_well = not leaving.code and host.failure is None and not worker.crashed
            return EXIT_DONE if is_well else EXIT_FAILED


def _app(settings: Settings) -> HostedApp:
    return HostedApp(
        "clearing-worker",
        producer_only=True,
        autodiscover=False,
        broker=f"kafka://{settings.brokers}",
        web_enabled=settings.web_port != 0,
        web_bind=settings.web_host,
        web_host=settings.web_host,
        # Faust takes no port 0, not even of a web that is off.
        web_port=max(1, settings.web_port),
        debug=False,
    )


def _end(worker: faust.Worker) -> None:
    """Stop the worker in order, as a signal does."""
    asyncio.get_running_loop().create_task(worker.stop(), name="ending")


def _serve(app: HostedApp, host: Hosted) -> None:
    @app.service
    class Shards(Service):
        """The host of the shards, as a service of Faust."""

        async def on_start(self) -> None:
            try:
                await host.start()
            except Exception as error:
                host.failure = error
                _log.critical("%s: %s", type(error).__name__, error)
                raise

        async def on_stop(self) -> None:
            await host.stop()


def _add_clock(app: HostedApp, host: Hosted, *, every_s: float) -> None:
    if every_s > 0:

        @app.timer(interval=every_s)  # type: ignore[untyped-decorator] # Faust's
        async def advance_clock() -> None:
            await host.tick()
