"""A broker that asks for user and password, with and without TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settings import Settings, load_settings
from tests.guarded_postgres import OURS
from tests.kafka_broker import LocalBroker
from tests.kafka_shared import PASSWORD, USER, SharedBroker, what_to_install
from tests.kafka_software import missing_software


@pytest.fixture(scope="session")
def own_broker_possible() -> None:
    """These tests start brokers of their own, whatever broker the others share."""
    if missing := missing_software():
        pytest.fail(what_to_install(missing))


@pytest.fixture(scope="session")
def guarded(kafka: SharedBroker, request: pytest.FixtureRequest) -> SharedBroker:
    """A broker with one user: that of the session, or one of our own if others run that."""
    if kafka.sasl_address:
        return kafka
    own: SharedBroker = request.getfixturevalue("own_guarded")
    return own


@pytest.fixture(scope="session")
def own_guarded(
    own_broker_possible: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedBroker]:
    """A broker of this process alone, with one user."""
    del own_broker_possible
    with LocalBroker(tmp_path_factory.mktemp("guarded"), users={USER: PASSWORD}) as own:
        yield SharedBroker(own.address, own.sasl_address, own.sasl_tls_address)


@pytest.fixture
def scram(guarded: SharedBroker) -> Settings:
    """The settings of its user, without TLS."""
    return load_settings(
        brokers=guarded.sasl_address,
        security_protocol="SASL_PLAINTEXT",
        sasl_username=USER,
        sasl_password=PASSWORD,
    )


@pytest.fixture
def scram_tls(guarded: SharedBroker) -> Settings:
    """The settings of its user, with TLS."""
    return load_settings(
        brokers=guarded.sasl_tls_address,
        security_protocol="SASL_SSL",
        sasl_username=USER,
        sasl_password=PASSWORD,
        tls_ca_file=OURS,
    )


@pytest.fixture
def lonely_broker(own_broker_possible: None, tmp_path: Path) -> Iterator[LocalBroker]:
    """A broker to be killed."""
    del own_broker_possible
    with LocalBroker(tmp_path / "kafka") as broker:
        yield broker
