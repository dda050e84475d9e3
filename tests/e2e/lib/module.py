"""The module under test: load, unload, parameters, counters."""

import ctypes
import os
import pathlib
import re
import subprocess

from . import wait

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILE = ROOT / "build" / os.uname().release / "chatdnat.ko"
# The tool; that for another processor is beside the module.
TOOL = (ROOT / "build" if os.uname().machine == "x86_64" else FILE.parent) / "tools" / "chatdnatctl"
SYSFS = pathlib.Path("/sys/module/chatdnat")
SETTINGS = ("wan", "v4", "v6", "ports", "scope", "masquerade", "guard", "allow", "mss", "via",
            "stale", "enabled", "hairpin", "log", "fast", "engine")
PARAMETERS = SETTINGS + ("config",)
# The engine, and the fast path, that tests run with which do not ask for one themselves.
ENGINE = os.environ.get("CHATDNAT_ENGINE", "tracked")
FAST = os.environ.get("CHATDNAT_FAST")
# With PREEMPT_RT the stateless engine takes the path through the stack alone.
SHORTCUT = "PREEMPT_RT" not in os.uname().version.split()
FAMILIES = ("ipv4", "ipv6")
COUNTERS = ("seen", "translated", "sent", "answered", "outbound", "masqueraded", "clamped",
            "dropped_nat", "dropped_source", "dropped_stale", "dropped_via", "dropped_forward",
            "dropped_input", "dropped_echo", "dropped_invalid")

_libc = ctypes.CDLL(None, use_errno=True)
_ready = False


def _check(result):
    if result:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def _tags(key, data):
    return [tag.decode() for tag in re.findall(rb"(?<=\0)" + key + rb"=([^\0]*)", data)]


def prepare():
    """What the module stands on; insmod alone does not load it."""
    global _ready
    if not _ready:
        needs = {"nf_conntrack_netlink"}
        for depends in _tags(b"depends", FILE.read_bytes()):
            needs.update(name for name in depends.split(",") if name)
        subprocess.run(["modprobe", "-a", *sorted(needs)], check=True)
        _ready = True


def load_line(line):
    """insmod with the parameters as they stand on its command line."""
    prepare()
    image = FILE.read_bytes()
    _check(_libc.init_module(image, ctypes.c_ulong(len(image)), os.fsencode(line)))


def line(settings):
    """The settings as the module's own syntax writes them."""
    settings.setdefault("engine", ENGINE)
    if FAST:
        settings.setdefault("fast", FAST)
    return " ".join(f"{name}={value}" for name, value in settings.items())


def load(**settings):
    load_line(line(settings))


def unload():
    _check(_libc.delete_module(b"chatdnat", os.O_NONBLOCK))


def unload_when_idle(seconds=5.0):
    """Whether it went: an open attribute holds no reference on the module, a running write does for a moment."""
    def gone():
        try:
            unload()
            return True
        except BlockingIOError:
            return False
    return wait.until(gone, seconds)


def loaded():
    return SYSFS.exists()


def read(path):
    with open(SYSFS / path, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape").removesuffix("\n")


def get(name):
    return read(f"parameters/{name}")


def set(name, value):  # pylint: disable=redefined-builtin
    """One write(2), as `echo value >` does it."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape") + b"\n"
    fd = os.open(SYSFS / "parameters" / name, os.O_WRONLY)
    try:
        written = os.write(fd, value)
    finally:
        os.close(fd)
    if written != len(value):
        raise RuntimeError(f"{name}: short write, {written} of {len(value)} bytes")


def configure(**settings):
    set("config", line(settings))


def state():
    return {name: get(name) for name in PARAMETERS}


def last_error():
    return read("last_error")


def engines():
    """{relay: which engine serves it, and why}"""
    return dict(each.split(" ", 1) for each in read("engines").splitlines())


def stats(family):
    return {name: int(read(f"stats/{family}/{name}")) for name in COUNTERS}


class Counters:
    """What the counters have gained since this object was made."""

    def __init__(self):
        self.before = {family: stats(family) for family in FAMILIES}

    def gained(self, family):
        now = stats(family)
        return {name: now[name] - self.before[family][name]
                for name in COUNTERS if now[name] != self.before[family][name]}
