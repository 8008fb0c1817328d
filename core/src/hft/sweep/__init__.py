"""Search for parameters of a profile: many backtests, each of the profile with other values in it."""
