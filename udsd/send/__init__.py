"""The command `udsd-send`."""
