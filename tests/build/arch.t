#!/usr/bin/python3
"""The packages for Arch Linux: built, installed and removed by pacman in an empty root."""

import os
import pathlib
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
import packages
from host import tap

TOOL = {"usr/bin/chatdnatctl", "usr/share/man/man8/chatdnatctl.8.gz", "usr/share/man/ru/man8/chatdnatctl.8.gz"}
# makepkg refuses to run as root.
NOBODY = () if os.getuid() else ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
NAMES = ("chatdnat-dkms", "chatdnatctl")


def build(top):
    """The packages, by name."""
    place = top / "arch"
    place.mkdir()
    shutil.copy(packages.tarball(top / "tree"), place)
    shutil.copy(host.ROOT / "packaging" / "arch" / "PKGBUILD", place)
    if NOBODY:
        top.chmod(0o755)
        os.chown(place, 65534, 65534)
    # Debian's pacman has no package that could be what is needed to build.
    host.works("makepkg", *NOBODY, "makepkg", "--nodeps", "--nocolor", cwd=place, HOME=place, PKGDEST=place, PKGEXT=".pkg.tar.gz")
    return {path.name.split(f"-{host.VERSION}")[0]: path for path in place.glob("*.pkg.tar.gz")}


def inspect(built):
    if not tap.equal(set(built), set(NAMES), "two packages"):
        return
    for name, arch, needs in (("chatdnat-dkms", "any", {"dkms"}), ("chatdnatctl", os.uname().machine, {"libmnl", "json-c"})):
        info = host.run("bsdtar", "-xOf", built[name], ".PKGINFO").text
        fields = re.findall(r"^(\S+) = (.*)$", info, re.M)
        tap.equal([(field, value) for field, value in fields if field in ("pkgver", "arch", "license")],
                  [("pkgver", f"{host.VERSION}-1"), ("arch", arch), ("license", "GPL-2.0-only")], f"{name}: its fields")
        tap.equal({value for field, value in fields if field == "depend"}, needs, f"{name}: what it needs")


def lifecycle(top, built):
    root = top / "root"
    for name in ("db", "cache"):
        (root / name).mkdir(parents=True)

    def pacman(what, *arguments):
        host.works(what, "unshare", "-r", "pacman", "--root", root, "--dbpath", root / "db", "--cachedir", root / "cache",
                   "--noconfirm", "-dd", *arguments)
        return {name for name in host.files(root) if not name.startswith(("db/", "cache/", "usr/share/doc/"))}

    packages.complete(root, pacman("pacman installs them", "-U", *built.values()), TOOL, "pacman")
    tap.equal(pacman("pacman removes them", "-R", *NAMES), set(), "nothing is left")


def main():
    with host.temporary() as top:
        top = pathlib.Path(top)
        built = build(top)
        inspect(built)
        if host.run("unshare", "-r", "true").status:
            tap.skip("pacman installs them", "no namespaces here")
        else:
            lifecycle(top, built)
    tap.done()


main()
