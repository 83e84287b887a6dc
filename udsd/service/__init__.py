"""What surrounds a daemon: the service manager, signals, pid files and locks, the background."""
