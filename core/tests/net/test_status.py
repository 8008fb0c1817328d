"""``Retry-After`` in both its forms, and in none."""

from __future__ import annotations

import pytest

from hft.clock import NS_PER_S
from hft.net.status import retry_after_ns

NOW_NS = 784_111_777 * NS_PER_S  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-1", 0),
        ("soon", 0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Sun, 06 Nov 1994 08:40:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:40 -0000", 3),
        ("9" * 5000, 7 * 24 * 3600),
        ("٣", 0),
    ],
)
def test_retry_after(header: str | None, seconds: int) -> None:
    assert retry_after_ns(header, NOW_NS) == seconds * NS_PER_S
