#!/usr/bin/python3
"""The Debian packages on Debian 12 and 13: they are installed, upgraded, removed and purged, and nothing is left."""

import os
import pathlib
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

FORMER, BROKEN = "0.9.0", "99.0.0"
MOUNTED = """
mount -t overlay overlay -o lowerdir=$1,upperdir=$2/upper,workdir=$2/work $2/root
mount -t proc proc $2/root/proc
mount --bind /dev $2/root/dev
root=$2/root
shift 2
exec chroot $root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
"""
# What the package system and DKMS keep of everything that ever was.
KEPT = re.compile(r"(var/lib/dpkg|var/log|var/cache|var/lib/apt|var/lib/systemd/deb-systemd-helper-enabled|run|tmp|dev|proc)(/|$)"
                  r"|var/lib/dkms/(mok\.(key|pub)|dkms_dbversion)$|etc/ld\.so\.cache|usr/lib/modules/[^/]*/modules\.")
CONFIGURATION = ("etc/modprobe.d/chatdnat.conf", "etc/modules-load.d/chatdnat.conf", "etc/chatdnat/closed.d/mine.nft")

HOOKS = {f"etc/kernel/{when}.d/chatdnat" for when in ("postinst", "header_postinst", "postrm")}
ENABLED = "etc/systemd/system/sysinit.target.wants/chatdnat.service"


class Root:
    """A machine's file system over a root that stays as it is."""

    def __init__(self, suite, top):
        done = host.run("tests/build/root", suite, timeout=3600)
        assert not done.status, done.text
        self.suite, self.lower, self.top = suite, pathlib.Path(done.text.splitlines()[-1]), top / suite
        for name in ("upper", "work", "root"):
            (self.top / name).mkdir(parents=True)
        self.upper = self.top / "upper"
        self.kernel = max(os.listdir(self.lower / "usr/lib/modules"))
        # systemd's, which is not in every root.
        (self.upper / "etc/modules-load.d").mkdir(parents=True)
        self.before = self.changed()

    def run(self, *command):
        return host.run("unshare", "--mount", "sh", "-ec", MOUNTED, "sh", self.lower, self.top, *command)

    def works(self, name, *command):
        done = self.run(*command)
        if not tap.equal(done.status, 0, f"{self.suite}: {name}"):
            tap.diag(done.text)
        return done

    def install(self, name, *debs, options=()):
        (self.upper / "debs").mkdir(exist_ok=True)
        for deb in debs:
            shutil.copy(deb, self.upper / "debs")
        return self.works(name, "apt-get", "install", "-qy", "--no-install-recommends", *options,
                          *(f"/debs/{deb.name}" for deb in debs))

    def status(self):
        return self.run("dkms", "status", "-m", "chatdnat").text.strip().replace(", x86_64", "").splitlines()

    def changed(self):
        """What is not as it was in the root below."""
        found = set()
        for path in self.upper.rglob("*"):
            name = str(path.relative_to(self.upper))
            if not (path.is_dir() and (self.lower / name).is_dir()) and not KEPT.match(name) and not name.startswith("debs"):
                found.add(name)
        return found


def loads(root, version, name):
    tap.equal(root.run("modinfo", "-k", root.kernel, "-F", "version", "chatdnat").text.strip(), version, f"{root.suite}: {name}")


def installed(root, version):
    tap.equal(root.status(), [f"chatdnat/{version}, {root.kernel}: installed"], f"{root.suite}: DKMS has built {version}")
    loads(root, version, "modprobe finds it")


def broken(root, deb):
    """A version that does not build for the kernel: apt finishes, and tells. The module of the version before stays."""
    said = root.install(f"{BROKEN} is installed, which does not build", deb).text
    log = f"/var/lib/dkms/chatdnat/{BROKEN}/build/make.log"
    tap.ok("could not build the module" in said and root.kernel in said and log in said, f"{root.suite}: apt's output says so")
    tap.ok("a header is gone" in root.run("cat", log).text, f"{root.suite}: the log has the error")
    tap.equal(root.run("dpkg", "--audit").text, "", f"{root.suite}: all packages are configured")
    root.works("the next run of apt works", "apt-get", "install", "-qfy")
    tap.ok("of the version before stays" in said and "mail stops" not in said, f"{root.suite}: it says that the module stays")
    loads(root, host.VERSION, "modprobe finds the module of the version before")


def life(root, dkms, tool, old, new):
    root.install(f"{FORMER} is installed", old)
    installed(root, FORMER)
    for name in CONFIGURATION:
        path = root.upper / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# mine\n", encoding="ascii")
    root.install(f"{host.VERSION} is installed in its place, and the tool", dkms, tool)
    installed(root, host.VERSION)
    tap.ok(not any(FORMER in name for name in root.changed()), f"{root.suite}: nothing of {FORMER} is left")
    tap.equal(root.run("chatdnatctl", "--version").text, f"chatdnatctl {host.VERSION}\n", f"{root.suite}: the tool runs")
    tap.equal({name for name in root.changed() if name.startswith("etc/systemd/") and name.endswith(".service")}, {ENABLED},
              f"{root.suite}: chatdnat.service alone is enabled")
    broken(root, new)
    root.install("a version that builds again", old, options=("--allow-downgrades",))
    installed(root, FORMER)
    tap.equal({name for name in root.changed() if re.match("var/lib/chatdnat|etc/dkms/chatdnat", name)}, set(),
              f"{root.suite}: nothing is left of the version that does not build")
    root.install(f"{BROKEN} is installed again", new)
    loads(root, FORMER, "modprobe finds the module of the version before")
    root.works("the packages are removed", "apt-get", "remove", "-qy", "chatdnat-dkms", "chatdnatctl")
    tap.equal(root.status(), [], f"{root.suite}: DKMS has nothing of it")
    left = {name for name in root.changed() - root.before if not (root.upper / name).is_dir()}
    tap.equal(left, {*CONFIGURATION, ENABLED, *HOOKS}, f"{root.suite}: the configuration is left")
    root.works("the packages are purged", "apt-get", "purge", "-qy", "chatdnat-dkms", "chatdnatctl")
    tap.equal(root.changed() - root.before, set(), f"{root.suite}: nothing is left")


def main():
    if os.geteuid():
        tap.skip("Debian packages", "needs root")
        tap.done()
    with host.temporary() as top:
        top = pathlib.Path(top)
        debs = host.debs()
        dkms, tool = (next(debs.glob(f"{name}_*.deb")) for name in ("chatdnat-dkms", "chatdnatctl"))
        old, new = host.other_version(dkms, top, FORMER), host.other_version(dkms, top, BROKEN, "$(error a header is gone)")
        life(Root("bookworm", top), dkms, tool, old, new)
        # There tests/boot/update.t builds the real one.
        life(Root("trixie", top), host.other_version(dkms, top, host.VERSION), tool, old, new)
    tap.done()


main()
