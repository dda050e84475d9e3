"""What the tests of building and installing share: commands on the host, and copies of the checkout to run them in."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
# pylint: disable=wrong-import-position
from lib import tap

VERSION = (ROOT / "VERSION").read_text(encoding="ascii").strip()
# Nothing of the make that runs the tests, and no variable of a person that changes what is built.
ENVIRONMENT = {name: os.environ[name] for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME") if name in os.environ} | {
    "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LANG": "C.UTF-8"}


class Done:
    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout.decode("utf-8", "replace")

    def warnings(self):
        """What compiler, modpost and kbuild complain about, but for what depends on the host's packages."""
        return [line for line in self.text.splitlines()
                if re.search("warning|error", line, re.IGNORECASE) and "the compiler differs" not in line]


def run(*command, cwd=ROOT, timeout=600, **env):
    return Done(subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
                               stdin=subprocess.DEVNULL, env=ENVIRONMENT | env, check=False, timeout=timeout))


def works(name, *command, **how):
    done = run(*command, **how)
    if not tap.equal(done.status, 0, name):
        tap.diag(done.text)
    return done


def refuses(name, *command, **how):
    done = run(*command, **how)
    if not tap.ok(done.status, name):
        tap.diag(done.text)
    return done


def releases():
    """The kernels that the tests run, whose headers are here."""
    return run("tests/vm/run", "--list").text.split()


def checkout(directory, *paths):
    """A copy of what is in git, or will be."""
    directory = pathlib.Path(directory)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *paths],
                            stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout
    for name in sorted(set(os.fsdecode(listed).split("\0"))):
        if (ROOT / name).is_file():
            copy = directory / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
            copy.chmod((ROOT / name).stat().st_mode)
    return directory


def files(directory):
    return {str(path.relative_to(directory)) for path in pathlib.Path(directory).rglob("*")
            if path.is_symlink() or not path.is_dir()}


def modinfo(field, file):
    return run("modinfo", "-F", field, file).text.strip()


def temporary():
    return tempfile.TemporaryDirectory(prefix="chatdnat-build.")
