"""How long the tests wait for what should happen at once, on a machine that has much else to do.

A wait ends with its event, so only a failure takes as long.
"""

SECONDS = 30.0  # for what a process does
BOOT_SECONDS = 120
MACHINE_SECONDS = 180  # for what a machine does under load
