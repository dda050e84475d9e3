#!/usr/bin/python3
"""Building and installing from the checkout; nothing of it stays where it does not belong. The module's files are empty: that they
compile, suites.t and packages.t find out."""

import lzma
import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap


def build(tree, release):
    """By the kernel's own build system alone, as packagers do it."""
    kernel = ("make", "-C", f"/lib/modules/{release}/build", f"M={tree}")
    done = host.works(f"{release}: kbuild builds it", *kernel, "W=1", "modules")
    tap.equal(done.warnings(), [], f"{release}: without a warning")
    tap.equal(host.modinfo("vermagic", tree / "chatdnat.ko").split()[:1], [release], f"{release}: for that kernel")


def install(tree, release, stage):
    where = (f"KVER={release}", f"DESTDIR={stage}", "PREFIX=/usr")
    before = host.files(tree)
    # Built for another kernel before: as after an upgrade of the kernel.
    done = host.works(f"{release}: make", "make", f"KVER={release}", cwd=tree)
    tap.equal(done.warnings(), [], f"{release}: without a warning")
    done = host.works(f"{release}: make install", "make", "install", *where, cwd=tree)
    tap.ok("SSL error" not in done.text and done.text.count("The module is not signed") == 1, f"{release}: says that it is not signed, and no error")
    installed = host.files(stage)
    modules = [name for name in installed if name.startswith(f"lib/modules/{release}/updates/chatdnat.ko")]
    tap.equal(installed - set(modules),
              {"usr/sbin/chatdnatctl", "usr/share/man/man8/chatdnatctl.8", "usr/share/man/ru/man8/chatdnatctl.8",
               "usr/share/bash-completion/completions/chatdnatctl", "usr/share/zsh/site-functions/_chatdnatctl",
               "usr/share/fish/vendor_completions.d/chatdnatctl.fish",
               "usr/lib/systemd/system/chatdnat.service", "usr/lib/systemd/system/chatdnat-closed.service",
               "usr/lib/chatdnat/closed.nft", "usr/lib/chatdnat/closed-rules"},
              f"{release}: the tool, its man pages, completions and units are installed")
    sections = host.sections(stage / "usr/sbin/chatdnatctl")
    tap.ok(".text" in sections and ".debug_info" not in sections, f"{release}: the tool has no debug information")
    if tap.equal(len(modules), 1, f"{release}: and the module"):
        module = stage / modules[0]
        tap.equal(host.modinfo("vermagic", module).split()[0], release, f"{release}: the module is for that kernel")
        plain = stage.with_name("installed.ko")
        plain.write_bytes(lzma.decompress(module.read_bytes()) if module.suffix == ".xz" else module.read_bytes())
        built, left = host.sections(tree / "chatdnat.ko"), host.sections(plain)
        tap.ok(".debug_info" in built and ".modinfo" in left and ".debug_info" not in left,
               f"{release}: of the module the debug information is left out")
        tap.equal(host.modinfo("version", module), host.VERSION, f"{release}: the module has the version")
    tap.equal(host.run(stage / "usr/sbin/chatdnatctl", "--version").text, f"chatdnatctl {host.VERSION}\n",
              f"{release}: so has the tool")
    others = stage / "usr/sbin/other"
    others.touch()
    host.works(f"{release}: make uninstall", "make", "uninstall", *where, cwd=tree)
    tap.equal(host.files(stage), {"usr/sbin/other"}, f"{release}: takes away what was installed, and nothing else")
    host.works(f"{release}: make uninstall once more", "make", "uninstall", *where, cwd=tree)
    others.unlink()
    return host.files(tree) - before


def clean(tree, what):
    tap.equal(host.run("git", "status", "--porcelain", cwd=tree).text, "", f"{what}: git sees none of it")
    host.works(f"{what}: make clean", "make", "clean", cwd=tree)
    tap.equal(host.run("git", "status", "--porcelain", "--ignored", cwd=tree).text, "", f"{what}: make clean leaves nothing")


def main():
    with host.temporary() as top:
        tree, stage = host.repository(pathlib.Path(top) / "tree", host.hollow), pathlib.Path(top) / "stage"
        stage.mkdir()
        done = host.works("make help", "make", "help", cwd=tree)
        tap.ok(all(f"\n  {target} " in "\n" + done.text for target in ("module", "tools", "install", "check", "clean")),
               "make help names the targets")
        clean(tree, "make help")
        done = host.refuses("make without headers fails", "make", "KVER=0.0", cwd=tree)
        tap.ok("install linux-headers-0.0" in done.text, "and names the missing package")
        releases = host.releases()
        build(tree, releases[0])
        clean(tree, f"kbuild, {releases[0]}")
        tap.ok(install(tree, releases[-1], stage), f"{releases[-1]}: something was built")
        clean(tree, "make and make install")
    tap.done()


main()
