"""An entry, and the ways to where it is stored: journald, or the console."""
