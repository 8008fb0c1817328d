"""Who signed a request to the simulated Hyperliquid, and whom it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from hft_hyperliquid.signing import (
    Signature,
    agent_digest,
    connection_id,
    encode_action,
    keccak,
    recover_address,
)
from hft_hyperliquid.simulator.people import Person
from hft_hyperliquid.simulator.user_signed import user_signed_digest

__all__ = ["USER_SIGNED", "Directory", "Malformed", "Rejected", "Sender"]

_SOURCES = {"mainnet": b"a", "testnet": b"b"}

USER_SIGNED = frozenset({"approveAgent", "approveBuilderFee", "usdClassTransfer"})
"""Actions that only the account's own key may sign, as far as they are played."""

_KEPT_NONCES = 100
_DAY_MS = 86_400_000
_AGENT_VALID_MS = 90 * _DAY_MS

_TEXTS = frozenset({"p", "s", "triggerPx"})
_HEXADECIMAL = frozenset({"c", "cloid"})


class Malformed(Exception):
    """A body that does not fit: it is refused with status 422."""


class Rejected(Exception):
    """A request that is refused as a whole; its text is what the exchange says."""


@attrs.frozen
class Sender:
    """Whose request it is: the name of the account it is for, and who signed it."""

    account: str
    signer: str
    is_owner: bool


@attrs.define
class _Agent:
    master: str
    name: str
    valid_until_ms: int


def normalised(value: Any, key: str = "") -> Any:
    """Return an action as the exchange hashes it, whatever was sent.

    Numbers lose the zeros behind them, hexadecimal digits are small, and what is not given is left out.
    """
    if isinstance(value, dict):
        return {
            name: normalised(each, name)
            for name, each in value.items()
            if each is not None and not (each is False and name in ("f", "a"))
        }
    if isinstance(value, list):
        return [normalised(each, key) for each in value]
    if isinstance(value, str):
        if key in _TEXTS and "." in value:
            return value.rstrip("0").rstrip(".")
        if key in _HEXADECIMAL:
            return value.lower()
    return value


