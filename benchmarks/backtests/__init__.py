"""Backtests beside hftbacktest: the same synthetic feed, the same quotes, the same models."""
