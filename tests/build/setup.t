#!/usr/bin/python3
"""A machine that lacks what setting up needs is told so in one line: not root, no network, no room on the disk."""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

GROUPS = ("build", "vm")
UNRESOLVED = "Temporary failure resolving 'mirror.example'"
# What apt says where it cannot resolve names: its update does not fail, and of packages that it has never heard of it says only that.
UPDATE = f"""Err:1 http://mirror.example/debian bookworm InRelease
  {UNRESOLVED}
Reading package lists...
W: Failed to fetch http://mirror.example/debian/dists/bookworm/InRelease  {UNRESOLVED}
W: Some index files failed to download. They have been ignored, or old ones used instead."""
LOCATE = "Reading package lists...\nBuilding dependency tree...\nE: Unable to locate package mmdebstrap"
FETCH = f"""Err:1 http://mirror.example/debian bookworm/main amd64 mmdebstrap all 1.3.5-7
  {UNRESOLVED}
E: Failed to fetch http://mirror.example/debian/pool/main/m/mmdebstrap/mmdebstrap_1.3.5-7_all.deb  {UNRESOLVED}
E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?"""
ROOM = "E: You don't have enough free space in /var/cache/apt/archives/."


def said(name, done, *words):
    """It fails, and says so in one line with these words, after a line on what it was about to do at most."""
    lines = [line for line in done.text.splitlines() if not line.startswith("make") or line.startswith("make check")
             or line.startswith("make demo")]
    if lines and any(word in lines[0] for word in ("installing:", "once")):
        del lines[0]
    if not tap.ok(done.status and len(lines) == 1 and all(word in lines[0] for word in words), f"{name}: one plain line"):
        tap.diag(f"exit status {done.status}\n{done.text}")


def fakes(directory, **programs):
    directory.mkdir()
    for name, text in programs.items():
        path = directory / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
        path.chmod(0o755)
    return f"{directory}:{host.ENVIRONMENT['PATH']}"


def speaks(update, install, status):
    return f"""case $1 in
update) cat <<'END'
{update}
END
;;
install) cat <<'END'
{install}
END
exit {status} ;;
esac"""


def packages(top):
    """scripts/deps: nothing is installed, and apt-get fails in each of its ways."""
    nothing = {"dpkg_query": "exit 1", "id": "echo 0"}
    path = fakes(top / "user", **nothing | {"id": "echo 1000"})
    said("not root", host.run("scripts/deps", *GROUPS, PATH=path), "needs root to install: build-essential ", " mmdebstrap")
    for number, (name, update, install, *words) in enumerate((
            ("no network, no lists", UPDATE, LOCATE, "apt-get", UNRESOLVED),
            ("no network", UPDATE, FETCH, "apt-get", UNRESOLVED),
            ("no such package", "Reading package lists...", LOCATE, "apt-get", "Unable to locate package mmdebstrap"),
            ("a third party's source is away", UPDATE, ROOM, "apt-get", "enough free space in /var/cache/apt/archives"))):
        path = fakes(top / str(number), apt_get=speaks(update, install, 100), **nothing)
        said(name, host.run("scripts/deps", *GROUPS, PATH=path), *words)
    path = fakes(top / "works", apt_get=speaks(UPDATE, "", 0), **nothing)
    done = host.run("scripts/deps", *GROUPS, PATH=path)
    tap.equal((done.status, len(done.text.splitlines())), (0, 1), "what is installed in the end is no failure")


def network(top):
    """The scripts that fetch, with nothing in the cache."""
    if host.run("unshare", "-rn", "true").status:
        tap.skip("no network", "no namespaces here")
        return
    for command in (("image", "amd64"), ("image", "mipsel"), ("root", "bookworm"), ("stock", "newest"),
                    ("headers", "arm64", "linux-headers-arm64"), ("sysroot", "s390x")):
        cache = top / command[0]
        said(f"{command[0]} {command[1]} without a network",
             host.run("unshare", "-rn", f"tests/vm/{command[0]}", *command[1:], XDG_CACHE_HOME=cache), "Failed to fetch ", "resolv")
        tap.equal([path.name for path in (cache / "chatdnat").glob("new.*")], [], f"{command[0]} {command[1]}: leaves nothing behind")


