"""Find and load plugins; only what is named is imported."""