class Directory:
    """The accounts, their API wallets and the nonces that were used.

    ``networks`` are those whose signatures are taken.
    """

    def __init__(self, persons: Iterable[Person], now_ms: int, networks: Iterable[str]) -> None:
        self.names: dict[str, str] = {}
        """Names of accounts by address, those of sub-accounts among them."""
        self.masters: dict[str, str] = {}
        """Owners of sub-accounts, by address."""
        self._agents: dict[str, _Agent] = {}
        self._nonces: dict[str, list[int]] = {}
        self._hashes = [keccak(_SOURCES[network]) for network in networks]
        for person in persons:
            self.names |= {person.address: person.name, person.sub_address: person.sub_name}
            self.masters[person.sub_address] = person.address
            self._agents[person.agent] = _Agent(person.address, "", now_ms + _AGENT_VALID_MS)

    def address(self, name: str) -> str:
        """Return the address of an account."""
        return next(address for address, each in self.names.items() if each == name)

    def name(self, address: str) -> str | None:
        """Return the name of an account, None where there is none."""
        return self.names.get(address.lower())

    def role(self, address: str) -> dict[str, Any]:
        """Tell what an address is."""
        address = address.lower()
        if address in self.masters:
            return {"role": "subAccount", "data": {"master": self.masters[address]}}
        if address in self.names:
            return {"role": "user"}
        agent = self._agents.get(address)
        return {"role": "missing"} if agent is None else {"role": "agent", "data": {"user": agent.master}}

    def agents(self, master: str) -> list[dict[str, Any]]:
        """List the API wallets of an account that have names."""
        return [
            {"name": agent.name, "address": address, "validUntil": agent.valid_until_ms}
            for address, agent in self._agents.items()
            if agent.master == master.lower() and agent.name
        ]

    def sub_accounts(self, master: str) -> list[str]:
        """List the sub-accounts of an account."""
        return [address for address, owner in self.masters.items() if owner == master.lower()]

    def approve(self, master: str, agent: str, name: str, now_ms: int) -> None:
        """Let an API wallet trade for an account, in place of the one that had its name."""
        label, _, until = name.partition(" valid_until ")
        self._agents = {
            address: known
            for address, known in self._agents.items()
            if (known.master, known.name) != (master, label)
        }
        if int(agent, 16):
            valid_until_ms = int(until) if until.isdecimal() else now_ms + _AGENT_VALID_MS
            self._agents[agent.lower()] = _Agent(master, label, valid_until_ms)

    # -- requests ----------------------------------------------------------------------------------

    def identify(self, body: Mapping[str, Any], now_ms: int) -> Sender:
        """Return whose request it is; raise `Rejected` where that is nobody who may, or `Malformed`."""
        action, nonce = body.get("action"), body.get("nonce")
        if not isinstance(action, dict) or not isinstance(action.get("type"), str) or type(nonce) is not int:
            raise Malformed
        vault, expires_ms = body.get("vaultAddress"), body.get("expiresAfter")
        if not (vault is None or isinstance(vault, str)) or not (
            expires_ms is None or type(expires_ms) is int
        ):
            raise Malformed
        signature = _signature(body.get("signature"))
        if action["type"] in USER_SIGNED:
            sender = self._owner(action, nonce, signature)
        else:
            sender = self._trader(action, nonce, vault, expires_ms, signature, now_ms)
        self._use(sender.signer, nonce, now_ms)
        if expires_ms is not None and now_ms > expires_ms:
            raise Rejected("Action already expired")
        return sender

    def _owner(self, action: Mapping[str, Any], nonce: int, signature: Signature) -> Sender:
        if action.get("nonce", action.get("time")) != nonce:
            raise Rejected("Invalid nonce: it differs from that of the action")
        try:
            digest = user_signed_digest(action)
        except (KeyError, ValueError, TypeError):
            raise Malformed from None
        signer = _recovered(digest, signature)
        name = self.names.get(signer)
        if name is None:
            raise Rejected(f"Must deposit before performing actions. User: {signer}")
        return Sender(name, signer, is_owner=True)

    def _trader(
        self,
        action: Mapping[str, Any],
        nonce: int,
        vault: str | None,
        expires_ms: int | None,
        signature: Signature,
        now_ms: int,
    ) -> Sender:
        try:
            raw = encode_action(normalised(action))
            vault_bytes = None if vault is None else bytes.fromhex(vault.lower().removeprefix("0x"))
            connection = connection_id(raw, nonce, vault_bytes, expires_ms)
        except (ValueError, OverflowError, TypeError):
            raise Malformed from None
        found = [_recovered(agent_digest(source, connection), signature) for source in self._hashes]
        signer = next((each for each in found if each in self.names or each in self._agents), "")
        agent = self._agents.get(signer)
        if not signer or (agent is not None and agent.valid_until_ms < now_ms):
            raise Rejected(f"User or API Wallet {signer or found[0]} does not exist.")
        master = signer if agent is None else agent.master
        if vault is None:
            return Sender(self.names[master], signer, is_owner=agent is None)
        if self.masters.get(vault.lower()) != master:
            raise Rejected(f"Vault not registered: {vault.lower()}")
        return Sender(self.names[vault.lower()], signer, is_owner=agent is None)

    def _use(self, signer: str, nonce: int, now_ms: int) -> None:
        used = self._nonces.setdefault(signer, [])
        if nonce in used:
            raise Rejected(f"Invalid nonce: duplicate nonce {nonce}")
        lowest = max(now_ms - 2 * _DAY_MS, used[0] if len(used) == _KEPT_NONCES else 0)
        if nonce <= lowest:
            raise Rejected(f"Invalid nonce: nonce too low {nonce} < {lowest}")
        if nonce > now_ms + _DAY_MS:
            raise Rejected(f"Invalid nonce: nonce too high {nonce} > {now_ms + _DAY_MS}")
        used.append(nonce)
        used.sort()
        del used[:-_KEPT_NONCES]


def _signature(told: Any) -> Signature:
    try:
        r, s, v = (told[name] for name in "rsv")
        # Some clients leave out zeros in front.
        return Signature(int(r, 16), int(s, 16), int(v))
    except (KeyError, TypeError, ValueError):
        raise Malformed from None


def _recovered(digest: bytes, signature: Signature) -> str:
    try:
        return recover_address(digest, signature)
    except Exception:  # the library has several words for it
        raise Rejected("Unable to recover signer.") from None
