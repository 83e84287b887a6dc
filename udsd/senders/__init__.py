"""Who sent a datagram: what the kernel proves about a process, in tables of bounded size (`registry`)."""
