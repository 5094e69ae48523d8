"""The settings of the streaming services: each once, with its name, meaning and default.

In, strongest first: flags of a command, the environment (`CLEARING_BROKERS` …), a TOML file (named
by `--settings` or `CLEARING_SETTINGS`). Out: one frozen model, or `SettingsTrouble` that names each
wrong setting. A secret is never shown: not in a text of the model, not in an error.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

ENV_PREFIX: Final = "CLEARING_"
BROKERS_DEFAULT: Final = "127.0.0.1:9092"
TOPIC_PREFIX_DEFAULT: Final = "clearing"
# A member that misses three heartbeats in a row is given up; fewer would be one lost packet.
HEARTBEATS_A_SESSION: Final = 3

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
LogLevel = Literal["debug", "info", "warning", "error"]
Millis = Annotated[int, Field(gt=0)]
_PORT_MAX: Final = 65_535
Port = Annotated[int, Field(ge=0, le=_PORT_MAX)]

_SCHEMES: Final = ("postgresql://", "postgres://")
_BROKER: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s,:/\[\]]+):([0-9]{1,5})")


class SettingsTrouble(Exception):
    """A setting is wrong; the message names it, what was expected and where it is set."""


class Settings(BaseSettings):
    """The addresses of Kafka and Postgres, their options, and the sizes of batches."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    settings: Path | None = Field(None, description="TOML file with any of these settings.")
    database: str | None = Field(
        None,
        repr=False,
        description="Postgres, as postgresql://user@host/name; TLS by ?sslmode=verify-full&….",
    )
    brokers: str = Field(
        BROKERS_DEFAULT, description="Kafka brokers to begin with, as host:port,host:port."
    )
    security_protocol: SecurityProtocol = Field(
        "PLAINTEXT", description="How to speak to Kafka: with or without TLS (SSL) and SASL."
    )
    sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512", description="How SASL proves who we are."
    )
    sasl_username: str | None = Field(None, description="Kafka user.")
    sasl_password: SecretStr | None = Field(None, description="Its password; not to be a flag.")
    tls_ca_file: Path | None = Field(
        None, description="Certificates of who vouches for the brokers.  [default: the system's]"
    )
    tls_cert_file: Path | None = Field(None, description="Our certificate, if brokers ask for one.")
    tls_key_file: Path | None = Field(None, description="Its private key.")
    topic_prefix: str = Field(
        TOPIC_PREFIX_DEFAULT,
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$",
        description="What the names of the topics begin with.",
    )
    group: str = Field(
        "clearing-workers", min_length=1, description="Consumer group that shares the partitions."
    )
    worker_name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Name of this worker in Kafka's lists.  [default: host and process]",
    )
    session_timeout_ms: Millis = Field(
        6_000, description="Silence after which Kafka gives a worker's partitions to others."
    )
    heartbeat_interval_ms: Millis = Field(
        1_000, description="How often a worker says that it lives; at most a third of the session."
    )
    batch_messages: int = Field(
        8_192, gt=0, description="Messages of a shard in one transaction, at most."
    )
    batch_interval_ms: Millis = Field(
        100, description="How long messages gather at most while the transaction before is written."
    )
    writer_timeout_s: float = Field(
        60.0,
        gt=0,
        description="After so long Postgres ends a batch whose worker stands still; longer than "
        "the largest close takes to write.",
    )
    clock_interval_s: float = Field(
        1.0, ge=0, description="How often advance_clock is sent; 0: never."
    )
    publish_facts: bool = Field(
        default=False,
        description="Whether there is a topic of facts, to make, check and fill.",
    )
    web_host: str = Field("127.0.0.1", description="Where metrics and health are served.")
    web_port: Port = Field(6066, description="Port of metrics and health; 0: none are served.")
    log_level: LogLevel = Field("info", description="The least that is logged.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for wrong in _contradictions(self):
            raise ValueError(wrong)
        return self

    @property
    def uses_tls(self) -> bool:
        """Whether connections to Kafka are encrypted."""
        return self.security_protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether Kafka asks who we are."""
        return self.security_protocol.startswith("SASL_")

    def shown(self) -> dict[str, str]:
        """All settings as they may be printed: secrets are replaced by stars."""
        texts = {name: str(getattr(self, name)) for name in type(self).model_fields}
        if self.database is not None:
            texts["database"] = without_password(self.database)
        return texts

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *_: PydanticBaseSettingsSource,
        **sources: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before environment before file; `.env` is not read, nobody would look there."""
        flags, environment = sources["init_settings"], sources["env_settings"]
        file = _file_named(flags())
        if file is None:
            return flags, environment
        return flags, environment, TomlConfigSettingsSource(settings_cls, file)


def load_settings(**flags: Any) -> Settings:  # noqa: ANN401 - any type a field has
    """The settings under these flags; one that is None was not given.

    Errors: SettingsTrouble, with a line for each setting that is wrong.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    file = _file_named(given)
    if file is not None and not file.is_file():
        msg = f"there is no settings file {file}"
        raise SettingsTrouble(msg)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsTrouble(_in_words(error)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read the settings file {file}: {error}"
        raise SettingsTrouble(msg) from error


def _file_named(flags: Mapping[str, Any]) -> Path | None:
    named = flags.get("settings") or os.environ.get(f"{ENV_PREFIX}SETTINGS")
    return Path(named) if named else None


def is_host(name: str) -> bool:
    """Whether a host can be looked up by a name: no part of it is empty or too long."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def without_password(url: str) -> str:
    """A database's URL as it may be printed."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return "…"
    shown = url if password is None else url.replace(f":{password}@", ":***@", 1)
    # Other forms, `password=…` among words or parameters, are rare: nothing of them is shown.
    is_usual = url.startswith(_SCHEMES) and "password=" not in shown
    return shown if is_usual else "…"


def _contradictions(settings: Settings) -> list[str]:
    """Settings that contradict one another or cannot be used, in words."""
    wrong = [
        f"brokers: expected host:port,host:port, found {broker!r}"
        for broker in settings.brokers.split(",")
        if not _is_broker(broker)
    ]
    named_tls = settings.tls_ca_file or settings.tls_cert_file or settings.tls_key_file
    if settings.uses_sasl and (settings.sasl_username is None or settings.sasl_password is None):
        wrong.append(f"{settings.security_protocol} needs sasl_username and sasl_password")
    if settings.sasl_password is not None and not settings.uses_sasl:
        wrong.append(f"sasl_password is of no use with {settings.security_protocol}")
    if named_tls and not settings.uses_tls:
        wrong.append(f"tls files are of no use with {settings.security_protocol}: it is not TLS")
    if (settings.tls_cert_file is None) != (settings.tls_key_file is None):
        wrong.append("tls_cert_file and tls_key_file go together")
    if settings.heartbeat_interval_ms * HEARTBEATS_A_SESSION > settings.session_timeout_ms:
        wrong.append("heartbeat_interval_ms is at most a third of session_timeout_ms")
    return wrong


def _is_broker(text: str) -> bool:
    match = _BROKER.fullmatch(text)
    return match is not None and is_host(match[1]) and int(match[2]) <= _PORT_MAX


def _in_words(error: ValidationError) -> str:
    """Each wrong setting with the ways it can be set; never what it was set to."""
    lines = []
    for detail in error.errors(include_input=False, include_url=False):
        text = detail["msg"].removeprefix("Value error, ")
        name = ".".join(map(str, detail["loc"]))
        ways = f"{ENV_PREFIX}{name.upper()}, or {name} in the settings file"
        lines.append(f"setting {name} ({ways}): {text}" if name else f"settings: {text}")
    return "; ".join(lines)
