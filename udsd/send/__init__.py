"""The command `udsd-send`: words, lines of input, or what is typed at a prompt, each sent as a datagram.

`cli` is the start and the end. `pipeline` makes the datagrams, of what `options`, `source` and `encoding` tell it, and
sends them, by way of `reconnect` and with what `terminal` shows meanwhile.
"""
