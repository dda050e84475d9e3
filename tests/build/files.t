#!/usr/bin/python3
"""What chatdnatctl setup and save do with files that they find, and after a run that did not come to an end."""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

# A machine of its own, with a module that only looks like one. `setup` says what the tool says, but for the plan and the checks.
MACHINE = """
for place in /etc /run /srv /sys/module /var/lib; do mount -t tmpfs none $place; done
mkdir -p /sys/module/chatdnat/parameters /etc/modprobe.d /etc/sysctl.d /etc/wireguard
echo wan= v4= v6= guard=off allow=ssh via= >/sys/module/chatdnat/parameters/config
options=/etc/modprobe.d/chatdnat.conf
manifest=/var/lib/chatdnat/setup.json
tool() { timeout 60 "$TOOL" setup "$@" 2>&1 | sed 's/^chatdnatctl: setup: //'; }
setup() { tool --relay relay.example,10.9.0.2 --wan lo --tunnel lo --address 203.0.113.1 "$@" | grep -E '^wrote|^replaced|^cannot|^kept|exists|changed' || :; }
undo() { tool --undo | grep -E "$options|cannot" || :; }
# Whatever else is in the machine.
others() { find /etc /var/lib /srv -mindepth 1 ! -type d ! -path $options ! -name '90-chatdnat.conf' | sort; }
"""
FOREIGN = "{} exists and is not of setup's; with --replace it is replaced, and --undo brings it back\nnothing was changed\n"
WROTE = "wrote /etc/sysctl.d/90-chatdnat.conf\n{} /etc/modprobe.d/chatdnat.conf\nwrote /etc/modules-load.d/chatdnat.conf\n"
OPTIONS = "/etc/modprobe.d/chatdnat.conf"
CASES = {
    "a link to a file": ("""
        echo '# mine' >/srv/mine; chmod 640 /srv/mine; ln -s /srv/mine $options
        setup; setup --replace; undo
        readlink $options; stat -c %a /srv/mine; cat /srv/mine; others
        """, FOREIGN.format(OPTIONS) + WROTE.format("replaced") + f"restored {OPTIONS}\n/srv/mine\n640\n# mine\n/srv/mine\n"),
    "a link to nothing": ("""
        ln -s /srv/mine $options
        setup; setup --replace; undo
        readlink $options; others
        """, FOREIGN.format(OPTIONS) + WROTE.format("replaced") + f"restored {OPTIONS}\n/srv/mine\n"),
    "what setup has written, behind a link": ("""
        setup; mv $options /srv/mine; ln -s /srv/mine $options
        setup; undo; readlink $options
        """, WROTE.format("wrote") + f"kept {OPTIONS}, which was changed since setup has written it\n/srv/mine\n"),
    "a file that was replaced, and then changed": ("""
        echo '# mine' >$options; chmod 640 $options
        setup --replace; echo '# more' >>$options
        undo; tail -n 1 $options; cat $options.before-setup; stat -c %a $options.before-setup
        """, WROTE.format("replaced") + f"kept {OPTIONS}, which was changed since setup has written it; what was there before is in {OPTIONS}.before-setup\n"
        "# more\n# mine\n640\n"),
    "what cannot be kept is not replaced": ("""
        printf 'a\\0b' >$options; setup --replace; stat -c %s $options
        head -c 2000000 /dev/zero | tr '\\0' x >$options; setup --replace; stat -c %s $options
        rm $options; mkdir $options; setup --replace; rmdir $options
        mkfifo $options; setup --replace; rm $options
        head -c 900000 /dev/zero | tr '\\0' '"' >$options; setup --replace; stat -c %s $options
        others
        """, "".join(f"cannot keep, and so to replace, {OPTIONS}: {why}\n{size}" for why, size in (
            ("Invalid argument", "3\n"), ("File too large", "2000000\n"), ("Is a directory", ""), ("Invalid argument", ""))) +
        "cannot write /var/lib/chatdnat/setup.json: File too large\n900000\n"),
    "bytes that are not UTF-8 come back": ("""
        printf '# caf\\351\\n' >$options; setup --replace; undo; od -An -c $options
        """, WROTE.format("replaced") + f"restored {OPTIONS}\n   #       c   a   f 351  \\n\n"),
    # As if it was killed: the manifest is new, and the file is not.
    "a second run that did not come to an end": ("""
        setup; mount --bind /etc/modprobe.d /etc/modprobe.d; mount -o remount,bind,ro /etc/modprobe.d
        setup --allow 2222; umount /etc/modprobe.d
        setup --allow 2223; grep -o 'allow=.*' $options
        mount --bind /etc/modprobe.d /etc/modprobe.d; mount -o remount,bind,ro /etc/modprobe.d
        setup --allow 2222; umount /etc/modprobe.d
        undo; [ ! -e $options ]; others
        """, WROTE.format("wrote") + f"cannot write {OPTIONS}: Read-only file system\nreplaced {OPTIONS}\nallow=2223\n"
        f"cannot write {OPTIONS}: Read-only file system\nremoved {OPTIONS}\n"),
    "files that are not wanted any more, and a run that did not come to an end": ("""
        setup; sed -i '/modules-load/s/chatdnat/old/' $manifest
        mv /etc/modules-load.d/chatdnat.conf /etc/modules-load.d/old.conf
        mount --bind /etc/modprobe.d /etc/modprobe.d; mount -o remount,bind,ro /etc/modprobe.d
        setup --allow 2222; umount /etc/modprobe.d
        undo; [ ! -e $options ]; others
        """, WROTE.format("wrote") + f"cannot write {OPTIONS}: Read-only file system\nremoved {OPTIONS}\n"),
    "--dry-run shows no key of somebody else's": ("""
        mkdir -p /srv; echo '# PrivateKey=secret' >$options; printf 'presharedkey =\\tsecret\\n' >>$options
        tool --relay 10.9.0.2 --wan lo --tunnel lo --address 203.0.113.1 --dry-run | grep -i -E 'key|secret'
        """, "-# PrivateKey=******\n-presharedkey =\t******\n".replace("\t", "\\x09")),
    "a port that is in use": ("""
        python3 -c 'if True:
            import os, socket, subprocess
            s = socket.socket(type=socket.SOCK_DGRAM)
            s.bind(("", 51820))
            subprocess.run([os.environ["TOOL"], "setup", "--relay", "10.9.0.2", "--wan", "lo", "--address", "203.0.113.1", "--dry-run"])' 2>&1
        """, "chatdnatctl: setup: the UDP port 51820 is in use on this host; another one for the tunnel: --port PORT\n"),
    "two at once": ("""
        mkfifo /srv/wait; flock /run/chatdnatctl.setup.lock sh -c 'echo >/srv/wait; read -r _ </srv/wait' & read -r _ </srv/wait
        tool --relay 10.9.0.2 --wan lo --tunnel lo --address 203.0.113.1; echo >/srv/wait; wait
        [ ! -e $manifest ] && [ ! -e $options ]
        """, "another chatdnatctl setup runs\n"),
    "a manifest that is damaged": ("""
        mkdir /var/lib/chatdnat; for text in '' '{' '[]' '{"files": 1}' '{"files": [null]}' '{"files": [1]}' '{"files": [{"path": "x", "text": "y"}]}'; do
            printf %s "$text" >$manifest; tool --undo; tool; done
        """, 14 * "/var/lib/chatdnat/setup.json is damaged: restore it, or remove it and, by hand, what setup has written\n"),
    "save keeps all lines of others, or changes nothing": ("""
        mkdir /etc/modules-load.d
        save() { timeout 20 "$TOOL" save 2>&1; }
        seq -f '# line %08.0f' 9999 >$options; save; grep -c '^# line' $options
        printf '# a\\0b\\noptions other x=1\\n' >$options; save || :; tail -n 1 $options
        rm $options; mkfifo $options; save || :; [ -p $options ]
        rm $options; echo '# mine' >$options; rm /etc/modules-load.d/chatdnat.conf; mkfifo /etc/modules-load.d/chatdnat.conf; save || :; cat $options
        """, "/etc/modprobe.d/chatdnat.conf\n/etc/modules-load.d/chatdnat.conf\n9999\n" + "".join(
            f"chatdnatctl: save: cannot keep the other lines of {path}: {text}\n" for path, text in (
                (OPTIONS, "Invalid argument\noptions other x=1"), (OPTIONS, "Invalid argument"),
                ("/etc/modules-load.d/chatdnat.conf", "Invalid argument\n# mine")))),
    "options in other files": ("""
        echo 'options chatdnat guard=off' >/etc/modprobe.d/a.conf; setup; grep -c . $options; undo
        printf '\\noptions chatdnat guard=off\\n' >/etc/modprobe.d/mail.conf; setup; [ ! -e $options ]
        tool --relay relay.example,10.9.0.2 --wan lo --tunnel lo --address 203.0.113.1
        """, WROTE.format("wrote") + f"2\nremoved {OPTIONS}\n/etc/modprobe.d/mail.conf, line 2, sets guard too, and counts after {OPTIONS}: remove it there\n"),
    "addresses that are of no machine": ("""
        for a in 0.0.0.0 127.0.0.1 224.0.0.1 255.255.255.255 ::1 :: fe80::1 ff02::1; do
            tool --relay 10.9.0.2,fd00:9::2 --wan lo --tunnel lo --address $a --dry-run | grep -c 'is not an IPv4 address, an IPv6 address' || echo $a; done
        """, 8 * "1\n"),
    "another name counts from then on": ("""
        setup; tool --relay other.example,10.9.0.2 --wan lo --tunnel lo --address 203.0.113.1 >/dev/null
        tool | grep ^name
        """, WROTE.format("wrote") + "name      other.example\n"),
}


def main():
    tool = host.ROOT / "build" / "tools" / "chatdnatctl"
    host.works("the tool is built", "make", "-s", "-C", "tools")
    if host.run("unshare", "-nm", "true").status:
        tap.skip("files", "no namespaces here")
    else:
        for name, (script, expected) in CASES.items():
            done = host.run("unshare", "-nm", "sh", "-ec", MACHINE + script, TOOL=str(tool))
            tap.equal(done.text, expected, name)
    tap.done()


main()
