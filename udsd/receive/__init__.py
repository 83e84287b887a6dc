"""The sockets, passed by systemd (`activation`) or bound by udsd (`bound_socket`), and their queues (`receiver`)."""
