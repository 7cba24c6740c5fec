#!/usr/bin/env python3
"""A device of the tests' own: JSON lines to a recorder's socket, each item noted once the socket has taken it.

    line_sender.py PORT RATE LOG        the pressure it tells is what standard input said last

Streams `state` (PRESSURE, and the item's own number as `value`) and `events` (a tick for every tenth). LOG gets a line
for each item: stream, number, CLOCK_MONOTONIC in ns at which it was sent. It connects again when it is cut off.
"""

import json
import socket
import sys
import threading
import time

pressure = 0.0


def listen():
    global pressure
    for line in sys.stdin:
        pressure = float(line)


def main():
    port, rate, path = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    threading.Thread(target=listen, daemon=True).start()
    hello = {"streams": [
        {"name": "state", "kind": "numeric", "device": "insufflator",
         "channels": [{"name": "PRESSURE", "unit": "mm[Hg]"}, {"name": "value", "unit": "1"}]},
        {"name": "events", "kind": "device", "device": "insufflator"}]}
    number = ticks = 0
    with open(path, "w", buffering=1) as log:
        while True:
            try:
                peer = socket.create_connection(("127.0.0.1", port))
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer.sendall(json.dumps(hello).encode() + b"\n")
                begin, sent = time.monotonic(), 0
                while True:
                    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
                    item = {"s": "state", "n": number, "t": now, "v": [pressure, number]}
                    peer.sendall(json.dumps(item).encode() + b"\n")
                    log.write(f"state {number} {now}\n")
                    if number % 10 == 0:
                        event = {"s": "events", "n": ticks, "t": now, "code": "tick", "number": ticks}
                        peer.sendall(json.dumps(event).encode() + b"\n")
                        log.write(f"events {ticks} {now}\n")
                        ticks += 1
                    number += 1
                    sent += 1
                    time.sleep(max(0, begin + sent / rate - time.monotonic()))
            except OSError:
                time.sleep(0.05)


if __name__ == "__main__":
    main()
