"""Where the exchange lives: environments, hosts and paths, and the letter that each network signs with."""

from __future__ import annotations

import attrs

__all__ = ["NETWORKS", "Network", "network_at"]


@attrs.frozen(kw_only=True)
class Network:
    """One network: the addresses of its endpoints, and ``source``, by which signatures name it."""

    info: str
    exchange: str
    ws: str
    source: str

    @classmethod
    def of(cls, base: str, source: str) -> Network:
        """Return the network whose endpoints have ``base`` in front of their paths."""
        scheme, _, host = base.rstrip("/").partition("://")
        ws = "wss" if scheme == "https" else "ws"
        return cls(
            info=f"{scheme}://{host}/info",
            exchange=f"{scheme}://{host}/exchange",
            ws=f"{ws}://{host}/ws",
            source=source,
        )


NETWORKS = {
    "mainnet": Network.of("https://api.hyperliquid.xyz", "a"),
    "testnet": Network.of("https://api.hyperliquid-testnet.xyz", "b"),
}


def network_at(environment: str, url: str | None) -> Network:
    """Return the network of an environment, with everything at ``url`` where that is given.

    Whatever is not the test network is signed as the main network is.
    """
    known = NETWORKS.get(environment, NETWORKS["mainnet"])
    return known if url is None else Network.of(url, known.source)
