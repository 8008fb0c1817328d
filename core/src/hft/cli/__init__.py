"""The command ``hft``: each command is one module, with its arguments and what it does."""
