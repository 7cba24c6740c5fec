#!/usr/bin/env python3
"""A camera of the tests' own: H.264 pictures in FLV over TCP, each noted once the socket has taken it.

    picture_sender.py PORT RATE LOG [DIES_AFTER_PICTURES]

Serves one connection after the other, each from a key picture on. LOG gets a line for each picture: its number and
CLOCK_MONOTONIC in ns at which it was sent.
"""

import socket
import struct
import sys
import time

WIDTH, HEIGHT = 128, 96
SPS, PPS = bytes.fromhex("6742000af841a2"), bytes.fromhex("68ce3880")


def picture(number):
    """One key picture of uncompressed macroblocks, so that nothing but this file is needed to make it."""
    blocks = b"".join((b"" if i == 0 else b"\x0d\x00") + bytes([16 + number % 200]) * 384
                      for i in range(WIDTH * HEIGHT // 256))
    return bytes.fromhex("65888421a0") + b"\x0d\x00" + blocks + b"\x80"


def tag(ms, body):
    return (struct.pack(">B", 9) + struct.pack(">I", len(body))[1:] + struct.pack(">I", ms & 0xFFFFFF)[1:]
            + struct.pack(">B", ms >> 24 & 0xFF) + b"\0\0\0" + body + struct.pack(">I", len(body) + 11))


def header():
    config = (b"\x01" + SPS[1:4] + b"\xff\xe1" + struct.pack(">H", len(SPS)) + SPS + b"\x01"
              + struct.pack(">H", len(PPS)) + PPS)
    return b"FLV\x01\x01" + struct.pack(">I", 9) + b"\0\0\0\0" + tag(0, b"\x17\x00\0\0\0" + config)


def main():
    port, rate, path = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    dies_after = int(sys.argv[4]) if len(sys.argv) > 4 else None
    server = socket.create_server(("127.0.0.1", port))
    number = 0
    with open(path, "w", buffering=1) as log:
        while True:
            peer, _ = server.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin = time.monotonic()
            sent = 0
            try:
                peer.sendall(header())
                while True:
                    unit = picture(number)
                    peer.sendall(tag(round(sent * 1000 / rate), b"\x17\x01\0\0\0" + struct.pack(">I", len(unit)) + unit))
                    log.write(f"{number} {time.clock_gettime_ns(time.CLOCK_MONOTONIC)}\n")
                    number += 1
                    sent += 1
                    if dies_after is not None and number >= dies_after:
                        return
                    time.sleep(max(0, begin + sent / rate - time.monotonic()))
            except OSError:
                peer.close()


if __name__ == "__main__":
    main()
