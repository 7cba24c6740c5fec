"""Random single-byte flips: on a log, on a compacted store, on a store that is still in its write-ahead log.

Accepted is a flip under a good verdict. Then a frame, a finding or a case must not differ, by our own reader's word
for a log and by what the program shows for a store.
"""

import random

import log_files
import outputs
import registry
import verify_log
from registry import attack

NONE = frozenset({"none accepted"})
SHORT, LONG = 40, 400


def frames_of(folder):
    """What a log holds, as our own reader reads it."""
    log = log_files.Log(folder)
    return [item.frame.pack() for item in log.items() if item.frame is not None]


class Runner:
    def __init__(self, honest, long):
        self.honest, self.count = honest, LONG if long else SHORT

    def verify(self, folder):
        done = self.honest.program.run("verify", folder, "--json", *self.honest.trust)
        if done.returncode not in (0, 1, 2, 3):
            return f"exit code {done.returncode}"
        return "good" if done.returncode == 0 else "noticed"

    def must_be_good(self, folder):
        if self.verify(folder) != "good":
            raise RuntimeError(f"{folder.name} is not good before anything is flipped")

    def judge(self, attack_):
        noticed, silent, wrong = attack_.run(self)
        got = "none accepted" if not wrong else "; ".join(wrong[:4])
        return got in attack_.expected, f"{got} ({noticed} of {noticed + silent} noticed, the others changed nothing)"

    def flip(self, chance, files):
        """Flips a bit; returns what puts it back, and where it was."""
        path = chance.choices(files, [f.stat().st_size for f in files])[0]
        at = chance.randrange(path.stat().st_size)

        def write(byte):
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(byte)
        with open(path, "rb") as file:
            file.seek(at)
            before = file.read(1)
        write(bytes([before[0] ^ 1 << chance.randrange(8)]))
        return (lambda: write(before)), f"{path.name} byte {at}"

    def log(self):
        chance = random.Random(self.count)
        folder = self.honest.log.clone().split(0.4, 0.7).save(self.honest.scratch("flips-log"))
        whole = frames_of(folder)
        self.must_be_good(folder)
        files = sorted(folder.glob("*.cblog")) + [folder / "durable"]
        noticed, silent, wrong = 0, 0, []
        for _ in range(self.count):
            undo, where = self.flip(chance, files)
            said = self.verify(folder)
            own = verify_log.verdict_of(folder, [self.honest.key])[0]
            if said == "good":
                silent += 1
                if frames_of(folder) != whole:
                    wrong.append(f"{where}: accepted, and frames differ")
            elif said == "noticed":
                noticed += 1
            else:
                wrong.append(f"{where}: {said}")
            if (own in registry.GOOD) != (said == "good"):
                wrong.append(f"{where}: the independent verifier says {own}")
            undo()
        return noticed, silent, wrong

    def store(self, compacted):
        import store_copy
        chance = random.Random(self.count + compacted)
        noticed, silent, wrong = 0, 0, []
        copy = store_copy.StoreCopy(self.honest, self.honest.scratch(f"flips-store-{int(compacted)}"))
        if compacted:
            with copy.rows() as rows:
                rows.db.compact()
        show = lambda path: outputs.Shown(self.honest.program, path, self.honest.keys, self.honest.case_names,
                                          page=False)
        self.must_be_good(copy.path)
        master, truth = copy.path, show(copy.path)
        for number in range(self.count):
            # A program that opens the store for reading writes nothing; a copy guards against one that does.
            copy = store_copy.StoreCopy(self.honest, self.honest.scratch(f"flip-{int(compacted)}"), master)
            files = [f for f in sorted((copy.path / "shards").rglob("*")) if f.is_file() and f.stat().st_size > 0 and
                     not f.name.startswith(("LOG", "OPTIONS", "IDENTITY", "rocksdict"))]
            _, where = self.flip(chance, files)
            said = self.verify(copy.path)
            if said not in ("good", "noticed"):
                wrong.append(f"{where}: {said}")
                continue
            noticed, silent = noticed + (said == "noticed"), silent + (said == "good")
            lies = []
            if said == "good" or number % 4 == 0:
                lies = show(copy.path).lies(truth)
            if lies:
                wrong.append(f"{where}: {said}, and {lies[0]}")
        return noticed, silent, wrong


@attack("flips", "log", NONE)
def flips_log(runner):
    return runner.log()


@attack("flips", "store-compacted", NONE)
def flips_compacted(runner):
    return runner.store(True)


@attack("flips", "store-in-its-write-ahead-log", NONE)
def flips_wal(runner):
    return runner.store(False)
