#!/usr/bin/python3
"""The Debian package's own test, debian/tests/forward, with the module and the tool of the checkout."""

import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from lib import tap


def main():
    path = f"{pathlib.Path(ctl.TOOL).parent}:{os.environ['PATH']}"
    done = subprocess.run([ctl.ROOT / "debian/tests/forward"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path})
    if not tap.ok(done.returncode == 0 and done.stdout.endswith("with the client's own addresses\n"), "debian/tests/forward"):
        tap.diag(done.stdout)
    tap.done()


main()
