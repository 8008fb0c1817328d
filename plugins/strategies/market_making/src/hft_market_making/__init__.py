"""Market making, a plugin for hft."""
