"""Plugins with one defect each, and the card that is there to find it."""
