"""How an attack is written down, and the verdicts it may get."""

import dataclasses
from typing import Callable

GOOD = frozenset({"COMPLETE", "COMPLETE_WITH_DECLARED_GAPS"})
SIGNED = frozenset({"TAMPERED"})                  # something signed contradicts something stored
LOST = frozenset({"DAMAGED"})                     # missing or unreadable, and nothing signed is contradicted
EITHER = SIGNED | LOST                            # unreadable bytes in the place of signed ones
OPEN = frozenset({"UNCLOSED"})                    # nobody said that it ended
STRANGER = frozenset({"UNTRUSTED_KEY"})           # all holds, under a key that nobody enrolled
SAME = "the honest verdict"                       # what was signed is there, whatever else changed


@dataclasses.dataclass
class Attack:
    name: str
    kind: str          # log, store, bus, flips
    run: Callable
    expected: object   # a set of verdicts, or SAME
    options: dict      # of its kind

    def __str__(self):
        return self.expected if isinstance(self.expected, str) else "|".join(sorted(self.expected))


ATTACKS: dict[str, Attack] = {}


def attack(kind, name, expected, **options):
    def keep(function):
        if f"{kind}/{name}" in ATTACKS:
            raise KeyError(f"two attacks are called {kind}/{name}")
        ATTACKS[f"{kind}/{name}"] = Attack(name, kind, function, expected, options)
        return function
    return keep


def each(kind, expected, cases, **options):
    """One attack for every (name, argument) of `cases`; the function gets the argument last."""
    def keep(function):
        for name, argument in cases.items():
            def one(*args, argument=argument):
                return function(*args, argument)
            attack(kind, name, expected, **options)(one)
        return function
    return keep
