"""Keys and signatures: what is signed, and with what; pure.

Source: the exchange's "Request security" pages of the REST and the websocket API (2026).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

from hft import HmacKey, Secret, UsageError

__all__ = ["Ed25519Signer", "HmacSigner", "Signer", "make_signer", "signed_params", "signed_query"]


class Signer(ABC):
    """One API key, and what signs with its secret; neither shows when it is printed."""

    __slots__ = ("key",)

    def __init__(self, key: Secret) -> None:
        self.key = key

    @abstractmethod
    def sign(self, payload: bytes) -> str:
        """Return the signature as it stands in JSON."""

    @abstractmethod
    def sign_url(self, payload: bytes) -> str:
        """Return the signature as it stands in a URL."""


class HmacSigner(Signer):
    """HMAC-SHA256, in hexadecimal."""

    __slots__ = ("_key",)

    def __init__(self, key: Secret, secret: Secret) -> None:
        super().__init__(key)
        self._key = HmacKey(secret)

    def sign(self, payload: bytes) -> str:
        return self._key.hexdigest(payload)

    sign_url = sign


class Ed25519Signer(Signer):
    """Ed25519, in base64; the only keys that may log in to a websocket session."""

    __slots__ = ("_sign",)

    def __init__(self, key: Secret, secret: Secret) -> None:
        super().__init__(key)
        try:
            from cryptography.exceptions import UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
        except ImportError:
            raise UsageError(
                "an Ed25519 key needs the package 'cryptography': pip install 'hft-plugin-binance[ed25519]'"
            ) from None
        try:
            private = load_pem_private_key(secret.reveal().strip().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # What the library says may quote the key.
            raise UsageError("the secret is no readable private key, give it as unencrypted PEM") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise UsageError("the secret is a private key of another kind, make an Ed25519 or HMAC key")
        self._sign = private.sign

    def sign(self, payload: bytes) -> str:
        return b64encode(self._sign(payload)).decode()

    def sign_url(self, payload: bytes) -> str:
        return quote(self.sign(payload), safe="")


def make_signer(key: Secret, secret: Secret) -> Signer:
    """Return what signs with ``secret``: Ed25519 where it is a private key in PEM, otherwise HMAC."""
    is_pem = secret.reveal().lstrip().startswith("-----BEGIN ")
    return Ed25519Signer(key, secret) if is_pem else HmacSigner(key, secret)


def signed_query(params: Mapping[str, str | int], signer: Signer, *, body: str = "") -> str:
    """Return the query of a signed REST request, percent-encoded, in the order given.

    ``body`` is the form that goes with it, as it is sent: what is signed is the query with the body
    right behind it. The key itself travels in the header ``X-MBX-APIKEY``.
    """
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
    return f"{query}&signature={signer.sign_url(f'{query}{body}'.encode())}"


def signed_params(params: Mapping[str, str | int], signer: Signer) -> dict[str, str | int]:
    """Return the parameters of a signed request of the websocket API.

    What is signed are all of them with the key, sorted by name, not percent-encoded.
    """
    complete: dict[str, str | int] = {"apiKey": signer.key.reveal(), **params}
    complete = {name: complete[name] for name in sorted(complete)}
    payload = "&".join(f"{name}={value}" for name, value in complete.items())
    return {**complete, "signature": signer.sign(payload.encode())}
