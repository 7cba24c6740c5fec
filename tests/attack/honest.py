"""The honest material that attacks start from: made once for a run, by the program or by our own writer."""

import functools
import pathlib
import shutil
import struct
import subprocess
import uuid

import nacl.signing

import casebox_format as cb
import log_files
import wire


class Program:
    """The program under attack."""

    def __init__(self, path):
        self.path = str(path)
        if not pathlib.Path(path).is_file():
            raise SystemExit(f"{path}: no such program; build casebox first")

    def run(self, *args, timeout=600):
        return subprocess.run([self.path, *map(str, args)], capture_output=True, timeout=timeout)

    def must(self, *args):
        done = self.run(*args)
        if done.returncode:
            raise RuntimeError(f"casebox {' '.join(map(str, args))}: exit code {done.returncode}\n"
                               f"{done.stderr.decode(errors='replace')[-2000:]}")
        return done


def own_case(seed, key, producer=None, case=None, steps=12):
    """A case of our own writer: a wave, numerics, events, gaps, clocks, beats, a close."""
    epoch = cb.Epoch(case=case, producer=producer, key=key, software=f"our own writer {seed}")
    epoch.stream(1, "monitor.waves", "WAVE", stream_class=1, device="patient-monitor", clock_id=1,
                 tick_rate_hz={"num": 250, "den": 1}, source_time_unit="us",
                 channels=[{"id": 1, "name": "ecg", "unit": "mV", "type": 1, "gain": 0.005, "samples_per_tick": 1},
                           {"id": 2, "name": "art", "unit": "mm[Hg]", "type": 1, "gain": 0.1, "samples_per_tick": 1}])
    epoch.stream(2, "monitor.numerics", "NUMERIC", stream_class=1, device="patient-monitor", clock_id=1,
                 channels=[{"id": 1, "name": "hr", "unit": "/min", "type": 3, "samples_per_tick": 1}])
    epoch.stream(3, "room.events", "ROOM", clock_id=2)
    epoch.stream(4, "monitor.alarms", "ALARM", clock_id=1)
    for step in range(steps):
        epoch.t = step * 500_000_000
        wave = b"\x01" + wire.varint(125) + wire.varint(wire.zigzag(70 + seed + step))
        chunk = wire.encode("SampleChunk", {"channels": [{"channel_id": 1, "coded": wave},
                                                         {"channel_id": 2, "coded": wave}]})
        epoch.add(cb.Frame(cb.DATA, cb.SEALED, 1, t=epoch.t, count=125, duration_us=500_000, u95_us=1000, body=chunk,
                           t_capture=epoch.t + 5000))
        rate = b"\x10\x01" + struct.pack("<d", 71.0 + step)
        epoch.add(cb.Frame(cb.DATA, cb.SEALED, 2, t=epoch.t, count=1, u95_us=1000, t_capture=epoch.t + 6000,
                           body=wire.encode("SampleChunk", {"channels": [{"channel_id": 1, "coded": rate}]})))
        epoch.events(3, {"device": {"code": "door", "on": bool(step % 2)}}, {"device": {"code": "people", "number": 4}})
        epoch.events(4, {"alarm": {"kind": 1, "priority": 2, "code": f"hr-{seed}", "active": True}})
        if step in (4, 8):
            epoch.gap(1, 50 + step, t_begin_ns=epoch.t, t_end_ns=epoch.t + 200_000_000)
        epoch.control(cb.CLOCK, {"mono_ns": epoch.t + 7, "utc_ns": 1_700_000_000_000_000_000 + epoch.t,
                                 "utc_u95_ns": 5_000_000})
        epoch.beat()
    epoch.close()
    return epoch


