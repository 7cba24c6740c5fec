"""Rules for the text of every tracked file: length, machine paths, registry hosts, markers of unfinished work."""

import re

MAX_LINES = 500
# Written by tools, or a text of others: no hand wrote them here.
NOT_HAND_WRITTEN = re.compile(r"(^|/)(package-lock\.json|LICENSE)$|^tests/fuzz/corpus/|^tests/.*\.golden$")

RULES = [
    (re.compile(r"(?<![\w.$}~/-])/(?:work|tmp|home|root|Users|mnt)/\w"),
     "a path of one machine; use a path relative to the project, a variable or mktemp"),
    (re.compile(r"\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|pypi\.org|files\.pythonhosted\.org|"
                r"repo1?\.maven\.(?:apache\.)?org|deb\.debian\.org|crates\.io|proxy\.golang\.org)\b"),
     "a registry's host; leave the choice of mirror to the machine's own settings"),
    (re.compile(r"\b(?:T[O]DO|FI[X]ME|X[X]X|HA[C]K)\b"),
     "a marker of unfinished work; finish it or describe the limit in the docs"),
]

PROTOCOL = re.compile(r"^deploy/protocols/[^/]+\.yaml$")


def without_lay_words(text):
    """Steps of a shipped protocol that it has no words for which a patient understands."""
    steps, lay, section, inner = [], set(), "", ""
    for line in text.splitlines():
        if head := re.match(r"([a-z_]+):", line):
            section, inner = head.group(1), ""
        elif section == "steps" and (step := re.match(r" *- \{?id: *([\w.-]+)", line)):
            steps.append(step.group(1))
        elif section == "lay" and (head := re.match(r"  ([\w.-]+): *(.*)$", line)):
            inner = head.group(1)
            lay.add("(procedure)" if inner == "procedure" and head.group(2) else "")
        elif section == "lay" and inner == "steps" and (word := re.match(r"    ([\w.-]+): *\S", line)):
            lay.add(word.group(1))
    return [step for step in ["(procedure)", *steps] if step not in lay]


def check(path, text):
    """Findings of one text file."""
    found = []
    if PROTOCOL.match(path):
        found += [f"{path}:1: no words for a patient of {step}; write them under lay:"
                  for step in without_lay_words(text)]
    lines = text.splitlines()
    if len(lines) > MAX_LINES and not NOT_HAND_WRITTEN.search(path):
        found.append(f"{path}:{MAX_LINES + 1}: {len(lines)} lines; the limit is {MAX_LINES}: divide it")
    if path.startswith("tests/fuzz/corpus/"):
        return found
    for number, line in enumerate(lines, 1):
        for pattern, advice in RULES:
            match = pattern.search(line)
            if match:
                found.append(f"{path}:{number}: `{match.group(0)}`: {advice}")
    return found
