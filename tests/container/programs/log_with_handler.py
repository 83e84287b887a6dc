"""Log numbered records from eight threads through udsd's handler until SIGTERM: log_with_handler.py

Prints how many each thread has logged, and how many the handler has dropped. An exception ends it, loudly.
"""

import json
import logging
import signal
import sys
import threading

from udsd.handler import Handler

told = threading.Event()
signal.signal(signal.SIGTERM, lambda _number, _frame: told.set())

handler = Handler(timeout=30, identifier="my app")
log = logging.getLogger("app.part")
log.setLevel(logging.DEBUG)
log.addHandler(handler)
logged = dict.fromkeys(range(8), 0)


def work(worker: int) -> None:
    while not told.wait(0.001):
        number = logged[worker]
        log.log(10 * (number % 5 + 1), "record %d", number, extra={"worker": worker, "number": number})
        logged[worker] += 1


threads = [threading.Thread(target=work, args=(worker,), name=f"worker {worker}") for worker in logged]
for thread in threads:
    thread.start()
told.wait()
for thread in threads:
    thread.join()
sys.stdout.write(json.dumps({"logged": list(logged.values()), "dropped": handler.dropped}))
