"""A page from its template: one self-contained file that asks nothing of any server.

In: a template of the caller's package and what it shows. Out: HTML. Every value is escaped unless
the template says `safe`; a name that the caller did not give is an error, not an empty text. A
page's template extends `page.html` and may import from `tables.html` and `figures.html`.
"""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def render(template: str, content: Mapping[str, object], *, package: str) -> str:
    """The page that a template in the folder `templates` of a package makes of its content."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("services.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(content)
