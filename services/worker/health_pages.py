"""The pages of a worker: metrics for Prometheus, health for the system that starts workers.

In: a host. Out: `/metrics`, `/healthz`, `/readyz` and, of all shards, `/readyz/all` on Faust's web
server; before it starts, the reason why it could not use its port.
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
    """The host of shards as its process sees it.

    failure: the error that no reload can mend; metrics: also the standings of its shards.
    """

    failure: BaseException | None
    metrics: Metrics

    async def start(self) -> None:
        """Begin to serve shards."""
        ...

    async def stop(self) -> None:
        """Finish the batches that were handed over."""
        ...

    async def tick(self) -> None:
        """Advance the clock of the session."""
        ...


async def port_trouble(settings: Settings) -> str | None:
    """The reason why the pages cannot be served at the address of the settings; None if they can.

    None also when the settings turn the pages off.
    """
    host, port = settings.web_host, settings.web_port
    if port == 0:
        return None
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
    except OSError as error:
        reason = error.strerror or str(error)
        return f"web_port {port}: {reason}; name another one, or 0 for no pages"
    server.close()
    return None


def add_pages(app: faust.App, host: Hosted) -> None:
    """Serve the metrics, the failure and the standings of a host."""

    @app.page("/metrics")
    async def metrics(self: View, _: Request) -> Response:
        return self.bytes(host.metrics.text(), content_type=METRICS_TYPE)

    @app.page("/healthz")
    async def healthz(self: View, _: Request) -> Response:
        is_well = host.failure is None
        health: dict[str, Any] = {"failure": None if is_well else str(host.failure)}
        return self.json(health, status=200 if is_well else 503)

    @app.page("/readyz")
    async def readyz(self: View, _: Request) -> Response:
        is_ready = host.failure is None and host.metrics.is_ready
        shards = {
            shard: {"state": standing.state, "detail": standing.detail}
            for shard, standing in host.metrics.standings().items()
        }
        return self.json({"ready": is_ready, "shards": shards}, status=200 if is_ready else 503)

    @app.page("/readyz/all")
    async def readyz_all(self: View, _: Request) -> Response:
        overview = host.metrics.overview
        is_ready = overview.is_ready
        shards = {
            shard: {
                "state": view.standing.state,
                "detail": view.standing.detail,
                "holder": view.holder,
                "seq": view.seq,
                "age_s": view.age_s,
            }
            for shard, view in overview.views().items()
        }
        return self.json({"ready": is_ready, "shards": shards}, status=200 if is_ready else 503)
