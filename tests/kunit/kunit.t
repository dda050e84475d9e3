#!/usr/bin/python3
"""The module's parts by themselves, in the debug kernel: each row of each table of tests/kunit is a test here."""

import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
# pylint: disable=wrong-import-position
from lib import tap

RESULT = re.compile(r"(?P<indent> *)(?P<fails>not )?ok \d+ ?(?P<name>.*?)(?: # (?P<skip>SKIP.*))?$")
# Every level of KTAP is so much further in.
LEVEL = 4


def parse(lines):
    """(path, fails, skip, what it said) of each result, the innermost first, as KTAP has them."""
    subtests, said = [], []
    for line in lines:
        if match := re.match(r" *# Subtest: (.*)", line):
            subtests.append(match[1])
            said = []
        elif match := RESULT.match(line):
            depth = len(match["indent"]) // LEVEL
            del subtests[depth:]
            yield (*subtests, match["name"]), bool(match["fails"]), match["skip"], said
            said = []
        else:
            said.append(line)


def leaves(results):
    """The results that are not the sum of others."""
    sums = {path[:depth] for path, *_ in results for depth in range(1, len(path))}
    return [result for result in results if result[0] not in sums]


def suites():
    """What the sources say that there is: suites, and their cases."""
    for source in sorted((ROOT / "tests" / "kunit").glob("*_test.c")):
        text = source.read_text(encoding="utf-8")
        suite = re.search(r'\.name = "(chatdnat_\w+)"', text)[1]
        yield from ((suite, case) for case in re.findall(r"KUNIT_CASE(?:_PARAM)?\((\w+)", text))


def main():
    done = subprocess.run([ROOT / "tests" / "kunit" / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    results = list(parse(lines))
    for path, fails, skip, said in leaves(results):
        name = f"{'.'.join(path[:2])}{': ' if path[2:] else ''}{''.join(path[2:])}"
        if skip:
            tap.skip(name, skip)
        elif not tap.ok(not fails, name):
            tap.diag("\n".join(said))
    found = {path for path, *_ in results}
    tap.equal([case for case in suites() if case not in found], [], "every case of every suite ran")
    bad = sorted(path[0] for path, fails, *_ in results if len(path) == 1 and fails)
    tap.equal(bad, [], "no suite failed")
    if not tap.equal(done.returncode, 0, "KUnit passes, and the kernel has nothing to complain about"):
        tap.diag("\n".join(lines[-60:]))
    tap.done()


main()
