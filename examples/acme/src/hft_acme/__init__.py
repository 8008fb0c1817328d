"""The Acme exchange, a plugin for hft."""
