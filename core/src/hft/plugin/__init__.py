"""What a plugin implements: the hooks, the component interfaces, and how they are configured."""
