"""kept_copies_test.py CASEBOX

Copies of the facts of closed cases, which questions to many are answered from: a copy that was changed, cut, taken
away or put back is not believed, a store that was changed behind them is not answered from them, and the audit trail
names every case that a question read.
"""

import pathlib
import shutil
import sys
import tempfile

import query_cases
from support import Casebox, expect

casebox = Casebox(sys.argv[1])
QUESTION = 'phase("Preparation").duration > 3min and vitals("HR").max > 0'


def built(work):
    store = ("--store", work / "store")
    for name, case in list(query_cases.hand_made().items())[:4]:
        files = query_cases.write(work, name, case)
        casebox.run("import", *files, "--case", name, "--procedure", case["procedure"], "--room", case["room"],
                    "--consent", "quality", *store)
    return store


def answer(store, question=QUESTION):
    document = casebox.json("query", question, *store)
    document.pop("seconds")
    return document


def named(store):
    """How often the trail names a case as read for an analysis."""
    records = casebox.json("keys", "audit", "--keys", store[1] / "keys")["audit"]
    return sum(len(r["cases"]) for r in records if r["purpose"] == "analysis" and r["allowed"])


def not_believed(store):
    print("== copies that were changed")
    packs = store[1] / "kept"
    before = answer(store)
    expect(before["matching_cases"] > 0 and before["scanned_cases"] == 4, f"{before}")
    expect(any(packs.glob("*.pack")), "no copies were made")
    read = named(store)
    expect(answer(store) == before, "a copy answers otherwise than its case")
    expect(named(store) == read + 4, "the trail does not name each case once")
    for at in (4, 12, 20, 40, 100, 130, 200, -20):
        for pack in packs.glob("*.pack"):
            changed = bytearray(pack.read_bytes())
            changed[at] ^= 0x55
            pack.write_bytes(changed)
        expect(answer(store) == before, f"byte {at} of the packs was changed")
    for pack in packs.glob("*.pack"):
        pack.write_bytes(pack.read_bytes()[:150])
    expect(answer(store) == before, "packs were cut")
    shutil.rmtree(packs)
    expect(answer(store) == before, "copies were taken away")


def changed_behind(store):
    print("== a store that was changed behind its copies")
    packs = store[1] / "kept"
    asked = 'consent("teaching")'
    expect(answer(store, asked)["rows"] == [], "teaching was never granted")
    old = {pack.name: pack.read_bytes() for pack in packs.glob("*.pack")}
    case = casebox.json("cases", *store)["cases"][0]["case_id"]

    def granted():
        return [row["case_id"] for row in answer(store, asked)["rows"]] == [case]

    casebox.json("consent", case, "--grant", "teaching", *store)
    expect(granted(), "answered from a copy of before the consent")
    for name, content in old.items():
        (packs / name).write_bytes(content)
    expect(granted(), "answered from a copy of before that was put back")


def without_its_key(store):
    print("== a case whose key was destroyed")
    whole = answer(store)
    for key in (store[1] / "keys" / "cases").glob("*.key"):
        key.unlink()
    blind = answer(store)
    expect(blind["matching_cases"] == 0 and blind["unknown_cases"] == whole["scanned_cases"], f"{blind}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        store = built(pathlib.Path(folder))
        not_believed(store)
        changed_behind(store)
        without_its_key(store)


main()
