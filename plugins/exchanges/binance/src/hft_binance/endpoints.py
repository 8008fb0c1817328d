"""Where the exchange lives: products, environments, hosts and paths."""

from __future__ import annotations

import enum
from urllib.parse import parse_qs, urlsplit

import attrs

__all__ = ["HOSTS", "Hosts", "Product", "Route", "hosts_at", "product_of", "streams_of"]


class Product(enum.Enum):
    """What is traded: two exchanges behind one name."""

    SPOT = "spot"
    USDM = "usdm"
    """Futures margined in USDT, USDC and the like."""


class Route(enum.Enum):
    """The paths of websockets that carry market data; futures split theirs in March 2026."""

    SPOT = "/stream"
    PUBLIC = "/public/stream"
    MARKET = "/market/stream"


@attrs.frozen(kw_only=True)
class Hosts:
    """Scheme and host of each kind of endpoint."""

    rest: dict[Product, str]
    ws: dict[Product, str]


HOSTS = {
    "mainnet": Hosts(
        rest={Product.SPOT: "https://api.binance.com", Product.USDM: "https://fapi.binance.com"},
        ws={Product.SPOT: "wss://stream.binance.com:9443", Product.USDM: "wss://fstream.binance.com"},
    ),
    "testnet": Hosts(
        rest={
            Product.SPOT: "https://testnet.binance.vision",
            Product.USDM: "https://testnet.binancefuture.com",
        },
        ws={
            Product.SPOT: "wss://stream.testnet.binance.vision",
            Product.USDM: "wss://fstream.binancefuture.com",
        },
    ),
    "demo": Hosts(
        rest={Product.SPOT: "https://demo-api.binance.com", Product.USDM: "https://demo-fapi.binance.com"},
        ws={Product.SPOT: "wss://demo-stream.binance.com", Product.USDM: "wss://demo-fstream.binance.com"},
    ),
}


def hosts_at(environment: str, url: str | None) -> Hosts:
    """Return the hosts of an environment, all of them ``url`` where it is given."""
    if url is None:
        return HOSTS[environment]
    scheme, _, host = url.rstrip("/").partition("://")
    rest, ws = f"{scheme}://{host}", f"{'wss' if scheme == 'https' else 'ws'}://{host}"
    return Hosts(rest=dict.fromkeys(Product, rest), ws=dict.fromkeys(Product, ws))


def product_of(url: str) -> Product:
    """Tell a websocket's or request's product from its URL, also by the futures paths of before 2026."""
    parts = urlsplit(url)
    futures_path = parts.path.startswith(("/fapi/", "/public/", "/market/", "/private/"))
    host = parts.hostname or ""
    return Product.USDM if futures_path or "fstream" in host else Product.SPOT


def streams_of(url: str) -> frozenset[str]:
    """Return the streams that a websocket's URL subscribes to by itself."""
    parts = urlsplit(url)
    names = parse_qs(parts.query).get("streams", [""])[0]
    names = names or parts.path.partition("/ws/")[2]
    return frozenset(name for name in names.split("/") if name)
