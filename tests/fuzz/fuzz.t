#!/usr/bin/python3
"""The parsers and the header code in a process, under AddressSanitizer and UndefinedBehaviorSanitizer: the corpus,
then made-up inputs, as many as a check may take and each time the same. `make fuzz` goes on for longer. Names of targets
may be given."""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
# pylint: disable=wrong-import-position
from lib import tap

OUT = HERE.parent.parent / "build" / "fuzz"
# Some seconds at most, each.
RUNS = {"addr": 200000, "allow": 100000, "command": 5000, "decide": 100000, "ifset": 200000, "mss": 200000, "netlink": 8000,
        "packet": 200000, "params": 3000, "portset": 5000, "relays": 200000, "rewrite": 100000, "saved": 15000}


def run(*command):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, errors="replace")


def passes(done, name):
    if not tap.ok(done.returncode == 0, name):
        tap.diag("\n".join(line for line in done.stdout.splitlines() if not line.startswith(("INFO", "#")))[-6000:])


def made(target):
    """No new input gets into the corpus; one that fails is kept where `make fuzz` keeps them."""
    failures = OUT / "failed"
    failures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as found:
        return run(OUT / target, "-seed=1", f"-runs={RUNS[target]}", "-timeout=20", "-rss_limit_mb=2048",
                   f"-artifact_prefix={failures}/{target}-", found, HERE / "corpus" / target)


def main():
    wanted = sys.argv[1:]
    done = run("make", "-s", f"-j{os.cpu_count()}", "-C", HERE, *(f"../../build/fuzz/{target}" for target in wanted))
    if not tap.ok(done.returncode == 0, "the targets are built"):
        tap.diag(done.stdout[-6000:])
        tap.done()
    targets = run("make", "-s", "-C", HERE, "targets").stdout.split()
    tap.equal(sorted(targets), sorted(RUNS), "every target is run")
    tap.equal(sorted(targets), sorted(path.name for path in (HERE / "corpus").iterdir()), "every target has a corpus")
    for target in wanted or targets:
        seeds = sorted((HERE / "corpus" / target).iterdir())
        passes(run(OUT / target, *seeds), f"{target}: {len(seeds)} inputs of the corpus")
        passes(made(target), f"{target}: {RUNS[target]} made-up inputs")
    tap.done()


main()
