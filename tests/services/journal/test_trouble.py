"""Every error of the driver has a name of ours, and none is forgotten."""

import psycopg
import pytest
from psycopg import errors

from services.journal import trouble
from services.journal.trouble import (
    CLASSES,
    DatabaseGone,
    DatabaseOverloaded,
    DatabaseUnreachable,
    DataDamaged,
    DiskFull,
    FencedOff,
    JournalTrouble,
    RightsMissing,
    SchemaMissing,
    StatementRefused,
    database_trouble_of,
    translated,
)

STATES: dict[str, type[psycopg.Error]] = {
    vars(kind)["sqlstate"]: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and isinstance(vars(kind).get("sqlstate"), str)
}


def test_every_class_of_sqlstate_is_named_and_no_other() -> None:
    assert len(STATES) > 200
    assert {state[:2] for state in STATES} == set(CLASSES)


def test_every_single_state_named_is_one_of_postgres() -> None:
    assert set(trouble.STATES) <= set(STATES)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", DatabaseGone),
        ("57P01", DatabaseGone),
        ("57P02", DatabaseGone),
        ("57P03", DatabaseUnreachable),
        ("3D000", DatabaseUnreachable),
        ("28P01", DatabaseUnreachable),
        ("25006", DatabaseUnreachable),
        ("25P02", StatementRefused),
        ("25P03", DatabaseGone),
        ("25P04", DatabaseGone),
        ("53100", DiskFull),
        ("58030", DiskFull),
        ("53200", DatabaseOverloaded),
        ("53300", DatabaseOverloaded),
        ("55P03", DatabaseOverloaded),
        ("57014", DatabaseOverloaded),
        ("40P01", FencedOff),
        ("42501", RightsMissing),
        ("42P01", SchemaMissing),
        ("XX001", DataDamaged),
        ("23505", StatementRefused),
        ("23001", StatementRefused),
        ("22021", StatementRefused),
    ],
)
def test_a_state_means(state: str, kind: type[JournalTrouble]) -> None:
    error = STATES[state]("reason")
    assert type(database_trouble_of(error, "testing")) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.OperationalError("the connection is lost"), DatabaseGone),
        (psycopg.InterfaceError("the cursor is closed"), StatementRefused),
        (errors.ConnectionTimeout("no answer"), DatabaseUnreachable),
        (psycopg.DataError("cannot dump"), StatementRefused),
    ],
)
def test_an_error_without_a_state_means(error: psycopg.Error, kind: type[JournalTrouble]) -> None:
    assert type(database_trouble_of(error, "testing")) is kind


def test_a_translation_says_at_what_and_keeps_the_cause() -> None:
    cause = errors.DiskFull("could not extend file\nHINT: check free disk space")
    with (
        pytest.raises(
            DiskFull, match=r"^writing: could not .* space \(SQLSTATE 53100\)$"
        ) as caught,
        translated("writing"),
    ):
        raise cause
    assert caught.value.__cause__ is cause


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    classes = {
        name
        for name, kind in vars(trouble).items()
        if isinstance(kind, type) and issubclass(kind, JournalTrouble)
    }
    drawn = (line.strip(" │├└─").split(" ")[0] for line in (trouble.__doc__ or "").splitlines())
    assert {name for name in drawn if name in classes} == classes


@pytest.mark.parametrize("reason", ["Disk quota exceeded", "File too large"])
def test_no_room_is_a_full_disk_whatever_state_postgres_gives_it(reason: str) -> None:
    error = psycopg.errors.InternalError_(f"could not extend file: {reason}")
    assert isinstance(database_trouble_of(error, "writing"), DiskFull)
