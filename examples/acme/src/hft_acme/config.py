"""The keys of an Acme exchange in a profile."""

from __future__ import annotations

import attrs

from hft import Secret, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """Market data need no key."""

    key: Secret | None = option(None, doc="API key, for trading only")
    secret: Secret | None = option(None, doc="API secret, for trading only")
