"""Who sent a datagram: what the kernel proves of a process."""
