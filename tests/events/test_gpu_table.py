"""The table of SCU an hour of each GPU: its default from data sheets, its texts."""

from __future__ import annotations

import pytest

from events.gpu_table import GPU_TABLE, is_gpu_table, scu_ppm_by_gpu

# Dense BF16 of the makers' data sheets in tenths of a TFLOPS: half of what they print with
# sparsity (H100 SXM and H200 SXM 1,979, B200 4,500), A100 312, MI300X 1,307.4.
TFLOPS_TENTHS = {
    "A100-80GB-SXM": 3_120,
    "B200-180GB-SXM": 22_500,
    "H100-80GB-SXM": 9_894,
    "H200-141GB-SXM": 9_894,
    "MI300X-192GB-OAM": 13_074,
}


def test_the_default_is_the_throughput_over_an_h100s_to_three_digits() -> None:
    expected = {gpu: round(tenths * 1_000 / 9_894) * 1_000 for gpu, tenths in TFLOPS_TENTHS.items()}
    assert scu_ppm_by_gpu(GPU_TABLE) == expected


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("H100-80GB-SXM=1", True),
        ("H100-80GB-SXM=1.000000", True),
        ("A=0.000001,H100-80GB-SXM=1,Z=1000", True),
        ("A=0.0000001,H100-80GB-SXM=1", False),
        ("A=1e3,H100-80GB-SXM=1", False),
        ("A=-1,H100-80GB-SXM=1", False),
        ("A b=1,H100-80GB-SXM=1", False),
        ("=1,H100-80GB-SXM=1", False),
        ("A==1,H100-80GB-SXM=1", False),
        ("H100-80GB-SXM=1,", False),
        ("H100-80GB-SXM=1.1", False),
        ("A=1,A=1,H100-80GB-SXM=1", False),
    ],
)
def test_a_table_has_each_gpu_once_in_order_and_the_units_own(text: str, *, is_valid: bool) -> None:
    assert is_gpu_table(text) is is_valid
