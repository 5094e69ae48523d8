"""Every error of the Kafka clients becomes trouble of ours that names the broker."""

from __future__ import annotations

from contextlib import AbstractContextManager

import aiokafka.errors
import kafka.errors
import pytest

from services.broker.trouble import (
    BrokerRefused,
    BrokerTrouble,
    BrokerUnreachable,
    broker_translated,
    trouble_of,
)
from services.settings import load_settings

SETTINGS = load_settings(brokers="kafka.test:9092")
MODULES = {"aiokafka": aiokafka.errors, "kafka-python": kafka.errors}


def errors_of(library: str) -> list[type[Exception]]:
    """All errors that a library defines and raises."""
    module = MODULES[library]
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
    errors = [kind for kind in kinds if issubclass(kind, module.KafkaError)]
    return [kind for kind in errors if kind is not module.BrokerResponseError]


@pytest.mark.parametrize("library", MODULES)
def test_no_error_of_a_library_is_forgotten(library: str) -> None:
    for kind in errors_of(library):
        with pytest.raises(BrokerTrouble, match=r"kafka.test:9092"), _translated():
            raise kind.__new__(kind)


def _translated() -> AbstractContextManager[None]:
    return broker_translated("trying", SETTINGS)


@pytest.mark.parametrize("library", MODULES)
def test_what_has_to_do_with_who_we_are_is_a_refusal(library: str) -> None:
    words = ("Auth", "Sasl", "Security")
    named = [kind for kind in errors_of(library) if any(word in kind.__name__ for word in words)]
    named = [kind for kind in named if "Delegation" not in kind.__name__]
    assert len(named) >= 7
    for kind in named:
        trouble = trouble_of(kind.__new__(kind), "trying", settings=SETTINGS)
        assert isinstance(trouble, BrokerRefused), kind


@pytest.mark.parametrize(
    "error",
    [
        aiokafka.errors.KafkaConnectionError(),
        aiokafka.errors.KafkaTimeoutError("Failed to get offsets by times in 40000 ms"),
        aiokafka.errors.BrokerNotAvailableError(),
        aiokafka.errors.ReplicaNotAvailableError(),
        aiokafka.errors.GroupLoadInProgressError(),
        kafka.errors.BrokerNotAvailableError(),
        kafka.errors.CoordinatorLoadInProgressError(),
        kafka.errors.KafkaTimeoutError(),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_what_may_pass_is_told_apart(error: Exception) -> None:
    assert isinstance(trouble_of(error, "trying", settings=SETTINGS), BrokerUnreachable)


@pytest.mark.parametrize(
    ("error", "lacking"),
    [
        (aiokafka.errors.TopicAuthorizationFailedError("t"), "right Read on topic t"),
        (aiokafka.errors.TopicAuthorizationFailedError({"u", "t"}), "right Read on topic t, u"),
        (kafka.errors.TopicAuthorizationFailedError("Request 'x' failed with response 'y'"),
         "right Read on topic clearing."),
        (aiokafka.errors.GroupAuthorizationFailedError("no id for g"), "right Read on group g"),
        (aiokafka.errors.ClusterAuthorizationFailedError(), "right Write on any topic"),
        (aiokafka.errors.TransactionalIdAuthorizationFailed("i"),
         "right Write on transactional id i"),
    ],
)  # fmt: skip
def test_who_lacks_a_right_is_told_which_and_on_what(error: Exception, lacking: str) -> None:
    login = {"sasl_username": "alice", "sasl_password": "word"}
    settings = load_settings(group="g", security_protocol="SASL_SSL", **login)
    trouble = trouble_of(error, "trying", settings=settings, right="Read")
    assert isinstance(trouble, BrokerRefused)
    assert f"refuses: user alice has no {lacking} — grant it" in str(trouble)
    assert "refuses: our user has no right" in str(trouble_of(error, "it", settings=SETTINGS))


def test_an_error_of_the_system_with_such_a_number_is_no_missing_right() -> None:
    assert isinstance(trouble_of(OSError(29, "x"), "t", settings=SETTINGS), BrokerUnreachable)


def test_a_defect_of_ours_is_no_trouble() -> None:
    with pytest.raises(ZeroDivisionError), broker_translated("trying", SETTINGS):
        raise ZeroDivisionError
