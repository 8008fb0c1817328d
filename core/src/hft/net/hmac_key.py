"""HMAC-SHA256 with a key that is hashed once."""

from __future__ import annotations

import hashlib

from hft.secret import Secret

__all__ = ["HmacKey"]

_SHA256_BLOCK = 64
_INNER, _OUTER = 0x36, 0x5C
"""Pads of HMAC (RFC 2104, section 2)."""


class HmacKey:
    """A secret that signs, and does not show when it is printed.

    The key is hashed once, here; a signature copies both states, which takes half of what `hmac.new`
    does and less than copying one of `hmac`'s objects.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: Secret) -> None:
        block = secret.reveal().encode()
        if len(block) > _SHA256_BLOCK:
            block = hashlib.sha256(block).digest()
        block = block.ljust(_SHA256_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ _INNER for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ _OUTER for byte in block))

    def hexdigest(self, payload: bytes) -> str:
        """Sign in lower-case hexadecimal."""
        inner = self._inner.copy()
        inner.update(payload)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()

    def digest(self, payload: bytes) -> bytes:
        """Sign, as the 32 bytes themselves."""
        return bytes.fromhex(self.hexdigest(payload))
