"""The options of Kafka's clients from our settings, and waiting until a broker is ready.

In: settings. Out: keyword arguments for aiokafka and kafka-python, which name them alike, and a
client that has started. A broker that has just started refuses connections, knows no brokers or
loads its coordinators for some seconds: a client that connects meanwhile waits and tries again.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Coroutine
from socket import gethostname
from time import monotonic
from typing import Any, Final, Protocol, TypeVar

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.protocol.metadata import MetadataRequest

from services.broker.trouble import (
    LIBRARY_ERRORS,
    REFUSALS,
    BrokerRefused,
    BrokerTrouble,
    BrokerUnreachable,
    trouble_of,
)
from services.settings import Settings, SettingsTrouble

# A broker with years of log took under a minute to load its coordinators; a wrong port never ends.
PATIENCE_S: Final = 60.0
RETRY_S: Final = 0.3
_CONNECT_MS: Final = 10_000
_CLOSE_S: Final = 0.2
# How long a client that is given up while it starts may take to be answered.
_START_S: Final = 2.0
# Twice a batch of trades: the next is fetched while one is decided.
_FETCH_PARTITION_BYTES: Final = 4 << 20
_FETCH_BYTES: Final = 16 << 20
# While one shard's messages wait here longer than a tenth of a second, aiokafka asks for those of
# the others only, and asks for more of the first when the broker has answered.
_FETCH_WAIT_MS: Final = 50

# The role of a worker's consumer, by which its client id is known in the group.
WORKER: Final = "worker"
_ADDRESS: Final = "see that Kafka runs there, and the settings brokers and security_protocol"
_TLS: Final = "see tls_ca_file, and that brokers names them as their certificates do"
_SASL: Final = "see sasl_mechanism, sasl_username and sasl_password"


class Client(Protocol):
    """The interface that aiokafka's consumer and producer share."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""


_Client = TypeVar("_Client", bound=Client)


def client_id(role: str, name: str) -> str:
    """The client id by which Kafka's lists and quotas show a client of ours."""
    return f"clearing-{role}-{name}"


def client_options(settings: Settings, role: str = "client") -> dict[str, Any]:
    """The options of every client of either library: brokers, TLS, SASL, and its name.

    role: what the client does, the first part of its name.
    """
    name = settings.worker_name or f"{gethostname()}-{os.getpid()}"
    options: dict[str, Any] = {
        "bootstrap_servers": settings.brokers.split(","),
        "client_id": client_id(role, name),
        "security_protocol": settings.security_protocol,
    }
    if settings.uses_tls:
        options["ssl_context"] = tls_context(settings)
    if settings.uses_sasl and settings.sasl_password is not None:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    return options


def consumer_options(settings: Settings) -> dict[str, Any]:
    """For a consumer that commits no offsets (they are in Postgres) and stops at a lost one."""
    return client_options(settings, WORKER) | {
        "group_id": settings.group,
        "session_timeout_ms": settings.session_timeout_ms,
        "heartbeat_interval_ms": settings.heartbeat_interval_ms,
        "auto_offset_reset": "none",
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "max_partition_fetch_bytes": _FETCH_PARTITION_BYTES,
        "fetch_max_bytes": _FETCH_BYTES,
        "fetch_max_wait_ms": _FETCH_WAIT_MS,
    }


def producer_options(settings: Settings, role: str = "producer") -> dict[str, Any]:
    """For a producer that neither loses nor doubles a message.

    aiokafka packs lz4 at its slowest level: of a trade of 190 bytes that takes 4 to 6 µs and leaves
    37 bytes, zstd takes 1 µs and leaves 30. Unpacking takes a worker 0.1 µs more.
    """
    return client_options(settings, role) | {
        "enable_idempotence": True,
        "acks": "all",
        "compression_type": "zstd",
    }


