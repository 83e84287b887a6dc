"""The daemon: command line (`cli`), `startup`, `loop`, the path of a datagram (`relay`), and `shutdown`."""