class Honest:
    """Two cases of one recorder, and a stranger's key."""

    def __init__(self, work, program, recorded):
        self.work, self.program, self.recorded = pathlib.Path(work), program, recorded
        self.stranger = nacl.signing.SigningKey(b"\x5a" * 32)
        if recorded:
            self.folder = self.simulate("a", 11, "--faults", "dropout-known,loss")
            self.other_folder = self.simulate("b", 12, keys=self.folder / "keys")
            self.log = log_files.Log(self.folder / "spool")
            self.other = log_files.Log(self.other_folder / "spool")
        else:
            key, producer = nacl.signing.SigningKey(b"\x11" * 32), b"\x22" * 16
            self.log = log_files.Log.of(own_case(1, key, producer))
            self.other = log_files.Log.of(own_case(2, key, producer))
        self.key = self.log.opening()[3]["signing_key"]

    def simulate(self, name, seed, *options, keys=None, video=False):
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        self.program.must("simulate", "--seed", seed, "--duration-scale", "0.01", "--fast", "--out", folder,
                          *([] if video else ["--no-video"]), *options)
        if keys is not None:
            config = folder / "recorder.yaml"
            config.write_text(config.read_text().replace(str(folder / "keys"), str(keys)))
        self.program.must("record", "--config", folder / "recorder.yaml", "--seconds", 45)
        return folder

    # The store: the two cases, the findings of an analysis of the first, a change of its consent.

    @functools.cached_property
    def keys(self):
        return self.folder / "keys"

    @functools.cached_property
    def trust(self):
        """How a reader without the keystore is told whom to trust."""
        helped = self.program.run("verify", "--help")
        if b"--trust" not in helped.stdout + helped.stderr:
            return []
        return ["--trust", self.keys / "trust.list"]

    def ingest(self, store, *spools):
        self.program.must("ingest", "--store", store, "--keys", self.keys, "--until-idle", "0.2",
                          *(part for spool in spools for part in ("--logs", spool)))

    @property
    def cases(self):
        """The ids of the store's cases: the one that attacks change, and the other."""
        return self._cases if self.store else []

    @property
    def case_names(self):
        return [self.case_text(c) for c in self.cases]

    @functools.cached_property
    def store(self):
        folder = self.simulate("filmed", 13, "--faults", "dropout-known,loss", video=True, keys=self.keys)
        store, before = self.work / "store", self.work / "store-before"
        shutil.rmtree(store, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)
        self.ingest(store, folder / "spool")
        case = log_files.Log(folder / "spool").files[0].header["case_id"]
        self.quarantine(store, case)
        self.program.must("analyze", "--store", store, "--keys", self.keys)
        self.program.must("consent", case.hex(), "--grant", "teaching", "--store", store, "--keys", self.keys)
        shutil.rmtree(self.early_store(), ignore_errors=True)
        shutil.copytree(store, self.early_store())
        self.program.must("consent", case.hex(), "--grant", "research", "--store", store, "--keys", self.keys)
        shutil.copytree(store, before)
        second = self.simulate("filmed-too", 14, video=True, keys=self.keys)
        self.ingest(store, second / "spool")
        self.program.must("analyze", "timing", "--write", "--store", store, "--keys", self.keys)
        self._cases = [case, log_files.Log(second / "spool").files[0].header["case_id"]]
        return store

    def early_store(self):
        """The store before the newest change of consent."""
        return self.work / "store-early"

    def quarantine(self, store, case):
        """Something for the quarantine: a stranger's epoch in the name of the case."""
        epoch = own_case(3, self.stranger, case=case)
        self.program.run("ingest", "--store", store, "--keys", self.keys, "--until-idle", "0.2",
                         "--logs", log_files.Log.of(epoch).save(self.work / "stranger" / "spool"))

    @staticmethod
    def case_text(case):
        return str(uuid.UUID(bytes=case))

    @property
    def store_before(self):
        return self.work / "store-before"

    @functools.cached_property
    def in_three(self):
        return self.log.clone().split(0.3, 0.6)

    def start(self, files):
        return (self.in_three if files == 3 else self.log).clone()

    def scratch(self, name):
        folder = self.work / "scratch" / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder
