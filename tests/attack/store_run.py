"""Runs attacks on a store: the verdict, and everything that the program shows of it afterwards."""

import json
import threading

import outputs
import registry
import store_copy
import store_epochs  # noqa: F401
import store_fields  # noqa: F401
import store_files  # noqa: F401
import store_records  # noqa: F401
import store_rows  # noqa: F401
import store_signers  # noqa: F401
import store_tables  # noqa: F401

WHOLE = {"as before", "repaired"}


class Runner:
    def __init__(self, honest, long):
        self.honest, self.long = honest, long
        self.lock = threading.Lock()
        self.truth = outputs.Shown(honest.program, honest.store, honest.keys, honest.case_names)
        self.verdict, _, complaint = self.verify(honest.store)
        if self.verdict not in registry.GOOD or complaint or self.truth.crashed:
            raise RuntimeError(f"the honest store: {self.verdict} {complaint} {self.truth.crashed}")

    def verify(self, store, beside=False):
        """(verdict or "refused", document, complaint); `beside`: by the list that lies in the store."""
        done = self.honest.program.run("verify", store, "--json", *([] if beside else self.honest.trust))
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode in (1, 2) or done.returncode == 3 and not done.stdout:
            return "refused", None, "" if "casebox: " in said else f"exit code {done.returncode} without a word"
        if done.returncode not in (0, 3) or not done.stdout:
            return f"exit code {done.returncode}", None, said[-300:]
        document = json.loads(done.stdout)
        good = document["verdict"] in registry.GOOD
        wrong = "" if good == (done.returncode == 0) else f"with exit code {done.returncode}"
        return document["verdict"], document, wrong

    def judge(self, attack):
        folder = self.honest.scratch(attack.name)
        copy = store_copy.StoreCopy(self.honest, folder)
        try:
            attack.run(copy)
        except LookupError as error:
            return False, f"cannot be made: {error}"
        beside = attack.options.get("beside", False)
        verdict, document, complaint = self.verify(folder, beside)
        if beside:  # whoever has the site's list goes by that
            site = self.verify(folder)
            if site[0] in registry.GOOD and attack.options.get("doubt"):
                complaint += site[2]
            if document is not None and verdict in registry.GOOD and not any(
                    "trust" in line for line in document["not_proven"]):
                complaint += " nothing says that nobody vouches for the signers"
        shown = outputs.Shown(self.honest.program, folder, self.honest.keys, self.honest.case_names)
        lies = shown.lies(self.truth)
        if attack.options.get("others"):  # a report compares its case with the others, which are gone
            lies = [lie for lie in lies if not lie.startswith("report ")]
        if attack.options.get("lists"):  # what is wrong with one case hides no other
            lies += shown.hidden(self.truth, self.honest.case_names)
        got = verdict
        if verdict in registry.GOOD:
            if shown.same(self.truth):
                got = "as before"
            elif not lies:
                got = "whole but shorter"
            else:
                got = f"{verdict} although what is shown differs"
        expected = WHOLE if attack.expected is registry.SAME else attack.expected
        right = (got in expected or got == "as before" and "repaired" in expected) and not lies and not complaint
        return right, "; ".join([got, *lies[:3], complaint]).rstrip("; ")
