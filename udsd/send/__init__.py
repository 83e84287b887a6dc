"""The command `udsd-send`: words, lines of input, or lines typed at a prompt, each sent as a datagram.

`cli` is the entry point. `pipeline` prepares the work from `options` and `source`. `work` sends the messages, with
`encoding` and `reconnect`, and reports with `terminal` and `failures`.
"""
