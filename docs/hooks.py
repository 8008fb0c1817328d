"""Hooks of the documentation's build."""

from __future__ import annotations

from typing import Any

__all__ = ["on_page_content"]


def on_page_content(html: str, **_: Any) -> str:
    """Take away the ``::`` in front of examples: docstrings have it for editors, Markdown would print it."""
    return html.replace("<p>::</p>\n", "").replace("::</p>", ":</p>")
