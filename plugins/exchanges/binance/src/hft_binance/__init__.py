"""Binance spot and USD-M futures, a plugin for hft."""
