"""Runs attacks on a log: the program's verdict, and that of the independent verifier beside it."""

import json

import log_fields  # noqa: F401
import log_folders  # noqa: F401
import log_frames  # noqa: F401
import log_signers  # noqa: F401
import log_trust  # noqa: F401
import registry
import verify_log


class Runner:
    def __init__(self, honest, long):
        self.honest = honest
        self.verdicts = {}
        for files in (1, 3):
            folder = honest.start(files).save(honest.scratch(f"honest-{files}"))
            self.verdicts[files] = verify_log.verdict_of(folder, [honest.key])[0]

    def program(self, folder, how):
        """(verdict or "refused", document or None, what is wrong with the way it was said)."""
        done = self.honest.program.run("verify", folder, "--json", *how)
        if done.returncode in (1, 2, 3) and b"casebox: " in done.stderr + done.stdout and b"{" not in done.stdout:
            return "refused", None, ""
        if done.returncode not in (0, 3) or not done.stdout:
            return f"exit code {done.returncode}", None, done.stderr.decode(errors="replace")[-300:]
        document = json.loads(done.stdout)
        good = document["verdict"] in registry.GOOD
        if good != (done.returncode == 0):
            return document["verdict"], document, f"with exit code {done.returncode}"
        return document["verdict"], document, ""

    def with_trust(self, folder, log, site_key):
        """(arguments for the program, what the independent verifier goes by)."""
        file = folder.with_name(folder.name + ".trust")
        file.write_bytes(log.trust)
        args = ["--trust", file, *([] if site_key is None else ["--site-key", site_key.hex()])]
        try:
            return args, verify_log.TrustList(file, site_key)
        except (ValueError, KeyError, verify_log.BadSignatureError):
            return args, "refused"

    def unchanged(self, folder, files):
        """The change that was asked for is none: the field has no other value."""
        honest = self.honest.start(files).save(self.honest.scratch(folder.name + "-honest"))
        return all(path.read_bytes() == (honest / path.name).read_bytes() for path in folder.glob("*.cblog"))

    def judge(self, attack):
        honest = self.honest
        if attack.options.get("recorded") and not honest.recorded:
            return True, "nothing: only with a recorded log"
        files = attack.options.get("files", 1)
        key = None if attack.options.get("no_key") else honest.key
        how, trusted = [] if key is None else ["--log-key", key.hex()], None if key is None else [key]
        log = honest.start(files)
        after = attack.run(log, honest)
        folder = log.save(honest.scratch(attack.name.replace("/", "-")))
        if after is not None:
            after(folder)
        if attack.options.get("trust"):
            how, trusted = self.with_trust(folder, log, attack.options.get("site_key"))
        expected = {self.verdicts[files]} if attack.expected is registry.SAME else attack.expected
        if attack.options.get("same_allowed") and self.unchanged(folder, files):
            expected = expected | {self.verdicts[files]}
        got, document, complaint = self.program(folder, how)
        own = "refused" if trusted == "refused" else verify_log.verdict_of(folder, trusted)[0]
        if attack.options.get("signer_named") and document is not None:
            text = json.dumps(document["not_proven"])
            if "key" not in text:
                complaint += " and nothing says that the signer is unknown"
        agree = own == got or attack.options.get("loose") and own in expected
        right = got in expected and agree and not complaint
        said = got if own == got else f"{got}, the independent verifier {own}"
        return right, f"{said}{' ' + complaint if complaint else ''}"
