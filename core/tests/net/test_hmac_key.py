"""Signatures are those of the standard library."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from hft.net.hmac_key import HmacKey
from hft.secret import Secret


@given(st.text(min_size=1, max_size=200), st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_a_key_signs_as_the_standard_library_does_however_often(secret: str, payloads: list[bytes]) -> None:
    key = HmacKey(Secret(secret))
    for payload in payloads:
        expected = hmac.new(secret.encode(), payload, hashlib.sha256)
        assert key.hexdigest(payload) == expected.hexdigest()
        assert key.digest(payload) == expected.digest()


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(HmacKey(Secret("hush")))
