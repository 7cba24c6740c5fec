"""The real broker that tests start in a folder of theirs (deploy/kafka)."""

import subprocess

from support import ROOT, skip

KAFKA = ROOT / "deploy/kafka"


def start(folder):
    """Its address; the test is skipped where there is no broker to be had."""
    done = subprocess.run([KAFKA / "start", folder], capture_output=True, text=True)
    if done.returncode != 0:
        skip(f"no broker: {done.stderr.strip()[-200:]}")
    return done.stdout.strip()


def stop(folder):
    subprocess.run([KAFKA / "stop", folder], check=False, capture_output=True)
