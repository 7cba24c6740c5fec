"""access_matrix_test.py CASEBOX

Who may see what: every cell of role, purpose, consent, class, level and hold as this page has it, against what the
program decides. The rules stand here once more, in other words and another order than in the program.
"""

import itertools
import sys

from support import Casebox, expect

casebox = Casebox(sys.argv[1])

ROLES = ["owner", "committee-reviewer", "surgeon-self", "educator", "researcher", "staff", "patient-liaison", "patient",
         "counsel", "break-glass", "privacy-officer", "auditor", "admin", "machine"]
PURPOSES = ["", "HQUALIMP", "PATSFTY", "TRAIN", "HRESCH", "HLEGAL", "PATRQT", "PATADMIN", "HSYSADMIN", "BTG", "INDEX",
            "ANALYSIS"]
CLASSES = ["intra-body-video", "room-video", "audio", "vitals-devices", "events", "twin", "team-marks", "identity",
           "findings", "committee", "accounting"]
LEVELS = ["raw", "redacted", "facts", "aggregate", "accounting"]
HOLDS = ["none", "legal-hold", "restriction", "wrong-patient"]
SCOPES = ["record", "quality", "teaching", "research", "patient-briefing", "litigation", "staff-record"]

VIDEO = {"intra-body-video", "room-video"}
MEASURED = {"vitals-devices", "events", "twin", "team-marks", "findings"}
PICTURES_AND_SOUND = VIDEO | {"audio"}


class Consent:
    def __init__(self, granted=(), withdrawn=(), stated=True):
        self.granted, self.withdrawn, self.stated = set(granted), set(withdrawn), stated

    def covers(self, role, scopes):
        """Whether a reading that rests on these scopes has them. Taking back the recording takes back all."""
        if not scopes:
            return True
        if "record" in self.withdrawn or set(scopes) & self.withdrawn:
            return False
        there = set(self.granted)
        if role == "owner":  # the law of the house, but for the briefing
            there |= set(SCOPES) - {"patient-briefing"}
        return set(scopes) <= there


def consents():
    yield Consent(stated=False)
    for one in SCOPES:
        yield Consent([one])
    yield Consent(SCOPES)
    for one in SCOPES:
        yield Consent([s for s in SCOPES if s != one], [one])
    yield Consent([], SCOPES)


def free(hold):
    return hold in ("none", "legal-hold")


def owner(purpose, consent, what, level, hold):
    if what == "accounting" or level == "accounting":
        return what == level and purpose in ("", "HSYSADMIN")
    rests_on = {"": ["record", "quality"], "HQUALIMP": ["record", "quality"], "PATSFTY": ["record", "quality"],
                "TRAIN": ["record", "teaching"], "HRESCH": ["record", "research"], "HLEGAL": ["record", "litigation"],
                "PATRQT": ["record"], "PATADMIN": ["record", "patient-briefing"]}
    if purpose not in rests_on or hold == "wrong-patient" or (hold == "restriction" and purpose != "HLEGAL"):
        return False
    return consent.covers("owner", rests_on[purpose])


def committee_reviewer(purpose, consent, what, level, hold):
    if purpose not in ("HQUALIMP", "PATSFTY") or not free(hold) or not consent.covers("", ["quality"]):
        return False
    if what in VIDEO:
        return level == "redacted"
    return what in MEASURED | {"committee"} and level in ("facts", "aggregate")


def surgeon_self(purpose, consent, what, level, hold):
    if purpose != "HQUALIMP" or not free(hold) or not consent.covers("", ["quality"]):
        return False
    return (what in VIDEO and level == "redacted") or (what in MEASURED and level == "facts")


def educator(purpose, consent, what, level, hold):
    return (purpose == "TRAIN" and what in VIDEO and level == "redacted" and free(hold)
            and consent.covers("", ["teaching"]))


def researcher(purpose, consent, what, level, hold):
    return (purpose == "HRESCH" and what in MEASURED and level in ("facts", "aggregate") and free(hold)
            and consent.covers("", ["research"]))


