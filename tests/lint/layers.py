"""Which folder may include what: the layers, the private folders and the home of each third-party library.

docs/architecture.md draws the same table. A folder that is not named here belongs to the longest prefix that is.
"""

import re

# Module: the modules whose headers it may include besides its own. Layer 0 is ordered within itself.
BASE = ["proto/base"]
TEXT = ["proto/base", "proto/text"]
SEAL = BASE + ["proto/seal"]
FRAME = SEAL + ["proto/frame", "proto/casebox"]
LOG = FRAME + ["proto/log"]
TRUST = FRAME + ["proto/trust"]
KEYRING = TRUST + ["proto/keyring", "proto/vocabulary"]
PROTO = sorted(set(LOG + KEYRING + TEXT) | {"proto/codec", "proto/producer", "proto/verify"})
STORAGE = PROTO + ["storage", "storage/verify", "storage/reader"]
MODULES = {
    "proto/casebox": [],
    "proto/base": [],
    "proto/text": BASE,
    "proto/vocabulary": [],
    "proto/seal": BASE,
    "proto/frame": FRAME,
    "proto/codec": BASE,
    "proto/log": FRAME,
    "proto/trust": FRAME,
    "proto/keyring": TRUST + ["proto/vocabulary"],
    "proto/producer": sorted(set(LOG + KEYRING + TEXT)),
    "proto/verify": sorted(set(LOG + TRUST)),
    "storage": PROTO,
    "storage/verify": PROTO + ["storage"],
    "storage/reader": PROTO + ["storage", "storage/verify"],
    "ingest/bus": PROTO,
    "ingest": STORAGE + ["ingest/bus"],
    "recorder": PROTO + ["ingest/bus"],
    "analytics": STORAGE + ["ingest/bus"],
    "tools": STORAGE + ["ingest", "ingest/bus", "recorder", "analytics"],
    # Tests and benchmarks stand outside the layers.
    "tests": STORAGE + ["ingest", "ingest/bus", "recorder", "analytics", "tools"],
}
# A module that is itself divided: an inner module is reached under the outer one's rules.
NESTED = {"recorder", "analytics", "tools", "tests"}

# The rooms of tools, each built on those before it.
TOOLS = ["cli", "config", "store", "query", "documents", "findings", "analyses", "report", "web", "room", "demo",
         "bench", "commands"]

# Third-party headers by prefix: the folders that may include them. Anything in angle brackets that is neither
# here nor in STANDARD is refused: a new library is added to this table first.
CORE_UP = ["proto/frame", "proto/trust", "proto/log", "proto/keyring", "proto/producer", "proto/verify", "storage", "ingest",
           "recorder", "analytics", "tools"]
THIRD_PARTY = {
    "librdkafka/": ["ingest/bus"],
    "rocksdb/": ["storage"],
    "libavcodec/": ["recorder", "analytics/vision"],
    "libavdevice/": ["recorder"],
    "libavformat/": ["recorder"],
    "libavutil/": ["recorder", "analytics/vision"],
    "libswscale/": ["recorder", "analytics/vision"],
    "opencv2/": ["analytics/vision"],
    "boost/asio": ["tools/web"],
    "boost/beast": ["tools/web"],
    "boost/math/": ["analytics"],
    "Eigen/": ["analytics", "recorder/clock"],
    "expat.h": ["analytics"],
    "pugixml.hpp": ["analytics"],
    "CLI/": ["tools"],
    "sqlite3.h": ["tools/query"],
    "yaml-cpp/": ["tools/config"],
    "prometheus/": ["tools"],
    "nlohmann/": ["tools", "recorder/sources"],
    "unicode/": ["proto/text"],
    "openssl/": ["proto/seal", "tools/web", "tools/verify"],
    "sodium.h": ["proto/seal", "tools/verify"],
    "isa-l/": ["proto/frame"],
    "zstd.h": ["proto/frame", "proto/codec"],
    "zlib.h": ["recorder/sources", "analytics", "tools/bench"],
    "google/protobuf/": CORE_UP,
    "fmt/": ["storage", "ingest", "recorder", "analytics", "tools"],
    "spdlog/": ["storage", "ingest", "recorder", "analytics", "tools"],
}
TEST_ONLY = ("gtest/", "gmock/", "rapidcheck", "benchmark/")
STANDARD = re.compile(
    r"^([a-z_]+|(assert|ctype|dirent|endian|errno|fcntl|glob|immintrin|limits|link|locale|malloc|math|netdb|poll|pthread|pwd|sched|"
    r"signal|spawn|stddef|stdint|stdio|stdlib|string|strings|termios|time|unistd|byteswap)\.h|"
    r"(sys|netinet|arpa|net|linux)/[a-z_]+\.h)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def module_of(path):
    """The module a path belongs to: the longest prefix in MODULES, or None."""
    parts = path.split("/")
    for n in range(len(parts), 0, -1):
        prefix = "/".join(parts[:n])
        if prefix in MODULES:
            return prefix
    return None


def _under(path, folder):
    return path == folder or path.startswith(folder + "/")


def _check_own(path, line, header):
    """A header in quotes: the layers and the private folders."""
    target = "proto/" + header if header.startswith("casebox/v1/") else header
    user, used = module_of(path), module_of(target)
    if used is None:
        return f"{path}:{line}: includes {header}, which is in no module; name headers from the project's root"
    if "/internal/" in target:
        owner = target.split("/internal/")[0]
        tests = f"tests/unit/{owner}"
        if not (_under(path, owner) or _under(path, tests) or path.startswith("tests/fuzz/")):
            return f"{path}:{line}: includes {header}, which is private to {owner}"
    if user == used == "tools":
        return _check_room(path, line, header)
    if user is None or user == used or used in MODULES[user]:
        return None
    return f"{path}:{line}: {user} includes {header}; it may use only {', '.join(MODULES[user]) or 'itself'}"


def _check_room(path, line, header):
    """A header of tools in a file of tools; main.cpp stands above all rooms."""
    user, used = (name.split("/")[1] for name in (path, header))
    if user == "main.cpp" or (used in TOOLS and user in TOOLS and TOOLS.index(used) <= TOOLS.index(user)):
        return None
    return f"{path}:{line}: tools/{user} includes {header}; rooms build on those before them: {', '.join(TOOLS)}"


def _check_foreign(path, line, header):
    """A header in angle brackets: the standard library, a test library, or a library with a home."""
    if STANDARD.match(header):
        return None
    if header.startswith(TEST_ONLY):
        return None if path.startswith("tests/") else f"{path}:{line}: includes <{header}> outside tests"
    for prefix, homes in THIRD_PARTY.items():
        if header.startswith(prefix):
            if path.startswith("tests/") or any(_under(path, home) for home in homes):
                return None
            return f"{path}:{line}: includes <{header}>; that library lives in {', '.join(homes)}"
    return f"{path}:{line}: includes <{header}>, a library not in tests/lint/layers.py"


def check(path, text):
    """Findings of one C++ file, as lines of text."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        own, foreign = match.groups()
        finding = _check_own(path, number, own) if own else _check_foreign(path, number, foreign)
        if finding:
            found.append(finding)
    if path.endswith(".h") and "#pragma once" not in text:
        found.append(f"{path}:1: a header without #pragma once")
    return found
