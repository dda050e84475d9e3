"""Copies of the checkout, for what must not touch it."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Besides build/.
BUILT = re.compile(r"build/|tools/(.*\.[oda]|chatdnatctl)$")


def place(path, content):
    """A file's content; one that stays the same is not made anew."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def copy(tree, *paths):
    """Makes a directory a copy of what is in git, or will be, or of those paths of it; what was built there stays."""
    done = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *paths], cwd=ROOT,
                          check=True, stdout=subprocess.PIPE)
    wanted = {name for name in os.fsdecode(done.stdout).split("\0") if name and (ROOT / name).is_file()}
    for path in [path for path in tree.rglob("*") if path.is_file()]:
        name = str(path.relative_to(tree))
        if name not in wanted and not BUILT.match(name):
            path.unlink()
    for name in wanted:
        place(tree / name, (ROOT / name).read_bytes())
        shutil.copymode(ROOT / name, tree / name)
