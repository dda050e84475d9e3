"""A whole Debian 13: its root file system, in which apt runs as fast as this machine, and the emulated machine that boots it."""

import base64
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "build"))
# pylint: disable=wrong-import-position
import host
from host import ROOT, tap

GUEST = ROOT / "tests" / "boot" / "guest"
# Programs, with the namespaces of their own that the first argument of `sh` is the root of.
INSIDE = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-ec",
          'mount -t proc proc "$1/proc"; root=$1; shift; exec chroot "$root" "$@"', "sh")


class Root:
    """A directory with the root file system."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)

    @classmethod
    def new(cls, directory):
        image = pathlib.Path(host.run("tests/boot/image", timeout=3600).text.splitlines()[-1])
        directory.mkdir()
        subprocess.run(["tar", "-xf", image / "root.tar", "-C", directory], check=True)
        root = cls(directory)
        shutil.copytree(GUEST, root.dir, dirs_exist_ok=True)
        (root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/new ./\n", encoding="ascii")
        (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
        (root / "etc/hostname").write_text("proxy\n", encoding="ascii")
        return root

    def copy(self, directory):
        subprocess.run(["cp", "-a", "--reflink=auto", self.dir, directory], check=True)
        return Root(directory)

    def __truediv__(self, path):
        return self.dir / path

    def run(self, *command, timeout=3600):
        done = subprocess.run([*INSIDE, self.dir, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False, timeout=timeout, cwd="/",
                              env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                                   "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})
        return host.Done(done)

    def works(self, name, *command):
        done = self.run(*command)
        if not tap.equal(done.status, 0, name):
            tap.diag(done.text[-6000:])
        return done

    def kernels(self):
        """Those that can boot, the newest, which does, last: as GRUB finds them."""
        releases = [path.name.removeprefix("vmlinuz-") for path in (self / "boot").glob("vmlinuz-*")]
        return sorted(releases, key=lambda release: [int(n) for n in re.findall("[0-9]+", release)])

    def module(self, release):
        """The version of the module that modprobe would load with that kernel."""
        return self.run("modinfo", "-k", release, "-F", "version", "chatdnat").text.strip()

    def image(self, file):
        """A disk of it, with room for what a boot writes."""
        # Or the first boot begins by making the system's caches anew.
        for place in ("etc", "var"):
            (self / place / ".updated").touch()
        size = int(subprocess.run(["du", "-sk", "--apparent-size", self.dir], capture_output=True, check=True).stdout.split()[0])
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-E", "root_owner=0:0", "-d", self.dir, file,
                        f"{size * 5 // 4 + 262144}k"], stdout=subprocess.DEVNULL, check=True, env=host.ENVIRONMENT)
        return file


def complaints():
    """What the kernel says when it is not well, as tests/vm/run has it."""
    lines = [line for line in (ROOT / "tests/vm/run").read_text(encoding="utf-8").splitlines() if line.startswith("complaints")]
    return subprocess.run(["bash", "-c", "\n".join(lines) + '\necho "$complaints"'], capture_output=True, text=True,
                          check=True).stdout.strip()


class Machine:
    """Boots a kernel of the root from a disk of it. What is written there is forgotten. TCP port `port` of this host leads to
    port 993 of its WAN address, which it gets by DHCP."""

    def __init__(self, root, disk, release):
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="chatdnat-boot."))
        self.log = self.tmp / "log"
        agent, monitor = self.tmp / "agent", self.tmp / "monitor"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # pylint: disable=consider-using-with
        self.qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
             # Without devices and extensions whose drivers would be loaded for nothing.
             "-machine", "q35,sata=off,smbus=off", "-accel", "tcg", "-cpu", "qemu64,+rdrand,-svm", "-m", "1024",
             "-kernel", root / f"boot/vmlinuz-{release}", "-initrd", root / f"boot/initrd.img-{release}",
             "-append", "console=ttyS0 root=/dev/vda rw loglevel=5 panic=-1 oops=panic mitigations=off no_timer_check "
                        "cryptomgr.notests nowatchdog rcupdate.rcu_cpu_stall_suppress=1 init_on_alloc=0 lsm=capability "
                        # A busy host makes everything slow. So nothing has a time limit.
                        "systemd.show_status=false systemd.default_timeout_start_sec=infinity "
                        "systemd.default_device_timeout_sec=infinity udev.event_timeout=3600",
             "-drive", f"if=virtio,format=raw,snapshot=on,file={disk}", "-serial", f"file:{self.log}",
             "-netdev", f"user,id=wan,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:993",
             "-device", "virtio-net-pci,netdev=wan", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
             "-chardev", f"socket,id=agent,path={agent},server=on,wait=off", "-device", "virtserialport,chardev=agent,name=agent",
             "-chardev", f"socket,id=monitor,path={monitor},server=on,wait=off", "-mon", "chardev=monitor,mode=readline"],
            stdin=subprocess.DEVNULL)
        self.agent, self.monitor = self.connected(agent), self.connected(monitor)

    def connected(self, path):
        """To a socket that QEMU makes when it starts."""
        while self.qemu.poll() is None:
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(str(path))
                client.settimeout(1800)
                return client.makefile("rwb", buffering=0)
            except OSError:
                client.close()
                time.sleep(0.1)
        raise EOFError(f"QEMU does not start: {self.qemu.returncode}")

    def __enter__(self):
        if self.line() != "ready":
            raise AssertionError(self.kernel_log())
        return self

    def line(self):
        data = b""
        while not data.endswith(b"\n"):
            byte = self.agent.read(1)
            if not byte:
                raise EOFError(f"the machine has ended: {self.kernel_log()[-3000:]}")
            data += byte
        return data.decode().strip()

    def kernel_log(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def sh(self, command):
        """Status and text of a command."""
        self.agent.write(base64.b64encode(command.encode()) + b"\n")
        status, _, text = self.line().partition(" ")
        return int(status), base64.b64decode(text).decode("utf-8", "replace").rstrip("\n")

    def gives(self, command, pattern, name, status=None):
        """The command prints what matches, and ends with that status."""
        code, text = self.sh(command)
        if not tap.ok(re.search(pattern, text, re.MULTILINE) and status in (None, code), name):
            tap.diag(f"{command}: {code}\n{text[-4000:]}")
        return text

    def stamp(self, unit, what="ActiveEnterTimestampMonotonic"):
        return int(self.sh(f"systemctl show --value -p {what} {unit}")[1])

    def networkd(self):
        """When it was started: it is active only later."""
        return self.stamp("systemd-networkd.service", "ExecMainStartTimestampMonotonic")

    def link(self, up):
        """Plugs the cable of the WAN interface in, or pulls it out."""
        self.monitor.write(f"set_link wan {'on' if up else 'off'}\n".encode())

    def __exit__(self, *_):
        found = [line for line in self.kernel_log().splitlines() if re.search(complaints(), line)]
        tap.equal(found, [], "the kernel does not complain")
        self.qemu.kill()
        self.qemu.wait()
        shutil.rmtree(self.tmp)


class Connection:
    """One to a server that echoes."""

    def __init__(self, port, timeout=1800):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)

    def echoes(self):
        word = os.urandom(8).hex().encode()
        try:
            self.socket.sendall(word)
            got = b""
            while len(got) < len(word):
                more = self.socket.recv(64)
                if not more:
                    return False
                got += more
        except OSError:
            return False
        return got == word
