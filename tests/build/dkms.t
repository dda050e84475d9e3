#!/usr/bin/python3
"""DKMS: the module comes with the kernel, is replaced by a newer one, and goes without a trace. The module's files are empty: that DKMS
builds the real ones, packages.t finds out."""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap


class Dkms:
    """DKMS with directories of its own: the host's are left alone."""

    def __init__(self, top, releases):
        self.top = pathlib.Path(top)
        self.tree, self.sources, self.modules = (self.top / name for name in ("dkms", "src", "modules"))
        self.hooks = self.top / "hooks"
        for directory in (self.tree, self.sources, self.hooks / "postinst.d", self.hooks / "postrm.d", *(self.modules / release for release in releases)):
            directory.mkdir(parents=True)
        self.empty = self.content()
        self.command = ("dkms", "--no-depmod", "-j", "1", "--dkmstree", self.tree, "--sourcetree", self.sources,
                        "--installtree", self.modules)

    def run(self, *command, **how):
        # Without a program to sign with it makes no signing key on the host.
        return host.run(*command, sign_file="/nonexistent", **how)

    def make(self, checkout, target, release):
        return self.run("make", target, f"KVER={release}", f"DKMS={' '.join(map(str, self.command))}",
                        f"DKMS_SOURCES={self.sources}", f"KERNEL_HOOKS={self.hooks}", cwd=checkout)

    def content(self):
        """What is in its directories, but for its own notes on them."""
        return {str(path.relative_to(self.top)) for top in (self.tree, self.sources, self.modules, self.hooks)
                for path in top.rglob("*") if path.name != "dkms_dbversion"}

    def modinfo(self, field):
        """Of the module of each kernel."""
        return {path.relative_to(self.modules).parts[0]: host.modinfo(field, path)
                for path in self.modules.rglob("chatdnat.ko*")}


def install(dkms, checkout, releases):
    def make(name, target):
        done = dkms.make(checkout, target, this)
        if not tap.equal(done.status, 0, name):
            tap.diag(done.text)
        return done

    def refused(name):
        tap.ok(dkms.make(checkout, "dkms-install", this).status, name)

    this, *others = releases
    host.hollow(checkout)
    wanted = {"Kbuild", "VERSION", "dkms.conf", *(f"module/{name}" for name in host.files(checkout / "module"))}
    done = make("make dkms-uninstall without anything installed", "dkms-uninstall")
    tap.ok("DKMS does not have it" in done.text, "says so")

    make("make dkms-install", "dkms-install")
    tap.equal(dkms.modinfo("version"), {this: host.VERSION}, "installs it for the kernel that was asked for")
    tap.equal({path.parent.name for path in dkms.hooks.rglob("chatdnat") if os.access(path, os.X_OK)}, {"postinst.d", "postrm.d"},
              "and the hooks that Debian's kernels run")
    tap.equal(sorted(host.files(dkms.sources / f"chatdnat-{host.VERSION}") ^ wanted), [], "DKMS has the source, whole")
    for release in others:
        done = dkms.run(*dkms.command, "autoinstall", "-k", release)
        if not tap.equal(done.status, 0, f"{release}: a kernel that comes later"):
            tap.diag(done.text)
    everywhere = dict.fromkeys(releases, host.VERSION)
    tap.equal(dkms.modinfo("version"), everywhere, "has the module too")
    tap.equal({release: magic.split()[0] for release, magic in dkms.modinfo("vermagic").items()},
              {release: release for release in releases}, "each the one that was built for it")

    # The version stays, as between two releases.
    source = checkout / "module" / "main.c"
    (checkout / "Kbuild").write_text("obj-m := chatdnat.o\nchatdnat-y := module/main.o\n", encoding="ascii")
    source.write_text(host.OTHER.format(host.VERSION) + 'MODULE_INFO(changed, "yes");\n', encoding="utf-8")
    make("make dkms-install again, from changed sources", "dkms-install")
    tap.equal(dkms.modinfo("changed"), dict.fromkeys(releases, "yes"), "every kernel has the module made from these")

    (checkout / "VERSION").write_text("99.1\n", encoding="ascii")
    refused("a VERSION that dkms.conf does not have is refused")
    tap.equal(dkms.modinfo("version"), everywhere, "and what was installed stays")
    conf = checkout / "dkms.conf"
    conf.write_text(conf.read_text(encoding="utf-8").replace(host.VERSION, "99.1"), encoding="utf-8")
    source.write_text("#error broken\n", encoding="utf-8")
    refused("another version that does not compile: an error")
    tap.equal(dkms.modinfo("version"), everywhere, "the one that does stays")
    tap.equal({path.name for path in dkms.sources.iterdir()}, {f"chatdnat-{host.VERSION}"}, "and its source")
    make("make dkms-uninstall", "dkms-uninstall")
    tap.equal(sorted(dkms.content() ^ dkms.empty), [], "leaves nothing of any version")


def main():
    if os.geteuid():
        tap.skip("DKMS", "needs root")
        tap.done()
    with host.temporary() as top:
        releases = host.releases()
        dkms = Dkms(top, releases)
        install(dkms, host.checkout(dkms.top / "checkout"), releases)
    tap.done()


main()
