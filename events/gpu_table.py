"""The table of GPUs: how many Standard Compute Units an hour of each is (RULEBOOK §1, D).

In: its text, `A100-80GB-SXM=0.315,H100-80GB-SXM=1`: names in rising order, plain decimals above 0
and at most 1000 with at most six digits behind the point; the unit's own GPU is there, as 1.
Out: millionths of an SCU by GPU, exactly.
"""

from __future__ import annotations

from typing import Final

from events.contracts import UNIT_GPU
from events.units import PPM, parse_decimal
from events.wire_fields import is_identifier

# Dense BF16 of the makers' data sheets over the 989.4 TFLOPS of an H100 SXM, to three digits: A100
# 312, B200 2,250, H200 989.4, MI300X 1,307.4 (RULEBOOK §1 says why this measure).
GPU_TABLE: Final = (
    "A100-80GB-SXM=0.315,B200-180GB-SXM=2.274,H100-80GB-SXM=1,H200-141GB-SXM=1,"
    "MI300X-192GB-OAM=1.321"
)
GPU_TABLE_FORM: Final = (
    "GPU=SCU an hour in the order of names, comma between, SCU above 0 to 1000 with at most six "
    f"decimals, {UNIT_GPU}=1 among them"
)
_SCU_MAX: Final = 1000


def scu_ppm_by_gpu(text: str) -> dict[str, int]:
    """Millionths of an SCU that an hour of each GPU is. Errors: ValueError with the form."""
    table: dict[str, int] = {}
    before = ""
    for entry in text.split(","):
        gpu, _, scu = entry.partition("=")
        exact = parse_decimal(scu) * PPM
        is_ratio = 0 < exact <= _SCU_MAX * PPM and exact == int(exact)
        if not (is_identifier(gpu) and gpu > before and is_ratio):
            msg = f"expected {GPU_TABLE_FORM}, found {entry[:40]!r}"
            raise ValueError(msg)
        table[gpu] = int(exact)
        before = gpu
    if table.get(UNIT_GPU) != PPM:
        msg = f"expected {UNIT_GPU}=1 in the table"
        raise ValueError(msg)
    return table


def is_gpu_table(text: str) -> bool:
    """Whether a text is such a table."""
    try:
        return bool(scu_ppm_by_gpu(text))
    except ValueError:
        return False
