"""What the simulators of all exchanges share: the world that trades, and the server around it."""
