"""A broker that asks for user and password, with and without TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settings import Settings, load_settings
from tests.kafka_broker import CERTIFICATE, LocalBroker
from tests.kafka_shared import what_to_install
from tests.kafka_software import missing_software

OURS = CERTIFICATE.with_name("ours_ca.pem")
OTHER = CERTIFICATE.with_name("other_ca.pem")
USER, PASSWORD = "alice", "open-sesame"


@pytest.fixture(scope="session")
def own_broker_possible() -> None:
    """These tests start brokers of their own, whatever broker the others share."""
    if missing := missing_software():
        pytest.fail(what_to_install(missing))


@pytest.fixture(scope="module")
def guarded(
    own_broker_possible: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalBroker]:
    """A broker with one user."""
    del own_broker_possible
    directory = tmp_path_factory.mktemp("guarded")
    with LocalBroker(directory, users={USER: PASSWORD}) as broker:
        yield broker


@pytest.fixture
def scram(guarded: LocalBroker) -> Settings:
    """The settings of its user, without TLS."""
    return load_settings(
        brokers=guarded.sasl_address,
        security_protocol="SASL_PLAINTEXT",
        sasl_username=USER,
        sasl_password=PASSWORD,
    )


@pytest.fixture
def scram_tls(guarded: LocalBroker) -> Settings:
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
