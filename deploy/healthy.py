"""Whether the process in this container can do its work: its /readyz answers 200. For the container's health check.

Run as `python -I -S`, and on a bare socket, because a dozen containers ask every few seconds.
"""

import os
import socket
import sys

port = os.environ.get("HTTP_ADDRESS", "127.0.0.1:8000").rpartition(":")[2]
path = sys.argv[1] if len(sys.argv) > 1 else "/readyz"
try:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=4) as connection:
        connection.settimeout(4)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = connection.recv(4096)
except OSError as error:
    sys.exit(str(error))
sys.exit(0 if b" 200 " in answer.split(b"\r\n", 1)[0] else answer.decode(errors="replace"))
