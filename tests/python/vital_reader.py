"""vital_reader.py FILE: what the vitaldb package reads out of a .vital file, as JSON by track name.

Of waves and numerics: how many samples, and SHA-256 over them as little-endian integers or floats as the file
holds them. Of texts: the list. Run it with tests/.venv (tests/python/setup).
"""

import hashlib
import json
import sys

import numpy
import vitaldb

FLOATS = {1: "<f4", 2: "<f8"}  # the format codes of real samples


def values_of(track):
    """All samples of a track in order of time, as the bytes that are hashed."""
    records = sorted(track.recs, key=lambda record: record["dt"])
    values = numpy.concatenate([numpy.atleast_1d(numpy.asarray(record["val"])) for record in records])
    if track.fmt in FLOATS:
        return values.astype(FLOATS[track.fmt]), "real"
    values = values.astype("<i8")
    wide = len(values) > 0 and numpy.abs(values).max() > 0x7fffffff
    return values if wide else values.astype("<i4"), "int"


def main():
    file = vitaldb.VitalFile(sys.argv[1])
    out = []
    for track in file.trks.values():
        if not track.recs:
            continue
        if track.type == 5:
            texts = [record["val"] for record in sorted(track.recs, key=lambda record: record["dt"])]
            out.append({"track": track.name, "device": track.dname, "texts": texts})
            continue
        values, kind = values_of(track)
        out.append({"track": track.name, "device": track.dname, "wave": track.type == 1, "kind": kind,
                    "count": len(values), "digest": hashlib.sha256(values.tobytes()).hexdigest()})
    print(json.dumps(out))


if __name__ == "__main__":
    main()
