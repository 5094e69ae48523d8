"""Settings: flags before environment before file, contradictions in words, secrets unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.settings import Settings, SettingsTrouble, load_settings, without_password

SECRET = "open sesame"  # noqa: S105 - what must never be seen again
SASL = {"security_protocol": "SASL_SSL", "sasl_username": "me", "sasl_password": SECRET}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CLEARING_{name.upper()}", raising=False)


def settings_file(folder: Path, text: str) -> str:
    """A settings file with this text."""
    path = folder / "clearing.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_without_anything_kafka_is_on_loopback_and_no_database_is_named() -> None:
    settings = load_settings()
    assert (settings.brokers, settings.database) == ("127.0.0.1:9092", None)
    assert (settings.web_host, settings.topic_prefix) == ("127.0.0.1", "clearing")


def test_flags_win_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = settings_file(tmp_path, 'group = "file"\nweb_port = 1\nbatch_messages = 1\n')
    monkeypatch.setenv("CLEARING_WEB_PORT", "2")
    monkeypatch.setenv("CLEARING_BATCH_MESSAGES", "2")
    settings = load_settings(settings=file, batch_messages="3", log_level=None)
    assert (settings.group, settings.web_port, settings.batch_messages) == ("file", 2, 3)


def test_the_environment_may_name_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLEARING_SETTINGS", settings_file(tmp_path, 'group = "file"'))
    assert load_settings().group == "file"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARING_WEB_PORT", "")
    assert load_settings().web_port == 6066


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"brokers": "kafka"}, "brokers: expected host:port,host:port, found 'kafka'"),
        ({"brokers": "a:1,,b:2"}, "found ''"),
        ({"brokers": "kafka://a:1"}, "found 'kafka://a:1'"),
        ({"brokers": "a..b:1"}, "found 'a..b:1'"),
        ({"brokers": "a:65536"}, "found 'a:65536'"),
        ({"security_protocol": "TLS"}, "CLEARING_SECURITY_PROTOCOL"),
        ({"security_protocol": "SASL_SSL"}, "needs sasl_username and sasl_password"),
        ({"sasl_password": SECRET}, "of no use with PLAINTEXT"),
        ({"tls_ca_file": "ca.pem"}, "it is not TLS"),
        ({"security_protocol": "SSL", "tls_key_file": "k"}, "go together"),
        ({"session_timeout_ms": "2999"}, "at most a third"),
        ({"batch_messages": "0"}, "greater than 0"),
        ({"web_port": "65536"}, "CLEARING_WEB_PORT"),
        ({"topic_prefix": "a/b"}, "CLEARING_TOPIC_PREFIX"),
        ({"settings": "/nowhere.toml"}, "no settings file /nowhere.toml"),
    ],
)
def test_what_is_wrong_is_named(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsTrouble) as trouble:
        load_settings(**flags)
    assert message in str(trouble.value)
    assert SECRET not in str(trouble.value)


@pytest.mark.parametrize("text", ['brokerz = "a:1"', "brokers = ", "brokers = 7"])
def test_a_file_with_a_mistake_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsTrouble, match=r"broker|cannot read"):
        load_settings(settings=settings_file(tmp_path, text))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "clearing.toml"
    file.write_bytes(b'group = "f\xfcnf"')
    with pytest.raises(SettingsTrouble, match="cannot read the settings file"):
        load_settings(settings=str(file))


def test_several_brokers_and_ipv6_are_taken() -> None:
    assert load_settings(brokers="a.b:1,[::1]:9092").brokers == "a.b:1,[::1]:9092"


def test_secrets_are_in_no_text_of_the_settings() -> None:
    settings = load_settings(database=f"postgresql://me:{SECRET}@db/books", **SASL)
    assert settings.sasl_password is not None
    assert settings.sasl_password.get_secret_value() == SECRET
    for text in (repr(settings), str(settings), str(settings.shown())):
        assert SECRET not in text
    assert settings.shown()["database"] == "postgresql://me:***@db/books"


def test_secrets_are_in_no_error() -> None:
    with pytest.raises(SettingsTrouble) as trouble:
        load_settings(database=f"postgresql://me:{SECRET}@db", web_port="x", **SASL)
    assert SECRET not in str(trouble.value)
    assert trouble.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me@db/books", "postgresql://me@db/books"),
        ("postgresql://me:a@b@db/books", "postgresql://me:***@db/books"),
        ("host=db password=a", "…"),
        ("postgresql://db/books?password=a", "…"),
        ("postgresql://[", "…"),
        ("postgresql//me:a@db/books", "…"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_settings_are_never_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().web_port = 1


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
