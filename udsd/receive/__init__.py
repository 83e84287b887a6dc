"""The sockets: passed by systemd or bound here, and the datagrams at the front of their queues."""
