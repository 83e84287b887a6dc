"""udsd: datagrams from a UNIX socket, written to the systemd journal."""

__version__ = "0.3.0"
