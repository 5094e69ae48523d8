"""Parameters: the values in force on a date with their sources, those that wait, the changes.

In: the control books of the last date asked for, the rows of `control/0` of all of them. Out: one
row for each parameter in force, general and of products; one for each value that waits; one for
each change that was ordered on the dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from events.control_facts import Configured
from events.parameters import PARAMETERS
from services.reports.kind import ReportKind
from services.reports.report import NamedCells, ReportRequest, SettingText, TableLayout
from services.reports.view import JournalView
from services.shards.routing import CONTROL_SHARD
from settlement.control_books import ControlBooks

_CONFIGURED: Final = Configured.TYPE.encode()
_HOLIDAYS, _IN_USE = "holidays", "product_in_use"


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    day, product = view.days(request)[-1], request.options.get("product")
    control = view.control_on(day)
    for cells in [*_in_force(control), *_waiting(control)]:
        if product is None or cells["product"] in (None, product):
            yield {"business_date": day, **cells}
    for changed_on in view.days(request):
        for row in view.rows(CONTROL_SHARD, changed_on, words=(_CONFIGURED,)):
            for fact in row.facts(_CONFIGURED):
                if product is None or fact["product"] in (None, product):
                    yield {
                        "business_date": changed_on,
                        "line": "change",
                        "at": fact["at"],
                        "seq": fact["seq"],
                        "effective_date": fact["effective_date"],
                        **_value(fact["parameter"], fact["product"], text=fact["value"]),
                    }


def _in_force(control: ControlBooks) -> Iterator[NamedCells]:
    """The values of a date: general ones, and beside them those of products that have their own."""
    for name, parameter in PARAMETERS.items():
        text = control.parameter_text(name)
        if name == _IN_USE:
            text = ",".join(control.products_listed)
        elif name == _HOLIDAYS:
            text = ",".join(sorted(day.isoformat() for day in control.holidays))
        is_default = text == parameter.default
        yield {"line": "in_force", "is_default": is_default, **_value(name, None, text=text)}
        for (configured, product), value in sorted(control.settings.items(), key=str):
            if configured == name and product is not None:
                of_product = _value(name, product, text=value)
                yield {"line": "in_force", "is_default": False, **of_product}


def _waiting(control: ControlBooks) -> Iterator[NamedCells]:
    """What is ordered and not yet in force, in the order of stream."""
    for setting in control.waiting:
        cells = _value(setting.parameter, setting.product, text=setting.value)
        yield {"line": "waiting", "effective_date": setting.effective_date, **cells}


def _value(name: str, product: str | None, *, text: str) -> NamedCells:
    parameter = PARAMETERS[name]
    return {
        "parameter": name,
        "product": product,
        "value": SettingText(text, kind=parameter.kind),
        "kind": parameter.kind,
        "default": SettingText(parameter.default, kind=parameter.kind),
        "source": parameter.source,
    }


CONFIG_REPORT: Final = ReportKind(
    name="config",
    title="Parameters",
    columns=(
        "business_date", "line", "parameter", "product", "value", "kind", "default", "is_default",
        "source", "effective_date", "at", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout(
            ("parameter", "product", "value", "default", "source"), "In force", ("in_force",)
        ),
        TableLayout(("parameter", "product", "value", "effective_date"), "Waiting", ("waiting",)),
        TableLayout((
            "business_date", "at", "parameter", "product", "value", "effective_date",
        ), "Changes", ("change",)),
    ),
)  # fmt: skip
