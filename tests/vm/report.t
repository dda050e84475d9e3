#!/usr/bin/python3
"""What tests/run says at its end of tests that failed: their names and why, in one screen, before prove's closing lines."""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "e2e"))
# pylint: disable=wrong-import-position
from lib import tap

GOOD = "echo 1..1; echo ok 1"
CHECK = "echo 1..3; echo ok 1 - a; echo 'not ok 2 - {}: served'; echo '# got: 1'; echo '# served: 0.1 s'; echo ok 3 - c; exit 1"
KERNEL = "echo 1..1; echo ok 1; for i in 1 2 3; do echo \"[ 0.1] line $i\" >&2; done; echo '[ 0.2] WARNING: CPU: 0' >&2; exit 125"
BROKEN = "echo 1..2; echo ok 1"


def prove(top, **scripts):
    """Runs tests, each a line of shell; its status and what was printed."""
    host = pathlib.Path(tempfile.mkdtemp(dir=top)) / "host"
    host.mkdir()
    for name, script in scripts.items():
        (host / f"{name}.t").write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        (host / f"{name}.t").chmod(0o755)
    files = [host / f"{name}.t" for name in scripts]
    done = subprocess.run([TESTS / "report", "prove", "-j", "2", "--exec", TESTS / "exec", *files], check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.returncode, done.stdout.replace(f"{host}/", "").splitlines()


def closes(lines, result):
    return lines[-2].startswith("Files=") and lines[-1] == f"Result: {result}"


def main():
    with tempfile.TemporaryDirectory() as top:
        status, lines = prove(top, good=GOOD)
        tap.equal(status, 0, "all is well: status 0")
        tap.ok(closes(lines, "PASS"), "prove's lines are the last")
        tap.ok(not any("failed" in line for line in lines), "and nothing is reported")

        status, lines = prove(top, good=GOOD, check=CHECK.format("ipv4"), kernel=KERNEL, broken=BROKEN)
        tap.ok(status, "some fail: so does the run")
        tap.ok(closes(lines, "FAIL"), "prove's lines are the last")
        report = lines[lines.index("3 of the tests failed:"):-2]
        # In the order in which they ended.
        tap.equal({line for line in report[1:] if not line.startswith(" ")}, {"check.t", "kernel.t", "broken.t"}, "each by its name")
        told = [line.strip() for line in report]
        at = told.index("check.t")
        tap.equal(told[at + 1:at + 3], ["not ok 2 - ipv4: served", "# got: 1"], "the check that failed, and its comment")
        tap.ok("# served: 0.1 s" not in told, "but not how long it took")
        tap.ok("[ 0.2] WARNING: CPU: 0" in told and "[ 0.1] line 3" not in told, "what the kernel complained about")
        tap.ok(any("Bad plan" in line for line in told), "a test that did not get to its end")

        many = {f"test{number}": "seq 100 >&2;" + CHECK.format(number) for number in range(12)}
        _, lines = prove(top, **many)
        report = lines[lines.index("12 of the tests failed:"):]
        tap.equal(sum(line.startswith("test") for line in report), 12, "many: all are named")
        tap.ok(len(report) <= 42, "with prove's lines in one screen")
        _, lines = prove(top, **{f"test{number}": BROKEN for number in range(60)})
        report = lines[lines.index("60 of the tests failed:"):]
        tap.ok(len(report) <= 42 and report[-3] == "and 22 more", "more than there is room for: so many of them")
    tap.done()


os.environ.pop("HARNESS_ACTIVE", None)
main()
