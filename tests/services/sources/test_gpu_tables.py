"""The tables of GPUs of a journal, asked while its sessions go on."""

from __future__ import annotations

from pathlib import Path

from events.units import parse_instant
from services.hosting.gpu_tables import AGAIN_S, GpuTables
from tests.services.audit.streamed import embedded
from tests.services.worker.spread_market import CLOSE, line_of, opening

CONFIGURED = {
    "type": "configure/1", "parameter": "gpu_hour_scu", "product": "SCU",
    "value": "A100-80GB-SXM=0.25,H100-80GB-SXM=1", "effective_date": "2026-06-09",
    "at": "2026-06-08T10:00:00Z",
}  # fmt: skip
BEFORE, AFTER = (parse_instant(f"2026-06-08T{hour}:00:00Z") for hour in (20, 22))


def test_a_table_is_that_of_a_session_opened_after_the_first_question(
    database: str, tmp_path: Path
) -> None:
    now = 0.0
    tables = GpuTables(database, clock=lambda: now)

    def an_hour_of_a100() -> list[int]:
        return [tables.table_at("SCU", at)["A100-80GB-SXM"] for at in (BEFORE, AFTER)]

    embedded(database, tmp_path / "first.jsonl", opening())
    assert an_hour_of_a100() == [315_000, 315_000]
    embedded(database, tmp_path / "second.jsonl", [line_of(CONFIGURED), line_of(CLOSE)])
    assert an_hour_of_a100() == [315_000, 315_000]
    now = AGAIN_S
    assert an_hour_of_a100() == [315_000, 250_000]
