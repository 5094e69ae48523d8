"""Settings as flags: each reaches its setting; what is not given keeps its other source."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from services.broker.trouble import BrokerUnreachable
from services.console.exit_codes import Stopped
from services.console.settings_flags import (
    SECRET,
    settings_from,
    stop_on_settings_trouble,
    with_settings,
)
from services.settings import Settings, SettingsTrouble, load_settings

GIVEN = {
    "database": "postgresql://me@db/books", "brokers": "a:1", "security_protocol": "SSL",
    "sasl_mechanism": "PLAIN", "sasl_username": "me", "tls_ca_file": "ca", "tls_cert_file": "c",
    "tls_key_file": "k", "topic_prefix": "p", "group": "g", "session_timeout_ms": "9000",
    "heartbeat_interval_ms": "10", "batch_messages": "11", "batch_interval_ms": "12",
    "clock_interval_s": "1.5", "web_host": "::1", "web_port": "13", "log_level": "debug",
}  # fmt: skip
SHOWN = ("database", "group", "session_timeout_ms", "heartbeat_interval_ms", "batch_messages",
         "batch_interval_ms", "clock_interval_s", "web_host", "web_port", "log_level")  # fmt: skip


@click.command()
@with_settings(*SHOWN)
def shown(**flags: str | None) -> None:
    """Say which settings arrived."""
    for name, value in settings_from(flags).shown().items():
        click.echo(f"{name}={value}")


def test_each_flag_reaches_its_setting() -> None:
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in GIVEN.items()]
    result = CliRunner().invoke(shown, flags)
    assert result.exit_code == 0, result.output
    said = dict(line.split("=", 1) for line in result.output.splitlines())
    assert {name: said[name] for name in GIVEN} == GIVEN


def test_a_flag_that_is_not_given_leaves_the_environment_its_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLEARING_GROUP", "from-environment")
    assert "group=from-environment" in CliRunner().invoke(shown, []).output


def test_help_names_the_variable_and_the_default() -> None:
    helped = " ".join(CliRunner().invoke(shown, ["--help"]).output.split())
    assert "CLEARING_WEB_PORT [default: 6066]" in helped


def test_no_secret_is_a_flag() -> None:
    secrets = {name for name, field in Settings.model_fields.items() if "Secret" in repr(field)}
    assert secrets == SECRET
    with pytest.raises(AssertionError, match="list of processes"):
        with_settings("sasl_password")(lambda: None)


@pytest.mark.parametrize("trouble", [SettingsTrouble("said"), BrokerUnreachable("said")])
def test_trouble_of_settings_or_kafka_is_one_line_and_exit_code_2(trouble: Exception) -> None:
    with pytest.raises(Stopped, match="said") as stopped, stop_on_settings_trouble():
        raise trouble
    assert stopped.value.exit_code == 2


def test_a_database_is_asked_for_where_it_must_be() -> None:
    flags = {"database": load_settings().database}
    with pytest.raises(click.UsageError, match="no database is named"):
        settings_from(flags, needs_database=True)
