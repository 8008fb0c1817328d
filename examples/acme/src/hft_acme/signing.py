"""How Acme wants requests signed."""

from __future__ import annotations

import hashlib
import hmac

from hft import Secret

__all__ = ["sign"]


def sign(secret: Secret, message: str) -> str:
    """Return the signature of a message: HMAC with SHA-256, in hexadecimal."""
    return hmac.new(secret.reveal().encode(), message.encode(), hashlib.sha256).hexdigest()
