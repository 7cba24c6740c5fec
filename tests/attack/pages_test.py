"""Every field and value of the protobuf schemas stands in docs/formats with its number, and nothing else does."""

import pathlib
import re
import sys

import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]


def schemas():
    """({message: {number: (name, type)}}, {enum: {number: name}}) of the .proto files."""
    messages, enums = {}, {}
    for path in sorted((ROOT / "proto/casebox/v1").glob("*.proto")):
        if path.stem in ("protocol", "appliance"):  # files of people, docs/formats/protocol.md, docs/appliance.md
            continue
        scope = []
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        for token in re.finditer(r"(message|enum|oneof)\s+(\w+)\s*\{|(\})|"
                                 r"((?:repeated |optional )?[\w.]+(?:<[\w, ]+>)?)\s+(\w+)\s*=\s*(\d+)[^;]*;|(\w+)\s*=\s*(\d+);", text):
            kind, name, end, field_type, field, number, value, value_number = token.groups()
            if kind:
                full = ".".join([n for k, n in scope if k != "oneof"] + [name])
                scope.append((kind, name))
                if kind != "oneof":
                    (messages if kind == "message" else enums)[full] = {}
            elif end:
                scope.pop()
            elif scope:
                owner = ".".join(n for k, n in scope if k != "oneof")
                if field:
                    messages[owner][int(number)] = (field, field_type.removeprefix("optional "))
                elif value:
                    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", owner.split(".")[-1]).upper() + "_"
                    enums[owner][int(value_number)] = value.removeprefix(prefix)
    return messages, enums


def main():
    messages, enums = schemas()
    wrong = []
    pages = {name: {n: f.name for n, f in table.items()} for name, table in wire.MESSAGES.items()}
    names = {name: {n: f for n, (f, _) in table.items()} for name, table in messages.items()}
    for kind, there, said in (("message", names, pages), ("enum", enums, wire.ENUMS)):
        for name in sorted(set(there) | set(said)):
            for number in sorted(set(there.get(name, {})) | set(said.get(name, {}))):
                real, page = there.get(name, {}).get(number), said.get(name, {}).get(number)
                if real != page:
                    wrong.append(f"{kind} {name} number {number}: the schema says {real}, the page {page}")
            if name not in said or name not in there:
                wrong.append(f"{kind} {name}: {'no page has it' if name in there else 'no schema has it'}")
    for name, table in messages.items():
        for number, (field, kind) in table.items():
            page = wire.MESSAGES.get(name, {}).get(number)
            if page is None:
                continue
            local = ".".join([name, kind.removeprefix("repeated ")])
            expected = kind.replace(kind.removeprefix("repeated "), local) if local in messages or local in enums else kind
            said = ("repeated " if page.repeated else "") + page.type
            if said != expected:
                wrong.append(f"{name}.{field}: the schema says {expected}, the page {said}")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print("docs/formats/messages.md and contents.md are the record of field numbers: bring them up to date",
              file=sys.stderr)
    return 1 if wrong or len(messages) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
