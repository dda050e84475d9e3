"""Runs chatdnatctl."""

import contextlib
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
# pylint: disable=wrong-import-position
from lib import module

TOOL = str(module.TOOL)
VERSION = (ROOT / "VERSION").read_text(encoding="ascii").strip()
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
# Shows the program files and directories of ours in other places, in its own mount namespace: `there=ours`, ..., `--`.
OVERLAID = ("unshare", "-m", "sh", "-ec",
            'while [ "$1" != -- ]; do mount --bind "${1#*=}" "${1%%=*}"; shift; done; shift; exec "$@"', "sh")


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


def rest_of(master):
    """
    What is written on a pseudo terminal until its other end is closed. A read looks for data first and then whether that end is closed:
    what was written in between is there for the next read.
    """
    text = b""
    for _ in range(2):
        with contextlib.suppress(OSError):
            while data := os.read(master, 65536):
                text += data
    return text


class Terminal:
    """The tool, or another program, on a terminal, in a session of its own."""

    def __init__(self, *args, program=(TOOL,)):
        self.pid, self.master = pty.fork()
        if not self.pid:
            os.execvp(program[0], [*program, *args])
        self.text = ""

    def reads(self, text):
        """Whether the terminal shows it, sooner or later."""
        while text not in self.text:
            try:
                self.text += os.read(self.master, 1000).decode(errors="replace")
            except OSError:
                self.text += rest_of(self.master).decode(errors="replace")
                return text in self.text
        return True

    def enter(self, text=""):
        os.write(self.master, text.encode() + b"\n")

    def paste(self, text):
        """As terminals do, so that the shell knows; reads what is shown meanwhile, which would hold the shell up."""
        data = b"\x1b[200~" + text.encode() + b"\x1b[201~\n"
        while data:
            if select.select([self.master], [], [], 0)[0]:
                self.text += os.read(self.master, 1000).decode(errors="replace")
            elif select.select([], [self.master], [], 1)[1]:
                data = data[os.write(self.master, data[:200]):]

    def status(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self):
        os.close(self.master)


def overlaid(places):
    return (*OVERLAID, *(f"{there}={ours}" for there, ours in places.items()), "--")


def fake(tree, *args, places=None, before=(), **options):
    """With nothing but the directory given in /sys/module, and whatever else is to be elsewhere."""
    return run(*args, before=(*overlaid({"/sys/module": tree, **(places or {})}), *before), **options)


@contextlib.contextmanager
def unit():
    """As if systemd ran here and had chatdnat.service. Gives what enables it."""
    units, wants, running = map(pathlib.Path, ("/usr/lib/systemd/system", "/etc/systemd/system/sysinit.target.wants",
                                               "/run/systemd/system"))
    made = [path for path in (running, wants) if not path.exists()]
    for path in (units, wants, running):
        path.mkdir(parents=True, exist_ok=True)
    (units / "chatdnat.service").touch()
    try:
        yield lambda: (wants / "chatdnat.service").symlink_to(units / "chatdnat.service")
    finally:
        (wants / "chatdnat.service").unlink(missing_ok=True)
        (units / "chatdnat.service").unlink()
        for path in made:
            shutil.rmtree(path)
