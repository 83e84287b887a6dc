"""The daemon: its command line, how it starts, its loop, and how it ends."""
