"""Runs attacks on a log: the program's verdict, and that of the independent verifier beside it."""

import json

import log_folders  # noqa: F401
import log_frames  # noqa: F401
import log_signers  # noqa: F401
import registry
import verify_log


class Runner:
    def __init__(self, honest, long):
        self.honest = honest
        self.verdicts = {}
        for files in (1, 3):
            folder = honest.start(files).save(honest.scratch(f"honest-{files}"))
            self.verdicts[files] = verify_log.verdict_of(folder, [honest.key])[0]

    def program(self, folder, key):
        """(verdict, document or None, what is wrong with the way it was said)."""
        args = ["verify", folder, "--json"]
        if key is not None:
            args += ["--log-key", key.hex()]
        done = self.honest.program.run(*args)
        if done.returncode not in (0, 3) or not done.stdout:
            return f"exit code {done.returncode}", None, done.stderr.decode(errors="replace")[-300:]
        document = json.loads(done.stdout)
        good = document["verdict"] in registry.GOOD
        if good != (done.returncode == 0):
            return document["verdict"], document, f"with exit code {done.returncode}"
        return document["verdict"], document, ""

    def judge(self, attack):
        honest = self.honest
        if attack.options.get("recorded") and not honest.recorded:
            return True, "nothing: only with a recorded log"
        files = attack.options.get("files", 1)
        key = None if attack.options.get("no_key") else honest.key
        log = honest.start(files)
        after = attack.run(log, honest)
        folder = log.save(honest.scratch(attack.name.replace("/", "-")))
        if after is not None:
            after(folder)
        expected = {self.verdicts[files]} if attack.expected is registry.SAME else attack.expected
        got, document, complaint = self.program(folder, key)
        own, _ = verify_log.verdict_of(folder, None if key is None else [key])
        if attack.options.get("signer_named") and document is not None:
            text = json.dumps(document["not_proven"])
            if "key" not in text:
                complaint += " and nothing says that the signer is unknown"
        agree = own == got or attack.options.get("loose") and own in expected
        right = got in expected and agree and not complaint
        said = got if own == got else f"{got}, the independent verifier {own}"
        return right, f"{said}{' ' + complaint if complaint else ''}"
