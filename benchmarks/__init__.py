"""What hft costs, side by side with what its users would take instead; ``python -m benchmarks``."""
