"""What any daemon needs: the service manager, signals, pid files and locks, going into the background."""
