"""The pages of a worker: metrics for Prometheus, health for whoever starts and stops workers.

In: a host. Out: `/metrics`, `/healthz` and `/readyz` on Faust's web server, and what is wrong with
its port before Faust tries it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import faust
from faust.web import Request, Response, View

from services.settings import Settings
from services.worker.metrics import Metrics

METRICS_TYPE: Final = "text/plain; version=0.0.4"


class Hosted(Protocol):
    """What the worker process runs: what went wrong with it for good, how its shards stand."""

    failure: BaseException | None
    metrics: Metrics

    async def start(self) -> None:
        """Begin to keep shards."""
        ...

    async def stop(self) -> None:
        """Finish what was handed over."""
        ...

    async def tick(self) -> None:
        """Advance the clock of the session."""
        ...


async def port_trouble(settings: Settings) -> str | None:
    """Why the pages cannot be served where the settings say; None if they can, or are not asked."""
    host, port = settings.web_host, settings.web_port
    if port == 0:
        return None
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
    except OSError as error:
        said = error.strerror or str(error)
        return f"web_port {port}: {said}; name another one, or 0 for no pages"
    server.close()
    return None


def add_pages(app: faust.App, host: Hosted) -> None:
    """Serve what the host tells about itself."""

    @app.page("/metrics")
    async def metrics(self: View, _: Request) -> Response:
        return self.bytes(host.metrics.text(), content_type=METRICS_TYPE)

    @app.page("/healthz")
    async def healthz(self: View, _: Request) -> Response:
        is_well = host.failure is None
        found: dict[str, Any] = {"failure": None if is_well else str(host.failure)}
        return self.json(found, status=200 if is_well else 503)

    @app.page("/readyz")
    async def readyz(self: View, _: Request) -> Response:
        is_ready = host.failure is None and host.metrics.is_ready
        shards = {
            shard: {"state": one.state, "detail": one.detail}
            for shard, one in host.metrics.standings().items()
        }
        return self.json({"ready": is_ready, "shards": shards}, status=200 if is_ready else 503)
