"""What is signed of actions that only the account's own key may sign: transfers and approvals; pure.

The client does none of them; the exchange has to know who signed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hft_hyperliquid.signing import Domain, keccak, typed_digest

__all__ = ["user_signed_digest"]

_CHAIN = "string hyperliquidChain"

_FIELDS = {
    "approveAgent": ("ApproveAgent", "address agentAddress,string agentName,uint64 nonce"),
    "approveBuilderFee": ("ApproveBuilderFee", "string maxFeeRate,address builder,uint64 nonce"),
    "sendAsset": (
        "SendAsset",
        "string destination,string sourceDex,string destinationDex,string token,string amount,"
        "string fromSubAccount,uint64 nonce",
    ),
    "spotSend": ("SpotSend", "string destination,string token,string amount,uint64 time"),
    "usdClassTransfer": ("UsdClassTransfer", "string amount,bool toPerp,uint64 nonce"),
    "usdSend": ("UsdSend", "string destination,string amount,uint64 time"),
    "withdraw3": ("Withdraw", "string destination,string amount,uint64 time"),
}
"""Name and fields, with their types, of each kind of action."""


def user_signed_digest(action: Mapping[str, Any]) -> bytes:
    """Return what is signed of an action; raise `ValueError` or `KeyError` for what is none of these."""
    name, listed = _FIELDS[action["type"]]
    fields = f"{_CHAIN},{listed}"
    values = []
    for field in fields.split(","):
        kind, _, key = field.partition(" ")
        # An agent without a name is signed as one whose name is empty.
        value = action.get(key, "") if key == "agentName" else action[key]
        values.append(_word(kind, value))
    domain = Domain("HyperliquidSignTransaction", int(action["signatureChainId"], 16))
    return typed_digest(domain, f"HyperliquidTransaction:{name}({fields})", values)


def _word(kind: str, value: Any) -> bytes:
    if kind == "string":
        return keccak(str(value).encode())
    if kind == "address":
        return bytes.fromhex(str(value).removeprefix("0x").zfill(64))
    return int(value).to_bytes(32, "big")
