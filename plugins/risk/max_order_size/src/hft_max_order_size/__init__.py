"""Order size limit, a plugin for hft."""
