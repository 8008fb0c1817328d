"""Where the exchange lives: products, environments, hosts and paths."""

from __future__ import annotations

import enum
from urllib.parse import urlsplit

import attrs

from hft import Instrument, InstrumentKind

__all__ = [
    "HOSTS",
    "PRIVATE_PATH",
    "PUBLIC_PATHS",
    "TRADE_PATH",
    "Hosts",
    "Product",
    "hosts_at",
    "product_of",
    "product_traded",
]


class Product(enum.Enum):
    """What is traded, by the exchange's word for it: its ``category``.

    Both list symbols of the same names; only the product tells them apart.
    """

    SPOT = "spot"
    LINEAR = "linear"
    """Contracts margined in USDT or USDC."""


@attrs.frozen(kw_only=True)
class Hosts:
    """Scheme and host of each kind of endpoint."""

    rest: str
    public: str
    """Of public websockets."""
    private: str
    trade: str | None
    """Of the websocket by which orders are entered; None where there is none."""


HOSTS = {
    "mainnet": Hosts(
        rest="https://api.bybit.com",
        public="wss://stream.bybit.com",
        private="wss://stream.bybit.com",
        trade="wss://stream.bybit.com",
    ),
    "testnet": Hosts(
        rest="https://api-testnet.bybit.com",
        public="wss://stream-testnet.bybit.com",
        private="wss://stream-testnet.bybit.com",
        trade="wss://stream-testnet.bybit.com",
    ),
    # Paper money at real prices: the public streams are those of the main network.
    "demo": Hosts(
        rest="https://api-demo.bybit.com",
        public="wss://stream.bybit.com",
        private="wss://stream-demo.bybit.com",
        trade=None,
    ),
}

PUBLIC_PATHS = {product: f"/v5/public/{product.value}" for product in Product}
PRIVATE_PATH = "/v5/private"
TRADE_PATH = "/v5/trade"


def hosts_at(environment: str, url: str | None) -> Hosts:
    """Return the hosts of an environment, all of them ``url`` where it is given."""
    if url is None:
        return HOSTS[environment]
    scheme, _, host = url.rstrip("/").partition("://")
    rest, ws = f"{scheme}://{host}", f"{'wss' if scheme == 'https' else 'ws'}://{host}"
    return Hosts(rest=rest, public=ws, private=ws, trade=ws)


def product_of(url: str) -> Product:
    """Tell a public websocket's product from its URL."""
    return Product.SPOT if urlsplit(url).path.rstrip("/").endswith("/spot") else Product.LINEAR


def product_traded(instrument: Instrument) -> Product:
    """Return where an instrument trades."""
    return Product.SPOT if instrument.kind is InstrumentKind.SPOT else Product.LINEAR
