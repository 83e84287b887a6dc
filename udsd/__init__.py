"""udsd: datagrams from a UNIX socket, written to the systemd journal."""

__version__ = "0.2.0"
