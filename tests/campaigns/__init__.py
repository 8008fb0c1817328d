"""Long proofs, each with a short form among the tests: kills, faults, and hours of load."""
