"""Journal entries: how they are encoded, and how they reach a sink, which is journald or the console."""
