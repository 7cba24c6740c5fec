"""Sends records of any content to a Kafka broker: what no honest client would send, too.

Kafka's Produce request, version 3, with record batches of format 2; one node, no compression.
"""

import socket
import struct
import time

import crc32c


NOT_YET = (3, 5, 6)  # a topic that was just made has no leader at first


def varint(value):
    """Zigzag, as record fields are."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def nullable(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(at, key, value, headers):
    body = b"\0" + varint(0) + varint(at) + nullable(key) + nullable(value) + varint(len(headers))
    for name, content in headers:
        body += varint(len(name)) + name.encode() + nullable(content)
    return varint(len(body)) + body


def batch(records):
    """`records`: (key, value, headers)."""
    now = int(time.time() * 1000)
    body = struct.pack(">hiqqqhii", 0, len(records) - 1, now, now, -1, -1, -1, len(records))
    body += b"".join(record(at, *one) for at, one in enumerate(records))
    behind = struct.pack(">ibI", -1, 2, crc32c.crc32c(body)) + body
    return struct.pack(">qi", 0, len(behind)) + behind


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


class Producer:
    """One connection to the only node of a cluster."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.sent = 0

    def close(self):
        self.socket.close()

    def receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the broker closed the connection")
            data += more
        return data

    def send(self, topic, partition, records):
        """Offset of the first record; they follow each other."""
        records, deadline = batch(records), time.monotonic() + 20
        while True:
            error, offset = self.request(topic, partition, records)
            if error == 0:
                return offset
            if error not in NOT_YET or time.monotonic() > deadline:
                raise ConnectionError(f"{topic}/{partition}: the broker refuses a batch with code {error}")
            time.sleep(0.1)

    def ask(self, api, version, body):
        self.sent += 1
        request = struct.pack(">hhi", api, version, self.sent) + text("test") + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        return self.receive(struct.unpack(">i", self.receive(4))[0])

    def delete_topic(self, topic):
        answer = self.ask(20, 1, struct.pack(">i", 1) + text(topic) + struct.pack(">i", 30_000))
        error, = struct.unpack_from(">h", answer, 4 + 4 + 4 + 2 + len(topic))
        if error != 0:
            raise ConnectionError(f"{topic}: the broker does not delete it, code {error}")

    def delete_before(self, topic, partition, offset):
        """What retention does, at once."""
        answer = self.ask(21, 0, struct.pack(">i", 1) + text(topic) + struct.pack(">iiq", 1, partition, offset)
                          + struct.pack(">i", 30_000))
        _, first, error = struct.unpack_from(">iqh", answer, 4 + 4 + 4 + 2 + len(topic) + 4)
        if error != 0 or first != offset:
            raise ConnectionError(f"{topic}/{partition}: begins at {first}, code {error}")

    def request(self, topic, partition, records):
        """(error, offset of the first record)"""
        body = struct.pack(">hhi", -1, 1, 30_000) + struct.pack(">i", 1) + text(topic)
        body += struct.pack(">ii", 1, partition) + struct.pack(">i", len(records)) + records
        answer = self.ask(0, 3, body)
        # Correlation id, one topic with its name, one partition.
        at = 4 + 4 + 2 + len(topic) + 4
        number, error, offset = struct.unpack_from(">ihq", answer, at)
        if number != partition:
            raise ConnectionError(f"{topic}/{partition}: the answer is about partition {number}")
        return error, offset
