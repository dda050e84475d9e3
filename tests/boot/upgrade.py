"""A later version of the packages on a host that forwards mail, and their removal: the loaded module stays."""

from debian import Connection, host, tap

LATER = "99.0.0"
# What may be left of the packages, and of what their programs write.
LEFT = ("/etc/chatdnat", "/etc/dkms/chatdnat*", "/etc/kernel/*/chatdnat", "/etc/modprobe.d/chatdnat.conf",
        "/etc/modules-load.d/chatdnat.conf", "/etc/systemd/system/*/chatdnat*", "/lib/modules/*/updates/dkms/chatdnat*", "/run/chatdnat*",
        "/usr/lib/chatdnat", "/usr/lib/systemd/system/chatdnat*", "/usr/s*bin/chatdnatctl", "/usr/src/chatdnat*",
        "/var/lib/chatdnat", "/var/lib/dkms/chatdnat", "/var/lib/systemd/deb-systemd-helper-*/chatdnat*", "/var/lib/systemd/deb-systemd-helper-*/*/chatdnat*")

# What `dkms status -m chatdnat [-v VERSION] [-k KERNEL]` says of the one kernel of the machine.
STATUS = """#!/bin/sh
[ "$1" = status ] || exec /usr/sbin/dkms "$@"
for tree in /var/lib/dkms/chatdnat/[0-9]*; do
	version=${tree##*/} state=': added'
	[ -d "$tree" ] || continue
	case "$* " in *" -v $version "*) ;; *" -v "*) continue ;; esac
	kernel=$(cd "$tree" && echo */x86_64/module)
	if [ -d "$tree/$kernel" ]; then
		kernel=${kernel%%/*} state=built
		! ls /lib/modules/"$kernel"/updates/dkms/chatdnat.ko* >/dev/null 2>&1 || state=installed
		state=", $kernel, x86_64: $state"
	fi
	echo "chatdnat/$version$state"
done
"""


def prepare(root, deb, first, release):
    """A later version is there to be installed. What would take minutes in the machine is done already: its module is built, depmod,
    which DKMS runs time and again, need not unpack others, nor look at drivers that the machine has no use for, and `dkms status` does
    not need seconds. The first kernel, which the machine has not booted, is left out."""
    root.works("modules are unpacked", "sh", "-ec", f"dkms unbuild chatdnat/{host.VERSION} -k {first}; "
               f"rm -r /lib/modules/{first}; cd /lib/modules/{release}/kernel; "
               "find drivers -mindepth 1 -maxdepth 1 ! -name block ! -name char ! -name net ! -name virtio -exec rm -r {} +; "
               "find . -name '*.ko.xz' -exec xz -d {} +; depmod " + release)
    dkms = root / "usr/local/sbin/dkms"
    dkms.write_text(STATUS, encoding="ascii")
    dkms.chmod(0o755)
    tap.equal(*(root.run(command, "status", "-m", "chatdnat").text for command in ("dkms", "/usr/sbin/dkms")), "dkms status: the quick answer is DKMS's")
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