def tls_context(settings: Settings) -> ssl.SSLContext:
    """TLS that checks certificates and host names, with our certificate if the settings name one.

    Errors: SettingsTrouble, naming the file.
    """
    context = ssl.create_default_context()
    try:
        if settings.tls_ca_file is not None:
            context = ssl.create_default_context(cafile=settings.tls_ca_file)
    except OSError as error:  # ssl.SSLError is one.
        msg = f"setting tls_ca_file: cannot use {settings.tls_ca_file}: {error}"
        raise SettingsTrouble(msg) from error
    if settings.tls_cert_file is not None:
        try:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, password="")
        except OSError as error:
            files = f"{settings.tls_cert_file} and {settings.tls_key_file}"
            msg = f"settings tls_cert_file, tls_key_file: cannot use {files}: {error}"
            raise SettingsTrouble(msg) from error
    return context


async def started(
    make: Callable[[], _Client], settings: Settings, *, patience_s: float = PATIENCE_S
) -> _Client:
    """A client that has started; each try makes a new one. Errors: BrokerTrouble."""
    until = monotonic() + patience_s
    await broker_ready(settings, patience_s=patience_s)
    while True:
        client = make()
        starting = asyncio.ensure_future(client.start())
        try:
            await asyncio.shield(starting)
        except LIBRARY_ERRORS as error:
            await until_ended(client.stop())
            trouble = trouble_of(error, "connecting", settings=settings)
            if not isinstance(trouble, BrokerUnreachable) or monotonic() > until:
                raise trouble from error
        except BaseException:
            await until_ended(_stopped(client, starting))
            raise
        else:
            return client
        await asyncio.sleep(RETRY_S)


async def _stopped(client: Client, starting: asyncio.Future[None]) -> None:
    """Stop a client that may still be starting.

    aiokafka leaves its first connection open if it is cancelled while it waits for the answer.
    """
    await asyncio.wait({starting}, timeout=_START_S)
    starting.cancel()
    await asyncio.wait({starting})
    await client.stop()


async def until_ended(ending: Coroutine[Any, Any, None]) -> None:
    """Wait until a client has ended, also if the caller is cancelled meanwhile, and then is.

    A client of aiokafka waits for tasks of its own that it has cancelled, and takes the caller's
    cancellation for theirs: it would be lost, or the client would be left half open.
    """
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def broker_ready(settings: Settings, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until a broker answers and names brokers.

    Errors, with the reason of each broker: BrokerRefused at once, BrokerUnreachable after the time.
    """
    until = monotonic() + patience_s
    options = client_options(settings)
    while True:
        checked = [
            await _check_broker(host, port, options=options)
            for host, port, _ in collect_hosts(options["bootstrap_servers"])
        ]
        troubles = [trouble for trouble in checked if trouble is not None]
        if len(troubles) < len(checked):
            return
        refused = [trouble for trouble in troubles if isinstance(trouble, BrokerRefused)]
        if refused or monotonic() > until:
            kind = BrokerRefused if refused else BrokerUnreachable
            raise kind("; ".join(map(str, refused or troubles)))
        await asyncio.sleep(RETRY_S)


async def _check_broker(host: str, port: int, *, options: dict[str, Any]) -> BrokerTrouble | None:
    """The trouble with one broker; None if there is none."""
    security = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    connection = AIOKafkaConnection(host, port, request_timeout_ms=_CONNECT_MS, **security)
    try:
        await connection.connect()
        brokers = (await connection.send(MetadataRequest([]))).brokers
    except (ssl.SSLError, ValueError) as error:  # ValueError: a forged answer to SCRAM.
        return BrokerRefused(f"no TLS with Kafka at {host}:{port}: {_text_of(error)} — {_TLS}")
    except REFUSALS as error:
        return BrokerRefused(f"Kafka at {host}:{port} refuses: {_text_of(error)} — {_SASL}")
    except LIBRARY_ERRORS as error:
        return BrokerUnreachable(
            f"no answer from Kafka at {host}:{port}: {_text_of(error)} — {_ADDRESS}"
        )
    finally:
        closing = connection.close()
        if closing is not None:  # It never ends if there was nothing to close.
            await asyncio.wait([closing], timeout=_CLOSE_S)
    if not brokers:
        return BrokerUnreachable(f"Kafka at {host}:{port} is starting: it knows of no brokers yet")
    return None


def _text_of(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