def room(top):
    """The cache's place is small, or cannot be written to."""
    small = top / "small"
    small.mkdir()
    mounted = ("unshare", "-rm", "sh", "-ec", 'mount -t tmpfs -o "size=16m,$0" none "$1"; shift; exec "$@"')
    if host.run(*mounted, "rw", small, "true").status:
        tap.skip("no room", "no namespaces here")
        return
    for target in ("demo", "check", "check-long"):
        said(f"make {target} without room", host.run(*mounted, "rw", small, "make", target, XDG_CACHE_HOME=small),
             f"make {target}: needs ", f" GB in {small}/chatdnat", "16 MB are free", "XDG_CACHE_HOME")
    said("make demo with a cache that is read-only", host.run(*mounted, "ro", small, "make", "demo", XDG_CACHE_HOME=small),
         f"cannot write to {small}/chatdnat", "XDG_CACHE_HOME")


def headers(top):
    """make dkms-install for a kernel without headers: what DKMS has stays."""
    path = fakes(top / "dkms", dkms='case $1 in status) echo "chatdnat/0.9.0, 6.0.0-1-amd64, x86_64: installed" ;; *) echo "$*" ;; esac')
    for name, kernel, word in (("no headers", "6.0.0-none", "install linux-headers-6.0.0-none"), ("no kernel", "", "KVER")):
        said(f"make dkms-install, {name}", host.run("make", "-s", "dkms-install", f"KVER={kernel}", f"DKMS_SOURCES={top}/src", f"KERNEL_HOOKS={top}/hooks",
                                                    PATH=path), word)


def hook(top):
    """The kernel hook, where the build fails and there is no room for the override: apt is not stopped here, and the operator is told."""
    kernel = host.releases()[0]
    path = fakes(top / "hook", dkms="case $1 in status) echo chatdnat/1.0.0: added ;; *) exit 10 ;; esac")
    mounted = ("unshare", "-rm", "sh", "-ec", 'mount -t tmpfs -o size=4k none /etc/dkms; [ -z "$0" ] || echo >/etc/dkms/full; '
               'result=0; scripts/kernel-hook "$1" || result=$?; cat /etc/dkms/chatdnat-* 2>&1 || :; exit $result')
    if host.run("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/etc/dkms").status:
        tap.skip("the kernel hook", "no namespaces, or no DKMS here")
        return
    for full, words in (("", ["Written by chatdnat", "\nAUTOINSTALL=\n"]),
                        ("full", ["cannot write", "\n  echo AUTOINSTALL= >/etc/dkms/chatdnat-1.0.0-", "No such file"])):
        done = host.run(*mounted, full, kernel, PATH=path)
        if not tap.ok(not done.status and all(word in done.text for word in ["could not build", *words]), f"the kernel hook, {full or 'room'}: apt goes on"):
            tap.diag(f"exit status {done.status}\n{done.text}")


def forgets():
    """A removal of the module's package leaves what chatdnatctl setup has in the same directory."""
    done = host.run("unshare", "-rm", "sh", "-ec", "mount -t tmpfs none /var/lib; mkdir -p /var/lib/chatdnat/6.0.0-none; cd /var/lib/chatdnat; "
                    'echo >6.0.0-none/chatdnat.ko; echo >setup.json; "$0" --forget; ls; rm setup.json; "$0" --forget', host.ROOT / "scripts/kernel-hook")
    if "Operation not permitted" in done.text:
        tap.skip("the kernel hook, --forget", "no namespaces here")
    else:
        tap.equal((done.status, done.text), (0, "setup.json\n"), "the kernel hook, --forget: removes what it has written, and no more")


def blanks(top):
    """A checkout in a directory whose name has blanks."""
    place = host.checkout(top / "a b", "Makefile", "Kbuild", "VERSION", "module")
    said("make module below a name with blanks", host.run("make", "-s", "module", f"KVER={host.releases()[0]}", cwd=place), f"{top}/a b", "blanks")


def scripts(top):
    """Scripts that are called in a wrong way, or find a file that they cannot read."""
    said("scripts/space without a target", host.run("scripts/space"), "usage: scripts/space ")
    place = host.checkout(top / "latin", "scripts", "module", "tools")
    (place / "module/core/latin.c").write_bytes(b"/* \xe9 */\n")
    said("scripts/includes, a file that is not UTF-8", host.run(place / "scripts/includes"), "module: core/latin.c: not UTF-8")


def main():
    with host.temporary() as top:
        scripts(pathlib.Path(top))
        blanks(pathlib.Path(top))
        hook(pathlib.Path(top))
        forgets()
        headers(pathlib.Path(top))
        packages(pathlib.Path(top))
        network(pathlib.Path(top))
        room(pathlib.Path(top))
    tap.done()


main()
