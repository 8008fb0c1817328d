"""Position limit, a plugin for hft."""
