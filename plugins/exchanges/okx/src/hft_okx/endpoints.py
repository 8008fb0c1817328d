"""Where the exchange lives: environments, hosts and paths."""

from __future__ import annotations

import enum

import attrs

__all__ = ["DEMO_HEADERS", "HOSTS", "PRIVATE_PATH", "Hosts", "Route", "headers_of", "hosts_at"]


class Route(enum.Enum):
    """The paths of websockets that carry market data; each takes channels of its own."""

    PUBLIC = "/ws/v5/public"
    BUSINESS = "/ws/v5/business"


PRIVATE_PATH = "/ws/v5/private"


@attrs.frozen(kw_only=True)
class Hosts:
    """Scheme and host of both kinds of endpoint, with port."""

    rest: str
    ws: str


HOSTS = {
    "mainnet": Hosts(rest="https://openapi.okx.com", ws="wss://ws.okx.com:8443"),
    "demo": Hosts(rest="https://openapi.okx.com", ws="wss://wspap.okx.com:8443"),
    "us": Hosts(rest="https://us.okx.com", ws="wss://wsus.okx.com:8443"),
    "eea": Hosts(rest="https://eea.okx.com", ws="wss://wseea.okx.com:8443"),
}
"""``us`` and ``eea`` are the exchange's regional companies, whose keys work nowhere else."""

DEMO_HEADERS = {"x-simulated-trading": "1"}
"""Demo trading lives on the hosts of the real one, and is told apart by this."""


def hosts_at(environment: str, url: str | None) -> Hosts:
    """Return the hosts of an environment, both of them ``url`` where it is given."""
    if url is None:
        return HOSTS[environment]
    scheme, _, host = url.rstrip("/").partition("://")
    return Hosts(rest=f"{scheme}://{host}", ws=f"{'wss' if scheme == 'https' else 'ws'}://{host}")


def headers_of(environment: str) -> dict[str, str]:
    """Return what every request of an environment carries besides."""
    return dict(DEMO_HEADERS) if environment == "demo" else {}
