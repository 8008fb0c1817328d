"""Where the exchange lives: products, environments, hosts and paths."""

from __future__ import annotations

import enum
from urllib.parse import parse_qs, urlsplit

import attrs

__all__ = ["HOSTS", "WS_API_PATHS", "Hosts", "Product", "Route", "hosts_at", "product_of", "streams_of"]


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
    ws_api: dict[Product, str]
    """Of the websocket API, where orders are entered; with port, without path."""


HOSTS = {
    "mainnet": Hosts(
        rest={Product.SPOT: "https://api.binance.com", Product.USDM: "https://fapi.binance.com"},
        ws={Product.SPOT: "wss://stream.binance.com:9443", Product.USDM: "wss://fstream.binance.com"},
        ws_api={Product.SPOT: "wss://ws-api.binance.com:443", Product.USDM: "wss://ws-fapi.binance.com"},
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
        ws_api={
            Product.SPOT: "wss://ws-api.testnet.binance.vision",
            Product.USDM: "wss://testnet.binancefuture.com",
        },
    ),
    "demo": Hosts(
        rest={Product.SPOT: "https://demo-api.binance.com", Product.USDM: "https://demo-fapi.binance.com"},
        ws={Product.SPOT: "wss://demo-stream.binance.com", Product.USDM: "wss://demo-fstream.binance.com"},
        # Futures' test network is the demo environment under its older name.
        ws_api={
            Product.SPOT: "wss://demo-ws-api.binance.com",
            Product.USDM: "wss://testnet.binancefuture.com",
        },
    ),
}


def hosts_at(environment: str, url: str | None) -> Hosts:
    """Return the hosts of an environment, all of them ``url`` where it is given."""
    if url is None:
        return HOSTS[environment]
    scheme, _, host = url.rstrip("/").partition("://")
    rest, ws = f"{scheme}://{host}", f"{'wss' if scheme == 'https' else 'ws'}://{host}"
    return Hosts(
        rest=dict.fromkeys(Product, rest), ws=dict.fromkeys(Product, ws), ws_api=dict.fromkeys(Product, ws)
    )


WS_API_PATHS = {Product.SPOT: "/ws-api/v3", Product.USDM: "/ws-fapi/v1"}


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
