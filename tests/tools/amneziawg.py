"""WireGuard's module and program under AmneziaWG's names, which are equally long: Debian has no AmneziaWG."""

import lzma
import os
import shutil

# The command that sets a device, of Linux before 6.19 and since. The last byte says what is checked.
CHECKED = (b"\0\0\x10\0" + bytes(44) + b"\1\0\x10\0", b"\0\0\x14\0" + bytes(32) + b"\x08\0\0\0\1\0\x12\0")
DONT_VALIDATE_STRICT = b"\1"
FAMILY = b"amneziawg" + bytes(7)
# In struct genl_family, from its name on: up to which command the kernel lets a family check less.
RESV_START_OP = 29


def renamed(source, target, change=lambda text: text):
    with (lzma.open if source.endswith(".xz") else open)(source, "rb") as file:
        # Without its mark the signature, which does not fit any more, is none.
        text = file.read().replace(b"wireguard", b"amneziawg").removesuffix(b"~Module signature appended~\n")
    with open(target, "wb", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
        file.write(change(text))


def takes_parameters(version):
    """Lets the driver pass over attributes that it does not know, as Jc is, and announce a version of the netlink family."""
    def change(text):
        checked, = (pattern for pattern in CHECKED if text.count(pattern) == 1)
        assert text.count(FAMILY + b"\1\0\0\0") == 1
        text = bytearray(text.replace(checked, checked[:-1] + DONT_VALIDATE_STRICT))
        at = text.index(FAMILY + b"\1\0\0\0")
        text[at + len(FAMILY)] = version
        text[at + RESV_START_OP] = 2
        return text
    return change


def module(ns, target, change=lambda text: text):
    ns.run("modprobe", "wireguard")
    renamed(ns.run("modinfo", "-n", "wireguard").strip(), target, change)


def program(target):
    renamed(shutil.which("wg"), target)
