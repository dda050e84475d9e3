#!/usr/bin/python3
"""The RPM packages: built, judged by rpmlint, installed, upgraded and removed by rpm in an empty root."""

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

RPM = host.ROOT / "packaging" / "rpm"
TOOL = {"usr/sbin/chatdnatctl", "usr/share/man/man8/chatdnatctl.8", "usr/share/man/ru/man8/chatdnatctl.8"}
# Fedora has these from its systemd-rpm-macros. In the root /log keeps what is run.
MACROS = {"_unitdir": "/usr/lib/systemd/system"} | {
    f"systemd_{when}()": f"echo systemd_{when} %{{*}} >>/log" for when in ("post", "preun", "postun")}
DKMS = f"chatdnat -v {host.VERSION} -q"
UNITS = "chatdnat.service chatdnat-closed.service"
ADD = [f"dkms add -m {DKMS} --rpm_safe_upgrade", f"dkms build -m {DKMS}"]
INSTALL = [f"dkms install -m {DKMS} --force"]
REMOVE = [f"dkms remove -m {DKMS} --all --rpm_safe_upgrade", f"systemd_preun {UNITS}"]


def build(top, tarball, release):
    """The packages, by name; a later release of the same version, too."""
    spec = top / release / "chatdnat.spec"
    spec.parent.mkdir()
    text = (RPM / "chatdnat.spec").read_text(encoding="utf-8")
    spec.write_text(re.sub(r"^(Release: *)1%", rf"\g<1>{release}%", text, flags=re.M), encoding="utf-8")
    macros = MACROS | {"_topdir": spec.parent, "_sourcedir": tarball.parent}
    defines = [word for name, text in macros.items() for word in ("--define", f"{name} {text}")]
    # Debian has no RPM database that could have what is needed to build.
    done = host.works(f"release {release}: rpmbuild", "rpmbuild", "-ba", "--nodeps", *defines, spec)
    warnings = [line for line in done.warnings() if not line.startswith(("cc ", "gcc "))]
    tap.equal(warnings, [], f"release {release}: without a warning")
    return {path.name.rsplit("-", 2)[0] + ("-src" if path.name.endswith(".src.rpm") else ""): path
            for path in spec.parent.rglob("*.rpm")}


def query(rpm, tags):
    return host.run("rpm", "-qp", "--qf", tags, rpm).text


def inspect(rpms):
    tap.equal(set(rpms), {"chatdnat-src", "chatdnat-dkms", "chatdnatctl"}, "two packages and the source")
    done = host.works("rpmlint: no error", "rpmlint", "-r", RPM / "chatdnat.rpmlintrc", *rpms.values(), RPM / "chatdnat.spec")
    tap.equal([line for line in done.text.splitlines() if ": E: " in line], [], "none that it lets pass either")
    for name, arch, needs in (("chatdnat-dkms", "noarch", "dkms"), ("chatdnatctl", os.uname().machine, "libmnl.so.0")):
        tap.equal(query(rpms[name], "%{VERSION} %{ARCH} %{LICENSE}"), f"{host.VERSION} {arch} GPL-2.0-only", f"{name}: its tags")
        tap.ok(re.search(rf"^{re.escape(needs)}\b", query(rpms[name], r"[%{REQUIRENAME}\n]"), re.M), f"{name}: needs {needs}")


class Root:
    """An empty one, in which scripts have a shell, and a dkms that only notes what it is to do."""

    def __init__(self, path):
        self.path = path
        (path / "bin").mkdir(parents=True)
        (path / "usr" / "sbin").mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), path / "bin" / "busybox")
        for applet in ("sh", "uname"):
            (path / "bin" / applet).symlink_to("busybox")
        dkms = path / "usr" / "sbin" / "dkms"
        dkms.write_text('#!/bin/sh\necho dkms "$@" >>/log\n[ ! -e "/refuse-$1" ]\n', encoding="ascii")
        dkms.chmod(0o755)
        self.log = path / "log"
        self.before = self.files()

    def files(self):
        """But for documents, and RPM's own notes."""
        kept = ("log", "var/lib/rpm/", "usr/share/doc/", "usr/share/licenses/", "usr/lib/.build-id/")
        return {name for name in host.files(self.path) if not name.startswith(kept)}

    def rpm(self, what, *arguments):
        """What its scripts ran."""
        self.log.write_text("", encoding="ascii")
        done = host.works(what, "unshare", "-r", "rpm", "--force-debian", "--root", self.path, "--dbpath", "/var/lib/rpm",
                          "--nodeps", *arguments)
        return self.log.read_text(encoding="ascii").splitlines(), done.text


def lifecycle(top, first, second):
    root = Root(top / "root")
    both = ("chatdnat-dkms", "chatdnatctl")
    ran, said = root.rpm("rpm installs them", "-i", *(first[name] for name in both))
    tap.equal(ran, [*ADD, *INSTALL, f"systemd_post {UNITS}"], "DKMS builds it, systemd hears of the units")
    tap.equal(said, "", "nothing is said")
    packages.complete(root.path, root.files() - root.before, TOOL, "rpm")

    ran, _ = root.rpm("rpm upgrades to a later release", "-U", second["chatdnat-dkms"])
    # DKMS itself finds out, with this option, that the first is the version that stays.
    tap.equal(ran, [*ADD, *INSTALL, f"systemd_post {UNITS}", *REMOVE, f"systemd_postun {UNITS}"],
              "the new one comes before the old one goes")

    ran, _ = root.rpm("rpm removes them", "-e", *both)
    tap.equal(ran, [*REMOVE, f"systemd_postun {UNITS}"], "DKMS and systemd hear of it")
    tap.equal(root.files(), root.before, "nothing is left")

    (root.path / "refuse-build").touch()
    ran, said = root.rpm("where DKMS cannot build it, rpm installs it all the same", "-i", first["chatdnat-dkms"])
    tap.equal(ran, [*ADD, f"systemd_post {UNITS}"], "without installing the module")
    tap.ok(f"not built for kernel {os.uname().release}: 'dkms build chatdnat/{host.VERSION}' says why" in said, "and says so")


def main():
    with host.temporary() as top:
        top = pathlib.Path(top)
        tarball = packages.tarball(top / "tree")
        first = build(top, tarball, "1")
        inspect(first)
        if host.run("unshare", "-r", "true").status:
            tap.skip("rpm installs them", "no namespaces here")
        else:
            lifecycle(top, first, build(top, tarball, "2"))
    tap.done()


main()
