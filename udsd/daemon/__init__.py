"""The daemon: command line (`cli`), start (`startup`), loop, the way of a datagram (`relay`), and end (`shutdown`)."""
