"""Programs that serve, as applications do, and log numbered records for each request: half of them with the handler.

They are loaded once and forked after they have logged, so all workers share the connections. A worker answers with its
pid. As a program it accepts connections on standard input: servers.py plain|uvloop WORKERS
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable

from tests.patience import SECONDS
from udsd.client import Client
from udsd.handler import Handler

_client = Client(timeout=SECONDS)
_log = logging.getLogger("server")
_log.setLevel(logging.INFO)
_log.addHandler(Handler(timeout=SECONDS))
_log.info("loaded")
_client.send("loaded")


def answer(path: str) -> bytes:
    """Log the records of the request `/FIRST-END`."""
    first, end = map(int, path[1:].split("-"))
    for number in range(first, end, 2):
        _log.info("record %d", number)
        _client.send(f"record {number + 1}")
    return b"%d" % os.getpid()


def app(environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """The same as a WSGI application."""
    body = answer(environ["PATH_INFO"])
    start_response("200 OK", [])
    return [body]


def _response(request: bytes) -> bytes:
    return b"HTTP/1.0 200 OK\r\n\r\n" + answer(request.split()[1].decode())


def plain(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(_response(connection.recv(4096)))


def uvloop(listener: socket.socket) -> None:
    import uvloop

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_response(await reader.readline()))
        writer.close()

    async def run() -> None:
        await (await asyncio.start_unix_server(serve, sock=listener)).serve_forever()

    uvloop.run(run())


def main(kind: str, workers: int) -> None:
    work = {"plain": plain, "uvloop": uvloop}[kind]
    listener = socket.socket(fileno=0)
    context = multiprocessing.get_context("fork")
    for _ in range(workers):
        context.Process(target=work, args=(listener,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
