"""Runs chatdnatctl."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

TOOL = str(ROOT / "build" / "tools" / "chatdnatctl")
VERSION = (ROOT / "VERSION").read_text(encoding="ascii").strip()
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
# Shows the program a /sys/module with nothing but the directory given, in its own mount namespace.
FAKE = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" /sys/module && exec "$@"')


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8", "surrogateescape")
        self.err = done.stderr.decode("utf-8", "surrogateescape")

    def json(self):
        return json.loads(self.out)

    def findings(self):
        return {finding["id"]: finding for finding in self.json()["findings"]}


def run(*args, before=(), env=None):
    return Result(subprocess.run([*before, TOOL, *args], capture_output=True, check=False, timeout=30,
                                 stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}))


def fake(tree, *args, **options):
    return run(*args, before=(*FAKE, str(tree)), **options)
