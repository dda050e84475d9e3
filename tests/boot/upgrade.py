"""A later version of the packages on a host that forwards mail, and their removal: the loaded module stays."""

from debian import Connection, host, tap

LATER = "99.0.0"
# What may be left of the packages, and of what their programs write.
LEFT = ("/etc/chatdnat", "/etc/dkms/chatdnat*", "/etc/kernel/*/chatdnat", "/etc/modprobe.d/chatdnat.conf",
        "/etc/modules-load.d/chatdnat.conf", "/etc/systemd/system/*/chatdnat*", "/lib/modules/*/updates/dkms/chatdnat*", "/run/chatdnat*",
        "/usr/lib/chatdnat", "/usr/lib/systemd/system/chatdnat*", "/usr/s*bin/chatdnatctl", "/usr/src/chatdnat*",
        "/var/lib/dkms/chatdnat", "/var/lib/systemd/deb-systemd-helper-*/chatdnat*", "/var/lib/systemd/deb-systemd-helper-*/*/chatdnat*")


def prepare(root, deb):
    """A later version is there to be installed."""
    host.works("a later version of the package is there", "cp", host.other_version(deb, root.dir.parent, LATER), root / "root")


def upgrade(machine):
    stream = Connection(machine.port)
    tap.ok(stream.echoes(), "before the upgrade mail reaches the relay")
    said = rf"chatdnat: the loaded module, version {host.VERSION}, is older than the installed one, {LATER}"
    machine.gives(f"apt-get install -q -y --no-install-recommends /root/chatdnat-dkms_{LATER}-1_all.deb", said,
                  "the upgrade says that the loaded module is older", 0)
    machine.gives("modinfo -F version chatdnat", f"^{LATER}$", "the next boot takes the new one")
    machine.gives("cat /sys/module/chatdnat/version", f"^{host.VERSION}$", "the loaded one stays")
    tap.ok(stream.echoes(), "the connection lives on")
    machine.gives("apt-get remove -q -y chatdnat-dkms chatdnatctl", "", "the packages are removed", 0)
    machine.gives("cat /etc/modprobe.d/chatdnat.conf", "^options chatdnat ", "the configuration stays")
    machine.gives("apt-get purge -q -y chatdnat-dkms chatdnatctl", "", "and purged", 0)
    machine.gives(f"ls -d {' '.join(LEFT)} 2>/dev/null", r"\A\Z", "nothing is left")
    tap.ok(stream.echoes(), "the connection lives on")
