"""What the tests of building and installing share: commands on the host, and copies of the checkout to run them in."""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests")]
# pylint: disable=wrong-import-position
import tree
from lib import tap

VERSION = (ROOT / "VERSION").read_text(encoding="ascii").strip()
# Nothing of the make that runs the tests, and no variable of a person that changes what is built.
ENVIRONMENT = {name: os.environ[name] for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME") if name in os.environ} | {
    "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LANG": "C.UTF-8"}

# A commit's, so that the same files are always the same commit, and the same tarball.
DATES = {f"GIT_{who}_DATE": "2020-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")}


class Done:
    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout.decode("utf-8", "replace")

    def warnings(self):
        """What compiler, modpost and kbuild complain about, but for what depends on the host's packages."""
        return [line for line in self.text.splitlines()
                if re.search("warning|error", line, re.IGNORECASE) and "the compiler differs" not in line]


def run(*command, cwd=ROOT, timeout=1800, **env):
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


def headers(real, directory, without, **instead):
    """The headers in real as those of a kernel that was configured without the options that match, and with others."""
    real = pathlib.Path(real).resolve()
    edited = {"include/generated/autoconf.h": ("#define CONFIG_{}(_MODULE)? ", "#define CONFIG_{} {}\n"),
              "include/config/auto.conf": ("CONFIG_{}=", "CONFIG_{}={}\n")}
    (directory / "include" / "config").mkdir(parents=True)
    (directory / "include" / "generated").mkdir()
    for name in ("", "include", "include/generated"):
        for path in (real / name).iterdir():
            if path.name not in ("include", "config", "generated", "autoconf.h"):
                (directory / name / path.name).symlink_to(path)
    for name, (pattern, line) in edited.items():
        lines = (real / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [old for old in lines if not re.match(pattern.format(f"({without})"), old)]
        assert len(kept) < len(lines), (name, without)
        header = name.endswith(".h")
        for option, value in instead.items():
            if value is True:
                value = "1" if header else "y"
            elif value == "m" and header:
                option, value = f"{option}_MODULE", "1"
            kept.append(line.format(option, value))
        (directory / name).write_text("".join(kept), encoding="utf-8")
    return directory


def module(name, kernel, place, *variables):
    """By the kernel's own build system alone, as packagers do it, but for debug information and checks of comments, which
    take their time: builds, without a warning."""
    if not place.exists():
        checkout(place, "Kbuild", "VERSION", "module")
    done = works(f"{name}: builds", "make", "-C", kernel, f"M={place}", "W=1", "CONFIG_DEBUG_INFO=",
                 "CONFIG_DEBUG_INFO_BTF_MODULES=", "cmd_checkdoc=", *variables, "modules")
    tap.equal(done.warnings(), [], f"{name}: without a warning")
    return not done.status


def already(release):
    """Where tests/vm/built has built the same module for a kernel, every file of it at once, and what make said; or nothing."""
    place = ROOT / "build" / release
    built, whole = place / "chatdnat.ko", place / "whole"
    sources = [ROOT / "Kbuild", ROOT / "VERSION", *(ROOT / "module").rglob("*.[ch]")]
    # Of other options than none the module is another.
    if (not whole.exists() or whole.read_text(encoding="utf-8").strip() or not built.exists()
            or built.stat().st_mtime < max(path.stat().st_mtime for path in sources)):
        return None, None
    return place, Done(subprocess.CompletedProcess((), 0, (place / "make.log").read_bytes()))


def undefined(place):
    """What the module needs of the kernel."""
    return {line.split()[-1] for line in run("nm", "-u", place / "chatdnat.ko").text.splitlines()}


def checkout(directory, *paths):
    """A copy of what is in git, or will be."""
    directory = pathlib.Path(directory)
    tree.copy(directory, *paths)
    return directory


def repository(directory, change=lambda directory: None):
    """The same, changed or not, as the only commit of a repository of its own."""
    directory = checkout(directory)
    change(directory)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "test")):
        done = run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", *command, cwd=directory, **DATES)
        assert done.status == 0, done.text
    return directory


def debs():
    """The directory of the Debian packages of this checkout, which the first test that asks has scripts/deb make."""
    shared = ROOT / "build" / "check" / "deb"
    shared.mkdir(parents=True, exist_ok=True)
    with temporary() as top, open(shared / "lock", "w", encoding="ascii") as lock:
        tree = repository(pathlib.Path(top) / "tree")
        place = shared / run("git", "rev-parse", "HEAD", cwd=tree).text.strip()
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            done = run("scripts/deb", cwd=tree)
            assert done.status == 0, done.text
            new = place.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(tree / "build" / "deb", new)
            new.rename(place)
    return place


OTHER = """
#include <linux/module.h>
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("chatdnat");
MODULE_VERSION("{}");
"""


def stand_in(directory, version, kbuild="obj-m := chatdnat.o"):
    """A module that is quickly built, in the place of the other's source."""
    (directory / "Kbuild").write_text(f"{kbuild}\n", encoding="ascii")
    (directory / "chatdnat.c").write_text(OTHER.format(version), encoding="ascii")


def hollow(directory):
    """The module with all its files, and next to nothing in each: Kbuild compiles every one, in seconds."""
    for source in (directory / "module").rglob("*.c"):
        source.write_text("", encoding="ascii")
    (directory / "module" / "main.c").write_text(OTHER.format(VERSION), encoding="ascii")


def other_version(deb, top, version, kbuild="obj-m := chatdnat.o", built=None):
    """A package of the module in another version, with a module that is quickly built, or that has been built."""
    place = top / f"chatdnat-dkms-{version}"
    unpacked = run("dpkg-deb", "-R", deb, place)
    assert unpacked.status == 0, unpacked.text
    (place / "usr/src" / f"chatdnat-{VERSION}").rename(place / "usr/src" / f"chatdnat-{version}")
    source = place / "usr/src" / f"chatdnat-{version}"
    for path in (*(place / "DEBIAN").iterdir(), source / "VERSION", source / "dkms.conf"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(rf"(?<![0-9.]){re.escape(VERSION)}", version, text), encoding="utf-8")
    stand_in(source, version, kbuild)
    if built:
        shutil.copy(built, source)
        conf = source / "dkms.conf"
        conf.write_text(re.sub(r'^(MAKE\[0\]|CLEAN)=.*', r'\1="true"', conf.read_text(encoding="utf-8"), flags=re.MULTILINE),
                        encoding="utf-8")
    other = top / f"chatdnat-dkms_{version}-1_all.deb"
    packed = run("dpkg-deb", "-b", place, other)
    assert packed.status == 0, packed.text
    return other


def files(directory):
    return {str(path.relative_to(directory)) for path in pathlib.Path(directory).rglob("*")
            if path.is_symlink() or not path.is_dir()}


def sections(file):
    """The names of an object file's sections."""
    return set(re.findall(r"^ *\[ *\d+\] (\S+)", run("readelf", "-S", "--wide", file).text, re.M))


def modinfo(field, file):
    return run("modinfo", "-F", field, file).text.strip()


def temporary():
    return tempfile.TemporaryDirectory(prefix="chatdnat-build.")