def staff(purpose, consent, what, level, hold):
    return (purpose in ("HQUALIMP", "PATSFTY") and what in MEASURED and level == "aggregate" and free(hold)
            and consent.covers("", ["quality"]))


def patient_liaison(purpose, consent, what, level, hold):
    if purpose != "PATADMIN" or not free(hold) or not consent.covers("", ["patient-briefing"]):
        return False
    return (what in VIDEO and level == "redacted") or (what in MEASURED and level == "facts")


def patient(purpose, consent, what, level, hold):
    if purpose != "PATRQT" or not free(hold):
        return False
    return (what in VIDEO and level == "redacted") or (what in MEASURED | {"identity"} and level == "facts")


def counsel(purpose, consent, what, level, hold):
    return (purpose == "HLEGAL" and hold != "wrong-patient" and level in ("raw", "facts")
            and what not in ("committee", "accounting"))


def break_glass(purpose, consent, what, level, hold):
    return purpose == "BTG" and free(hold) and level in ("raw", "facts") and what not in ("committee", "accounting")


def privacy_officer(purpose, consent, what, level, hold):
    return purpose == "PATADMIN" and what == "identity" and level in ("raw", "facts")


def auditor(purpose, consent, what, level, hold):
    return purpose == "HSYSADMIN" and what == "accounting" and level == "accounting"


def machine(purpose, consent, what, level, hold):
    if purpose == "INDEX" and level == "accounting":
        return what in ("identity", "accounting")
    if level != "facts" or not free(hold) or what not in PICTURES_AND_SOUND | MEASURED | {"identity"}:
        return False
    if purpose == "INDEX":
        return consent.covers("", ["record"])
    return purpose == "ANALYSIS" and (consent.covers("", ["quality"]) or consent.covers("", ["research"]))


RULES = {"owner": owner, "committee-reviewer": committee_reviewer, "surgeon-self": surgeon_self, "educator": educator,
         "researcher": researcher, "staff": staff, "patient-liaison": patient_liaison, "patient": patient,
         "counsel": counsel, "break-glass": break_glass, "privacy-officer": privacy_officer, "auditor": auditor,
         "admin": lambda *_: False, "machine": machine}


def main():
    said = casebox.json("access", "matrix")
    expect(said["roles"] == ROLES and said["purposes"] == PURPOSES, f"{said['roles']} {said['purposes']}")
    expect(said["classes"] == CLASSES and said["levels"] == LEVELS and said["holds"] == HOLDS, "other words")
    states = list(consents())
    expect([(c["stated"], set(c["granted"]), set(c["withdrawn"])) for c in said["consents"]]
           == [(c.stated, c.granted, c.withdrawn) for c in states], "other states of consent")
    cells = said["cells"]
    wrong, count, allowed = [], 0, 0
    for (role, purpose, state, what, level, hold), cell in zip(
            itertools.product(ROLES, PURPOSES, range(len(states)), CLASSES, LEVELS, HOLDS), cells, strict=True):
        want = RULES[role](purpose, states[state], what, level, hold)
        count, allowed = count + 1, allowed + want
        if want != (cell == "1"):
            wrong.append((role, purpose, state, what, level, hold, "should be allowed" if want else "should be denied"))
    expect(not wrong, f"{len(wrong)} of {count} cells differ, the first: {wrong[:5]}")
    print(f"{count} cells, {allowed} allowed")
    explained = casebox.json("access", "explain", "--role", "committee-reviewer", "--purpose", "HQUALIMP",
                             "--granted", "quality")
    expect(explained["allowed"] and explained["why"] is None, f"{explained}")
    denied = casebox.json("access", "explain", "--role", "committee-reviewer", "--purpose", "HQUALIMP",
                          "--withdrawn", "quality")
    expect(not denied["allowed"] and denied["why"] == "the consent to quality was withdrawn", f"{denied}")
    casebox.run("access", "explain", "--role", "king", code=2)


main()
