"""The network: websocket connections that come back, paced requests, and back-off."""
