"""The consumer group as Kafka knows it: who has which partition, and why it does not take us in.

In: settings. Out: the member that has each partition, or trouble in words an operator can use.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import InconsistentGroupProtocolError, InvalidSessionTimeoutError, for_code
from kafka.admin import ConfigResource, ConfigResourceType

from services.broker.connecting import WORKER, client_id, client_options, until_ended
from services.broker.replicas import Replicas, topic_replicas
from services.broker.topic_state import ask_admin
from services.broker.trouble import BrokerTrouble, broker_translated
from services.settings import Settings

_ANSWER_S: Final = 5.0
_BOUNDS: Final = ("group.min.session.timeout.ms", "group.max.session.timeout.ms")


class GroupMember(NamedTuple):
    """A member of the group. name: its client id; host: the address it comes from."""

    name: str
    host: str

    @property
    def is_worker(self) -> bool:
        """Whether it is named as our workers are; any other consumer clears nothing."""
        return self.name.startswith(client_id(WORKER, ""))


class GroupAdmin:
    """Asks Kafka about the group and its topics; connects when asked, and again after trouble."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: Any = None

    async def members(self) -> dict[TopicPartition, GroupMember]:
        """The members by the partitions that they hold. Errors: BrokerTrouble."""
        async with self._asking("asking who is in the group") as admin:
            return await self._members(admin)

    async def replicas(self, topics: Collection[str]) -> dict[TopicPartition, Replicas]:
        """The replicas of all partitions of topics. Errors: BrokerTrouble."""
        what = "asking for the replicas in step"
        async with self._asking(what, right="DescribeConfigs") as admin:
            return await topic_replicas(admin, topics)

    async def close(self) -> None:
        """Disconnect."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await until_ended(admin.close())

    @asynccontextmanager
    async def _asking(self, what: str, *, right: str = "Describe") -> AsyncIterator[Any]:
        """The client, connected, for one question that may take a while and may fail."""
        try:
            with broker_translated(what, self._settings, right=right):
                async with asyncio.timeout(_ANSWER_S):
                    if self._admin is None:
                        self._admin = AIOKafkaAdminClient(**client_options(self._settings, "watch"))
                        await self._admin.start()
                    yield self._admin
        except BaseException:
            await self.close()
            raise

    async def _members(self, admin: Any) -> dict[TopicPartition, GroupMember]:  # noqa: ANN401 - untyped client
        (answer,) = await admin.describe_consumer_groups([self._settings.group])
        ((code, _, _, _, _, members, *_),) = answer.groups
        if code:
            raise for_code(code)(self._settings.group)
        return {
            partition: GroupMember(name, host)
            for _, name, host, _, assignment in members
            for partition in _partitions(assignment)
        }


async def group_refusal(error: BrokerTrouble, settings: Settings) -> BrokerTrouble:
    """Why the group does not take a worker in, in our words where the client's are too few."""
    cause = error.__cause__
    if isinstance(cause, InvalidSessionTimeoutError):
        bounds = await asyncio.to_thread(_session_bounds, settings)
        text = (
            f"setting session_timeout_ms: the brokers refuse {settings.session_timeout_ms}; "
            f"{bounds}: choose one between, or change what the brokers allow"
        )
        return BrokerTrouble(text)
    if isinstance(cause, InconsistentGroupProtocolError):
        text = (
            f"setting group: another consumer is in the group {settings.group} and shares "
            "partitions in another way; it is no worker: end it, or give it another group"
        )
        return BrokerTrouble(text)
    return error


def _session_bounds(settings: Settings) -> str:
    """The bounds of the brokers; only where they are set, if we may not read them."""
    where = f"their bounds are {' and '.join(_BOUNDS)}"
    try:
        configs = ask_admin(settings, _broker_configs)
        least, most = (configs[name]["value"] for name in _BOUNDS)
    except (BrokerTrouble, LookupError):
        return where
    return f"they take {least} to {most} ({' and '.join(_BOUNDS)})"


def _broker_configs(admin: Any) -> Mapping[str, Any]:  # noqa: ANN401 - untyped client
    broker = str(admin.describe_cluster()["brokers"][0]["broker_id"])
    resource = ConfigResource(ConfigResourceType.BROKER, broker)
    of_brokers: Mapping[str, Mapping[str, Any]]
    of_brokers = admin.describe_configs([resource], config_filter="all")["broker"]
    return of_brokers[broker]


def _partitions(assignment: bytes) -> list[TopicPartition]:
    """The partitions of a member; none while the group is being shared out anew."""
    try:
        return list(ConsumerProtocolMemberAssignment.decode(assignment).partitions())
    except (struct.error, ValueError, IndexError):
        return []
