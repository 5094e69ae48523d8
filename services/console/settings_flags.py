"""The settings of the streaming services as flags of a command, and back into settings.

In: names of settings. Out: a flag for each, with its description and the variable of the
environment beside it. A password is never a flag: everybody on a machine sees a command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from services.console.exit_codes import Stopped
from services.settings import ENV_PREFIX, Settings, SettingsTrouble, load_settings

SECRET: Final = frozenset({"sasl_password"})
KAFKA: Final = ("brokers", "topic_prefix", "security_protocol", "sasl_mechanism", "sasl_username")
TLS: Final = ("tls_ca_file", "tls_cert_file", "tls_key_file")
_METAVARS: Final = {"settings": "FILE", "database": "URL", "brokers": "HOST:PORT,…"}

_Command = TypeVar("_Command", bound=Callable[..., Any])


def with_settings(*names: str) -> Callable[[_Command], _Command]:
    """The flags `--settings`, those of Kafka, and these; all arrive as keyword arguments."""

    def add(command: _Command) -> _Command:
        for name in reversed(("settings", *names, *KAFKA, *TLS)):
            command = _flag(name, Settings.model_fields[name])(command)
        return command

    return add


@contextmanager
def stop_on_settings_trouble() -> Iterator[None]:
    """Trouble of settings, Kafka or the journal inside becomes one line and exit code 2."""
    from services.broker.trouble import BrokerTrouble
    from services.console.stopping import stop_on_trouble

    try:
        with stop_on_trouble():
            yield
    except (SettingsTrouble, BrokerTrouble) as trouble:
        raise Stopped(str(trouble)) from trouble


def settings_from(flags: Mapping[str, str | None], *, needs_database: bool = False) -> Settings:
    """The settings under the flags of a command.

    Errors: a usage error that names what is wrong, or that no database is named where it must be.
    """
    try:
        settings = load_settings(**flags)
    except SettingsTrouble as trouble:
        raise click.UsageError(str(trouble)) from trouble
    if needs_database and settings.database is None:
        msg = (
            "no database is named: give --database postgresql://user@host/name, set "
            f"{ENV_PREFIX}DATABASE, or write database in the settings file"
        )
        raise click.UsageError(msg)
    return settings


def _flag(name: str, field: FieldInfo) -> Callable[[_Command], _Command]:
    """One flag; None where it is not given, so that environment and file keep their say."""
    assert name not in SECRET, f"{name} would be seen in the list of processes"
    kind = field.annotation
    choice = click.Choice(get_args(kind)) if get_origin(kind) is Literal else None
    shown = f"  [default: {field.default}]" if field.default is not None else ""
    flag = name.replace("_", "-")
    return click.option(
        f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}",
        default=None,
        metavar=_METAVARS.get(name),
        help=f"{field.description} {ENV_PREFIX}{name.upper()}{shown}",
        type=choice,
    )
