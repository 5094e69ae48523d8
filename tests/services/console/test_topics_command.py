"""`clearing topics` and the doctor on a real broker: words and exit codes."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from services.broker.topic_state import topics_admin
from services.cli import cli
from services.console.doctor.kafka import check_broker, check_codecs
from services.journal.migrate import migrate
from services.settings import Settings, load_settings
from tests.kafka_broker import free_ports
from tests.waiting import until_kafka_shows


def clearing(settings: Settings, *words: str) -> Result:
    """A command with the flags of these settings."""
    flags = [
        f"--brokers={settings.brokers}",
        f"--database={settings.database}",
        f"--topic-prefix={settings.topic_prefix}",
    ]
    return CliRunner().invoke(cli, [*words, *flags])


def test_create_tells_what_it_made_and_then_that_nothing_is_to_do(streams: Settings) -> None:
    first = clearing(streams, "topics", "create", "--development")
    assert first.exit_code == 0, first.output
    assert f"made topic {streams.topic_prefix}.market, partitions: 2" in first.output
    assert f"recorded {streams.topic_prefix}.market/1 for market/SCU" in first.output
    again = clearing(streams, "topics", "create", "--development")
    assert (again.exit_code, again.output) == (
        0,
        "nothing to do: the topics are there and recorded\n",
    )


def test_one_broker_is_refused_unless_it_is_for_development(streams: Settings) -> None:
    result = clearing(streams, "topics", "create")
    assert result.exit_code == 2
    assert "3 replicas need as many brokers and there are 1" in result.output


def test_more_in_sync_than_replicas_is_misuse(streams: Settings) -> None:
    result = clearing(streams, "topics", "create", "--replication=1")
    assert result.exit_code == 2
    assert "--min-insync 2 of --replication 1: nothing could be sent" in result.output


def test_check_exits_1_on_one_broker_and_0_for_development(streams: Settings) -> None:
    clearing(streams, "topics", "create", "--development")
    strict = clearing(streams, "topics", "check")
    assert strict.exit_code == 1
    assert "one replica: a lost disk loses commands  — use three brokers" in strict.output
    loose = clearing(streams, "topics", "check", "--development")
    assert loose.exit_code == 0, loose.output
    assert "fail" not in loose.output


def test_check_exits_1_for_a_topic_that_is_gone_even_in_development(streams: Settings) -> None:
    clearing(streams, "topics", "create", "--development")
    name = f"{streams.topic_prefix}.member"
    with topics_admin(streams) as admin:
        admin.delete_topics([name])
    until_kafka_shows(streams, lambda found: name not in found)
    result = clearing(streams, "topics", "check", "--development")
    assert result.exit_code == 1
    assert "is recorded and Kafka does not have it" in result.output


def test_on_a_fresh_machine_the_advice_leads_to_topics_that_work(
    streams: Settings, postgres_url: str
) -> None:
    migrate(postgres_url)  # So that the server has our roles; the database of the test is empty.
    for command in (("topics", "check"), ("doctor",)):
        result = clearing(streams, *command)
        assert result.exit_code != 0
        assert "no journal" in result.output
        assert re.findall("`clearing ([a-z ]+)`", result.output)[0] == "topics create"
    assert clearing(streams, "topics", "create", "--development").exit_code == 0
    assert clearing(streams, "doctor").exit_code == 0
    assert clearing(streams, "topics", "check", "--development").exit_code == 0


@pytest.mark.parametrize("command", ["create", "check"])
def test_without_a_database_it_says_how_to_name_one(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARING_DATABASE", raising=False)
    result = CliRunner().invoke(cli, ["topics", command])
    assert result.exit_code == 2
    assert "give --database" in result.output
    assert "CLEARING_DATABASE" in result.output


@pytest.mark.parametrize("command", ["create", "check"])
def test_each_helps_with_an_example(command: str) -> None:
    result = CliRunner().invoke(cli, ["topics", command, "--help"])
    assert result.exit_code == 0
    assert "Example:\n    clearing topics" in result.output
    assert "CLEARING_BROKERS" in result.output
    assert "--sasl-password" not in result.output


def test_a_wrong_setting_is_one_line_and_exit_code_2(streams: Settings) -> None:
    result = clearing(streams, "topics", "check", "--security-protocol=SSL", "--tls-cert-file=x")
    assert result.exit_code == 2
    assert "tls_cert_file and tls_key_file go together" in result.output


def test_the_doctor_looks_at_kafka_only_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARING_BROKERS", raising=False)
    (finding,) = check_broker(load_settings(), None)
    assert "CLEARING_BROKERS" in finding.advice


def test_the_doctor_finds_a_broker_with_topics_well(streams: Settings) -> None:
    clearing(streams, "topics", "create", "--development")
    findings = list(check_broker(streams, streams.database))
    assert {finding.verdict for finding in findings} == {"ok", "warn"}
    assert [one.what for one in findings if one.verdict == "ok"] == [
        "codecs",
        "Kafka",
        "clock of Kafka",
    ]


def test_the_doctor_says_what_to_do_about_a_broker_that_is_not_there() -> None:
    settings = load_settings(brokers=f"127.0.0.1:{free_ports(1)[0]}")
    *_, finding = check_broker(settings, None)
    assert (finding.verdict, finding.what) == ("fail", "Kafka reachable")
    assert "see that Kafka runs there" in finding.advice


def test_the_doctor_sees_a_codec_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_codecs().verdict == "ok"
    monkeypatch.setattr("aiokafka.codec.has_zstd", lambda: False)
    finding = check_codecs()
    assert (finding.verdict, finding.actual) == ("fail", "aiokafka cannot read zstd")


def test_the_doctor_warns_of_a_password_in_clear(broker: str) -> None:
    settings = load_settings(
        brokers=broker,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="me",
        sasl_password="open",  # noqa: S106 - nobody's
    )
    findings = list(check_broker(settings, None))
    assert [one.verdict for one in findings if one.what == "Kafka login"] == ["warn", "fail"]
