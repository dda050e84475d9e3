"""A later version of the packages on a host that forwards mail, and their removal: the loaded module stays."""

from debian import Connection, host, tap

LATER = "99.0.0"
# What may be left of the packages, and of what their programs write.
LEFT = ("/etc/chatdnat", "/etc/dkms/chatdnat*", "/etc/kernel/*/chatdnat", "/etc/modprobe.d/chatdnat.conf",
        "/etc/modules-load.d/chatdnat.conf", "/etc/systemd/system/*/chatdnat*", "/lib/modules/*/updates/dkms/chatdnat*", "/run/chatdnat*",
        "/usr/lib/chatdnat", "/usr/lib/systemd/system/chatdnat*", "/usr/s*bin/chatdnatctl", "/usr/src/chatdnat*",
        "/var/lib/chatdnat", "/var/lib/dkms/chatdnat", "/var/lib/systemd/deb-systemd-helper-*/chatdnat*", "/var/lib/systemd/deb-systemd-helper-*/*/chatdnat*")


def prepare(root, deb, first, release):
    """A later version is there to be installed. What would take minutes in the machine is done already: its module is built, and
    depmod, which DKMS runs time and again, need not unpack others. The first kernel, which the machine has not booted, is left out."""
    root.works("modules are unpacked", "sh", "-ec", f"dkms unbuild chatdnat/{host.VERSION} -k {first}; "
               f"rm -r /lib/modules/{first}; cd /lib/modules/{release}/kernel; "
               "find . -name '*.ko.xz' -exec xz -d {} +; depmod " + release)
    place = root / "root/later"
    place.mkdir()
    host.stand_in(place, LATER)
    root.works("a module of a later version builds", "make", "-C", f"/lib/modules/{release}/build", "M=/root/later", "modules")
    later = host.other_version(deb, root.dir.parent, LATER, built=place / "chatdnat.ko")
    host.works("its package is there", "cp", later, root / "root")


def upgrade(machine):
    stream = Connection(machine.port)
    tap.ok(stream.echoes(), "before the upgrade mail reaches the relay")
    said = rf"chatdnat: the loaded module, version {host.VERSION}, is older than the installed one, {LATER}"
    # dpkg by itself: apt, which tests/build/packages.t has, takes its time in the machine.
    machine.gives(f"dpkg -i /root/chatdnat-dkms_{LATER}-1_all.deb", said,
                  "the upgrade says that the loaded module is older", 0)
    machine.gives("modinfo -F version chatdnat", f"^{LATER}$", "the next boot takes the new one")
    machine.gives("cat /sys/module/chatdnat/version", f"^{host.VERSION}$", "the loaded one stays")
    tap.ok(stream.echoes(), "the connection lives on")
    machine.gives("dpkg --purge chatdnat-dkms chatdnatctl", "", "the packages are purged", 0)
    machine.gives(f"ls -d {' '.join(LEFT)} 2>/dev/null", r"\A\Z", "nothing is left")
    tap.ok(stream.echoes(), "the connection lives on")
