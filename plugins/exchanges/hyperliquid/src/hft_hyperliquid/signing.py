"""Keys, hashes and signatures of actions (EIP-712 over secp256k1); pure.

An action is hashed as the bytes of its msgpack, so the order of its keys counts. What is signed is a
"phantom agent": the network's letter and that hash. Source: the exchange's "Signing" page (2026).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import coincurve
import msgspec
import sha3

from hft import Secret, UsageError

__all__ = [
    "Domain",
    "Signature",
    "Signer",
    "agent_digest",
    "connection_id",
    "encode_action",
    "keccak",
    "recover_address",
    "typed_digest",
]

_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""How many points the curve has: r and s are below it."""

_KEY_DIGITS = 64

encode_action = msgspec.msgpack.Encoder().encode
"""Write an action as the bytes that are hashed."""


def keccak(data: bytes) -> bytes:
    """Return the Keccak-256 hash, which is not SHA3-256."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest


# -- typed data ------------------------------------------------------------------------------------------


class Domain:
    """Whose signature it is: the first part of what is signed."""

    __slots__ = ("separator",)

    def __init__(self, name: str, chain_id: int) -> None:
        kind = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        parts = keccak(kind), keccak(name.encode()), keccak(b"1"), chain_id.to_bytes(32, "big"), bytes(32)
        self.separator = keccak(b"".join(parts))


def typed_digest(domain: Domain, kind: str, values: Iterable[bytes]) -> bytes:
    """Return what is signed of a message: its type, then its values in 32 bytes each."""
    struct = keccak(keccak(kind.encode()) + b"".join(values))
    return keccak(b"\x19\x01" + domain.separator + struct)


_EXCHANGE = Domain("Exchange", 1337)
_AGENT = "Agent(string source,bytes32 connectionId)"
_AGENT_HEAD = keccak(_AGENT.encode())
_DIGEST_HEAD = b"\x19\x01" + _EXCHANGE.separator


def connection_id(action: bytes, nonce: int, vault: bytes | None, expires_ms: int | None) -> bytes:
    """Return the hash of an action and what goes with it; ``vault`` is the 20 bytes of an address."""
    whose = b"\x00" if vault is None else b"\x01" + vault
    until = b"" if expires_ms is None else b"\x00" + expires_ms.to_bytes(8, "big")
    return keccak(action + nonce.to_bytes(8, "big") + whose + until)


def agent_digest(source_hash: bytes, connection: bytes) -> bytes:
    """Return what is signed of an action; ``source_hash`` is the hash of the network's letter."""
    return keccak(_DIGEST_HEAD + keccak(_AGENT_HEAD + source_hash + connection))


# -- signatures ------------------------------------------------------------------------------------------


class Signature(NamedTuple):
    """A signature that tells who made it."""

    r: int
    s: int
    v: int

    def json(self) -> dict[str, str | int]:
        """Return it as the exchange wants it."""
        return {"r": f"0x{self.r:064x}", "s": f"0x{self.s:064x}", "v": self.v}


class Signer:
    """Signs actions with a private key; ``address`` is that of the key, in small letters.

    Raise `UsageError`, which does not show the key, for what is no private key.
    """

    __slots__ = ("_key", "_source_hash", "address")

    def __init__(self, secret: Secret, source: str) -> None:
        self._key = _private_key(secret.reveal().strip().removeprefix("0x"))
        self._source_hash = keccak(source.encode())
        self.address = _address(self._key.public_key)

    def sign(self, action: bytes, nonce: int, vault: bytes | None, expires_ms: int | None) -> Signature:
        """Sign the bytes of an action."""
        return self.sign_digest(
            agent_digest(self._source_hash, connection_id(action, nonce, vault, expires_ms))
        )

    def sign_digest(self, digest: bytes) -> Signature:
        """Sign 32 bytes."""
        made = self._key.sign_recoverable(digest, hasher=None)
        return Signature(int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"), 27 + made[64])

    def __repr__(self) -> str:
        return f"<Signer {self.address}>"


def _private_key(digits: str) -> coincurve.PrivateKey:
    try:
        if len(digits) == _KEY_DIGITS:
            return coincurve.PrivateKey(bytes.fromhex(digits))
    except ValueError:
        pass  # its words may hold the key
    raise UsageError(f"secret: is no private key, write it as 0x and {_KEY_DIGITS} hexadecimal digits")


def recover_address(digest: bytes, signature: Signature) -> str:
    """Return the address of whoever signed 32 bytes; raise `ValueError` where nobody can have."""
    r, s, v = signature
    if not (0 < r < _ORDER and 0 < s < _ORDER and v in (27, 28)):
        raise ValueError("signature is out of range")
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v - 27])
    return _address(coincurve.PublicKey.from_signature_and_message(raw, digest, hasher=None))


def _address(key: coincurve.PublicKey) -> str:
    return "0x" + keccak(key.format(compressed=False)[1:])[-20:].hex()
