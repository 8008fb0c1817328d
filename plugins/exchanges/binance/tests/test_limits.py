"""What Binance says of its limits is read as it is meant."""

from __future__ import annotations

import pytest

from hft_binance import limits


@pytest.mark.parametrize(
    ("costs", "headers", "usage"),
    [
        ((("spot", 5),), {"X-MBX-USED-WEIGHT-1M": "120"}, [("spot", 120)]),
        ((("usdm", 5), ("orders", 1)), {"X-MBX-USED-WEIGHT-1M": "7"}, [("usdm", 7)]),
        ((("spot connections", 1),), {"X-MBX-USED-WEIGHT-1M": "7"}, []),
        ((("spot", 5),), {"X-MBX-USED-WEIGHT-1M": "many"}, []),
        ((("spot", 5),), {}, []),
    ],
)
def test_the_weight_is_that_of_the_product_that_was_asked(
    costs: limits.Costs, headers: dict[str, str], usage: list[tuple[str, int]]
) -> None:
    assert limits.usage(costs, headers) == usage
