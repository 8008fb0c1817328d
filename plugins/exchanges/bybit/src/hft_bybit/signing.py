"""Keys and signatures: what is signed, and with what; pure.

Source: the exchange's "Integration guidance" and "Connect" pages of the v5 API (2026).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode

from hft import HmacKey, Secret, UsageError

__all__ = ["HmacSigner", "RsaSigner", "Signer", "login_args", "make_signer", "signed_headers"]


class Signer(ABC):
    """One API key, and what signs with its secret; neither shows when it is printed."""

    __slots__ = ("key",)

    def __init__(self, key: Secret) -> None:
        self.key = key

    @abstractmethod
    def sign(self, payload: bytes) -> str:
        """Return the signature."""


class HmacSigner(Signer):
    """HMAC-SHA256, in hexadecimal."""

    __slots__ = ("_key",)

    def __init__(self, key: Secret, secret: Secret) -> None:
        super().__init__(key)
        self._key = HmacKey(secret)

    def sign(self, payload: bytes) -> str:
        return self._key.hexdigest(payload)


class RsaSigner(Signer):
    """RSA with SHA-256 and PKCS #1 v1.5, in base64."""

    __slots__ = ("_how", "_private")

    def __init__(self, key: Secret, secret: Secret) -> None:
        super().__init__(key)
        try:
            from cryptography.exceptions import UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
        except ImportError:
            raise UsageError(
                "an RSA key needs the package 'cryptography': pip install 'hft-plugin-bybit[rsa]'"
            ) from None
        try:
            private = load_pem_private_key(secret.reveal().strip().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # What the library says may quote the key.
            raise UsageError("the secret is no readable private key, give it as unencrypted PEM") from None
        if not isinstance(private, RSAPrivateKey):
            raise UsageError("the secret is a private key of another kind, make an RSA or HMAC key")
        self._private = private
        self._how = PKCS1v15(), SHA256()

    def sign(self, payload: bytes) -> str:
        return b64encode(self._private.sign(payload, *self._how)).decode()


def make_signer(key: Secret, secret: Secret) -> Signer:
    """Return what signs with ``secret``: RSA where it is a private key in PEM, otherwise HMAC."""
    is_pem = secret.reveal().lstrip().startswith("-----BEGIN ")
    return RsaSigner(key, secret) if is_pem else HmacSigner(key, secret)


def signed_headers(payload: str, signer: Signer, *, time_ms: int, window_ms: int) -> dict[str, str]:
    """Return the headers of a request; ``payload`` is its query or its body, as it is sent to the byte."""
    key = signer.key.reveal()
    signature = signer.sign(f"{time_ms}{key}{window_ms}{payload}".encode())
    return {
        "X-BAPI-API-KEY": key,
        "X-BAPI-SIGN": signature,
        "X-BAPI-SIGN-TYPE": "2",
        "X-BAPI-TIMESTAMP": str(time_ms),
        "X-BAPI-RECV-WINDOW": str(window_ms),
        "Content-Type": "application/json",
    }


def login_args(signer: Signer, *, expires_ms: int) -> list[str | int]:
    """Return the arguments of the login of a websocket, good until a time of the exchange's clock."""
    return [signer.key.reveal(), expires_ms, signer.sign(f"GET/realtime{expires_ms}".encode())]
