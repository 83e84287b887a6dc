"""Upload one entry to a collector as systemd-journal-upload does: post_entry.py [CERTIFICATE KEY]; the status."""

import http.client
import ssl
import sys

context = ssl.create_default_context(cafile="/etc/fleet/ca.pem")
if len(sys.argv) > 1:
    context.load_cert_chain(sys.argv[1], sys.argv[2])
connection = http.client.HTTPSConnection("collector", 19532, context=context)
entry = b"__REALTIME_TIMESTAMP=1\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID=%032x\n_HOSTNAME=node-1\nMESSAGE=by hand\n\n" % 1
connection.request("POST", "/upload", entry, {"Content-Type": "application/vnd.fdo.journal"})
sys.stdout.write(f"{connection.getresponse().status}\n")
