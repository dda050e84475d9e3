#!/usr/bin/python3
"""The tarball and the Debian packages of a commit: the same each time, with what belongs into them, and of one version."""

import hashlib
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

def sums(directory):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
            if path.is_file() and path.suffix not in (".buildinfo", ".changes")}


def version(tree):
    """Every copy is held to VERSION."""
    host.works("scripts/version: the copies agree", "scripts/version", cwd=tree)
    for wrong in ("1.2", "v1.2.3", "1.2.3-1", "1.2.3\n4.5.6", ""):
        done = host.refuses(f"scripts/version: '{wrong}' is refused", "scripts/version", wrong, cwd=tree)
        tap.ok(f"'{wrong}': expected" in done.text, "it says what was expected")
    tap.equal(host.run("git", "status", "--porcelain", cwd=tree).text, "", "and changes nothing")
    done = host.refuses("scripts/version 97.98.99: what people write is missing", "scripts/version", "97.98.99", cwd=tree)
    tap.equal([line.split(":")[0] for line in done.text.splitlines()], ["CHANGELOG.md", "debian/changelog"], "it names just that")
    old = re.escape(host.VERSION)
    left = host.run("git", "grep", "-lE", rf"(^|[^0-9.]){old}([^0-9.]|$)", cwd=tree).text.split()
    tap.equal([name for name in left if not re.match(r"CHANGELOG.md|debian/changelog|docs/|tests/", name)], [],
              "the former version stands nowhere else")
    host.run("git", "checkout", "-q", ".", cwd=tree)


def tarball(tree, other):
    name = f"build/chatdnat-{host.VERSION}.tar.xz"
    done = host.works("scripts/dist", "scripts/dist", cwd=tree)
    tap.equal(done.text, f"{name}\n", "prints what it made")
    first = (tree / name).read_bytes()
    done = host.works("scripts/dist in another clone", "sh", "-c", "umask 077; exec scripts/dist", cwd=other, TZ="Asia/Tokyo",
                      XZ_DEFAULTS="--threads=2 --check=crc32")
    tap.ok((other / name).read_bytes() == first, "makes the same tarball, byte for byte")
    listed = host.run("tar", "-tf", tree / name).text.split()
    top = f"chatdnat-{host.VERSION}/"
    tap.ok(all(entry.startswith(top) for entry in listed), f"all is in {top}")
    tracked = host.run("git", "ls-files", cwd=tree).text.split()
    tap.equal({entry[len(top):] for entry in listed if not entry.endswith("/")},
              {file for file in tracked if not file.startswith("debian/")}, "it has every file in git but debian/")
    (tree / "README.md").write_text("changed\n", encoding="ascii")
    done = host.works("scripts/dist with a change that is not committed", "scripts/dist", cwd=tree)
    tap.ok("not committed" in done.text, "says that it is left out")
    tap.ok((tree / name).read_bytes() == first, "and leaves it out")
    host.run("git", "checkout", "-q", "README.md", cwd=tree)
    done = host.refuses("scripts/dist of no commit is refused", "scripts/dist", "nothing", cwd=tree)
    tap.ok("'nothing': expected a commit" in done.text, "it says so")


def contents(deb, top):
    """Files and fields of a package, unpacked."""
    place = top / f"unpacked-{deb.name}"
    host.works(f"{deb.name}: is unpacked", "dpkg-deb", "-R", deb, place)
    control = place / "DEBIAN"
    fields = dict(re.findall(r"^(\S+): (.*)", (control / "control").read_text(encoding="utf-8"), re.M))
    tap.equal(fields["Version"], f"{host.VERSION}-1", f"{deb.name}: the version")
    conffiles = control / "conffiles"
    tap.equal(sorted(conffiles.read_text(encoding="ascii").split()) if conffiles.exists() else [],
              sorted(f"/{file}" for file in host.files(place) if file.startswith("etc/")), f"{deb.name}: files in /etc are conffiles")
    return place, {file for file in host.files(place) if not file.startswith(("DEBIAN/", "usr/share/doc/", "usr/share/lintian/"))}


def packages(built, tree, top):
    dkms, tool = (built / f"{name}.deb" for name in
                  (f"chatdnat-dkms_{host.VERSION}-1_all", f"chatdnatctl_{host.VERSION}-1_"
                   + host.run("dpkg", "--print-architecture").text.strip()))
    tap.equal(sorted(built.glob("*.deb")), [dkms, tool], "two packages")
    place, files = contents(dkms, top)
    source = f"usr/src/chatdnat-{host.VERSION}/"
    sources = host.run("git", "ls-files", "Kbuild", "VERSION", "dkms.conf", "module", cwd=tree).text.split()
    want = {source + file for file in sources} | {"usr/lib/chatdnat/closed.nft", "usr/lib/chatdnat/closed-rules",
                                                  "usr/lib/systemd/system/chatdnat.service",
                                                  "usr/lib/systemd/system/chatdnat-closed.service"}
    want |= {f"etc/kernel/{when}.d/chatdnat" for when in ("postinst", "header_postinst", "postrm")}
    # debhelper of Debian 12 puts units into /lib.
    tap.equal(sorted({re.sub("^lib/", "usr/lib/", file) for file in files} ^ want), [],
              "chatdnat-dkms: the module's source, whole, the units, and the hooks of the kernels")
    place, files = contents(tool, top)
    tap.equal(files, {"usr/sbin/chatdnatctl", "usr/share/man/man8/chatdnatctl.8.gz", "usr/share/man/ru/man8/chatdnatctl.8.gz",
                      "usr/share/bash-completion/completions/chatdnatctl", "usr/share/zsh/vendor-completions/_chatdnatctl",
                      "usr/share/fish/vendor_completions.d/chatdnatctl.fish"},
              "chatdnatctl: the tool, its man pages, completions of three shells")
    tap.equal(host.run(place / "usr/sbin/chatdnatctl", "--version").text, f"chatdnatctl {host.VERSION}\n",
              "chatdnatctl: the tool says this version")


def main():
    with host.temporary() as top:
        top = pathlib.Path(top)
        tree, other = host.repository(top / "tree"), top / "another place"
        host.works("a clone", "git", "clone", "-q", tree, other)
        version(tree)
        tarball(tree, other)
        debs = host.debs()
        host.works("scripts/deb in another clone", "sh", "-c", "umask 077; exec scripts/deb", cwd=other, TZ="Asia/Tokyo", LANG="C")
        first = sums(debs)
        tap.equal(sorted(re.sub(r".*\d[-_.a-z0-9]*?\.(?=[a-z])", "", name) for name in first),
                  ["deb", "deb", "debian.tar.xz", "dsc", "orig.tar.xz"], "packages and their source")
        tap.equal(sums(other / "build" / "deb"), first, "are the same, byte for byte")
        tap.equal(host.run("git", "status", "--porcelain", cwd=other).text, "", "git sees none of it")
        packages(debs, tree, top)
        changes = next(debs.glob("*.changes"))
        done = host.works("lintian", "lintian", "--fail-on", "error,warning", changes)
        tap.equal([line for line in done.text.splitlines() if re.match("[EW]:", line)], [], "neither errors nor warnings")
    tap.done()


main()
