"""World trouble of Kafka, in our words.

    BrokerTrouble
    ├── BrokerUnreachable   no broker answers, or not yet: the same again may work
    ├── BrokerRefused       TLS, user, password or rights: an operator must change something first
    └── TopicsUnfit         topics are missing, or not those that were recorded

Errors of aiokafka and kafka-python are translated here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiokafka.errors
import kafka.errors

from services.settings import Settings

REFUSALS: Final[tuple[type[Exception], ...]] = (
    aiokafka.errors.AuthenticationFailedError,
    aiokafka.errors.AuthenticationMethodNotSupported,
    aiokafka.errors.SaslAuthenticationFailed,
    aiokafka.errors.UnsupportedSaslMechanismError,
    aiokafka.errors.IllegalSaslStateError,
    aiokafka.errors.TopicAuthorizationFailedError,
    aiokafka.errors.GroupAuthorizationFailedError,
    aiokafka.errors.ClusterAuthorizationFailedError,
    aiokafka.errors.TransactionalIdAuthorizationFailed,
    aiokafka.errors.SecurityDisabled,
    kafka.errors.AuthorizationError,
    kafka.errors.SaslAuthenticationFailedError,
    kafka.errors.UnsupportedSaslMechanismError,
    kafka.errors.IllegalSaslStateError,
    kafka.errors.SecurityDisabledError,
)
# Errors that pass by themselves though the libraries do not call them retriable: aiokafka raises
# KafkaTimeoutError after it has asked for offsets for forty seconds.
PASSES: Final[tuple[type[Exception], ...]] = (
    OSError,
    TimeoutError,
    aiokafka.errors.KafkaTimeoutError,
    aiokafka.errors.BrokerNotAvailableError,
    aiokafka.errors.ReplicaNotAvailableError,
    kafka.errors.KafkaTimeoutError,
    kafka.errors.BrokerNotAvailableError,
)
# Errors of the libraries that come from the world, not from a wrong call of ours.
LIBRARY_ERRORS: Final[tuple[type[Exception], ...]] = (
    aiokafka.errors.KafkaError,
    kafka.errors.KafkaError,
    OSError,
    TimeoutError,
)
_SEE_LOGIN: Final = "see sasl_mechanism, sasl_username and sasl_password"
_GRANT_IT: Final = "grant it; which rights are needed says services/OPERATIONS.md, Security"
# By the number of Kafka's error, whose names differ between the libraries: what a right is missing
# on, and which, if not the one that was needed. A producer number is given to who may write at all.
_DENIED: Final = {
    29: ("topic", None),
    30: ("group", "Read"),
    31: ("any topic", "Write"),
    53: ("transactional id", "Write"),
}
_SEE_ADDRESS: Final = "see that Kafka runs there, and the settings brokers and security_protocol"


class BrokerTrouble(Exception):
    """Something is wrong with Kafka; the message says where and what to do."""


class BrokerUnreachable(BrokerTrouble):
    """No broker answers, or none that is ready."""


class BrokerRefused(BrokerTrouble):
    """A broker answers and refuses the connection or the request."""


class TopicsUnfit(BrokerTrouble):
    """The topics are not those the journal belongs to, or there are none."""


def trouble_of(
    error: Exception, doing: str, *, settings: Settings, right: str = "Describe"
) -> BrokerTrouble:
    """The trouble, in our words, for an error of a client.

    doing: what the client was doing; right: the one on a topic that it needs for that.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    where = f"{doing}: Kafka at {settings.brokers}"
    if isinstance(error, REFUSALS):
        denial = _denial(error, settings, right=right)
        return BrokerRefused(f"{where} refuses: {denial or f'{text} — {_SEE_LOGIN}'}")
    if isinstance(error, PASSES) or getattr(error, "retriable", False):
        return BrokerUnreachable(f"{where} does not answer: {text} — {_SEE_ADDRESS}")
    return BrokerTrouble(f"{where}: {text}")


@contextmanager
def broker_translated(doing: str, settings: Settings, *, right: str = "Describe") -> Iterator[None]:
    """Raise the clients' errors inside as trouble of ours, as `trouble_of` says."""
    try:
        yield
    except LIBRARY_ERRORS as error:
        raise trouble_of(error, doing, settings=settings, right=right) from error


def _denial(error: Exception, settings: Settings, *, right: str) -> str | None:
    """Which right is missing, on what, for whom; None if the refusal is about another thing."""
    denied = _DENIED.get(getattr(error, "errno", 0))
    if denied is None:
        return None
    kind, needed = denied
    named = settings.group if kind == "group" else next(iter(error.args), "")
    name = ", ".join(sorted(named)) if isinstance(named, set) else str(named)
    if " failed with " in name:  # kafka-python's words for a request about several topics.
        name = f"{settings.topic_prefix}."
    user = f"user {settings.sasl_username}" if settings.sasl_username else "our user"
    return f"{user} has no right {needed or right} on {kind} {name}".rstrip() + f" — {_GRANT_IT}"
