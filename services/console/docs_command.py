"""`clearing docs`: the documents that ship with the program, read from where it is installed.

In: a name. Out: the document as it stands beside the code it rules. A new one is a file in one of
the four packages and a row of DOCUMENTS.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final, NamedTuple

import click

from services.console.example import example
from services.console.output import say


class Document(NamedTuple):
    """A document. path: from the top of the repository, package first; tells: in one line."""

    name: str
    path: str
    tells: str

    @property
    def text(self) -> str:
        """The document as it was installed."""
        package, _, within = self.path.partition("/")
        return files(package).joinpath(within).read_text("utf-8")


DOCUMENTS: Final[dict[str, Document]] = {
    document.name: document
    for document in (
        Document(
            "rules",
            "settlement/RULES.md",
            "RULEBOOK §1–4, 9: contracts, sessions, index, trades, daily settlement, laws",
        ),
        Document(
            "margin",
            "risk/MARGIN.md",
            "RULEBOOK §5–8: margin, calls, limits, default, the price model",
        ),
        Document("wire", "events/WIRE.md", "commands, facts, reasons of refusal, exit codes"),
        Document(
            "backtest",
            "services/backtest/BACKTEST.md",
            "which margin model when; back-tests, their figures and what they can tell",
        ),
        Document(
            "paper",
            "services/paper/PAPER.md",
            "the price model, which of the paper's figures follow from it, and supply",
        ),
        Document(
            "hedge",
            "services/paper/HEDGE.md",
            "what futures do for a bill of tokens: how it is reckoned, what comes out",
        ),
        Document("columns", "services/reports/COLUMNS.md", "every column of every report"),
        Document(
            "default",
            "services/DEFAULT.md",
            "the runbook of a default: what to look at, type and expect, step by step",
        ),
        Document("operations", "services/OPERATIONS.md", "running it on Kafka and Postgres"),
        Document(
            "runbooks",
            "services/RUNBOOKS.md",
            "upgrade, a new product, dump and restore, standby, a lost topic, other rules",
        ),
        Document("architecture", "services/ARCHITECTURE.md", "how the parts fit"),
        Document("decisions", "services/DECISIONS.md", "what was decided and why; the limits"),
        Document("sources", "services/demo/data/SOURCES.md", "where the demo's data come from"),
    )
}


@click.command("docs", epilog=example("clearing docs", "clearing docs margin | less"))
@click.argument("name", required=False, metavar="[NAME]", type=click.Choice([*DOCUMENTS]))
def docs_command(name: str | None) -> None:
    """Print a document that ships with the program.

    Without NAME: the list of them.
    """
    if name is not None:
        say(DOCUMENTS[name].text.splitlines())
        return
    width = max(map(len, DOCUMENTS))
    say(f"{document.name:<{width}}  {document.tells}" for document in DOCUMENTS.values())
