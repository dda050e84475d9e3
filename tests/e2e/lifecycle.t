#!/usr/bin/python3
"""The module as a file and as a part of sysfs: tags, versions, modes, documentation; and IPv6 switched off."""

import os
import re
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, tap, topo, traffic
from lib.topo import CLIENT, HOME, INTERNET, PROXY, RELAY, settings
from lib.traffic import Seen

ABI = module.ROOT / "docs" / "ABI" / "sysfs-module-chatdnat"
NOBODY = 65534

# What the kernel itself puts there, for every module.
KERNELS_OWN = {"coresize", "initsize", "initstate", "refcnt", "taint", "uevent", "srcversion", "scmversion"}


def command(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def own_files():
    """Every file of ours below /sys/module/chatdnat, with the counters' families spelt out."""
    found = []
    for folder, folders, files in os.walk(module.SYSFS):
        if folder == str(module.SYSFS):
            folders[:] = [name for name in folders if name not in ("holders", "notes", "sections")]
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), module.SYSFS)
            if path not in KERNELS_OWN:
                found.append(path)
    return sorted(found)


def expected_files():
    return sorted([f"parameters/{name}" for name in module.PARAMETERS] + ["engines", "fastpath", "last_error", "version"] +
                  [f"stats/{family}/{name}" for family in module.FAMILIES for name in module.COUNTERS])


@case.case
def files_and_modes():
    module.load()
    tap.equal(own_files(), expected_files(), "sysfs has these files and no other")
    for path in expected_files():
        mode = stat.S_IMODE((module.SYSFS / path).stat().st_mode)
        want = 0o644 if path.startswith("parameters/") else 0o444
        tap.equal(oct(mode), oct(want), f"{path} has mode {want:o}")
    for path in expected_files():
        with open(module.SYSFS / path, "rb") as file:
            text = file.read()
        # Nothing went wrong, and there is no relay.
        lines = {"engines": 0, "last_error": 0, "fastpath": len(module.FAMILIES)}.get(path, 1)
        tap.equal((text.count(b"\n"), text.endswith(b"\n")), (lines, bool(lines)),
                  f"{path} has {lines} lines")
    for family in module.FAMILIES:
        tap.equal(set(module.stats(family).values()), {0}, f"{family} counters begin at zero")


@case.case
def only_root_writes():
    module.load(wan="eth0")
    for path in expected_files():
        pid = os.fork()
        if not pid:
            status = 0
            try:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
                module.read(path)
                status = 1
                os.close(os.open(module.SYSFS / path, os.O_WRONLY))
                status = 2
            except PermissionError:
                pass
            except BaseException:  # pylint: disable=broad-except
                status = 3
            finally:
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        tap.equal(os.waitstatus_to_exitcode(status), 1, f"{path}: anybody reads, only root writes")
    # Root of a container is nobody here, unless it is root here.
    script = f'id -u; echo eth1 >{module.SYSFS}/parameters/wan'
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script], user=NOBODY, group=NOBODY,
                          extra_groups=[], capture_output=True, text=True, check=False)
    tap.equal((done.stdout, done.returncode != 0), ("0\n", True), "nor does root of another user namespace")
    for names, changes in (("wan", "eth1"), ("config", "wan=eth1")):
        done = subprocess.run(["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", "sh", "-c",
                               f'id -u; echo {changes} | tee {module.SYSFS}/parameters/{names} >/dev/null'],
                              capture_output=True, text=True, check=False)
        tap.equal((done.stdout, "Operation not permitted" in done.stderr, done.returncode != 0), ("0\n", True, True),
                  f"nor does root without CAP_NET_ADMIN: {names}")
        tap.equal(module.last_error(), f"{names}: '{changes}': expected a writer with CAP_NET_ADMIN", "which says why")
    tap.equal(module.get("wan"), "eth0", "nothing has changed")
    module.set("wan", "eth0")
    tap.equal(module.last_error(), "", "who has it writes")
    for path in expected_files():
        if path.startswith("parameters/"):
            continue
        try:
            with open(module.SYSFS / path, "wb", buffering=0) as file:
                file.write(b"0\n")
            outcome = "written"
        except OSError:
            outcome = "refused"
        tap.equal(outcome, "refused", f"{path} cannot be written by root either")


def matches(what, path):
    """An entry's path may leave the family or a counter open: /<family>/, {ipv4,ipv6}, [n]."""
    def alternatives(match):
        return "(" + "|".join(re.escape(word) for word in match[1].split(",")) + ")"
    pattern = re.sub(r"\\\{([^}]*)\\\}", lambda m: alternatives([None, m[1].replace("\\", "")]), re.escape(what))
    pattern = re.sub(r"<[^>]*>|\[[^\]]*\]", "[^/]+", pattern.replace("\\<", "<").replace("\\>", ">"))
    return re.fullmatch(pattern, path)


@case.case
def every_file_is_documented():
    if not ABI.exists():
        tap.ok(False, f"{ABI.relative_to(module.ROOT)} exists")
        return
    text = ABI.read_text(encoding="utf-8")
    entries = [part for part in re.split(r"\n\n+(?=What:)", "\n\n" + text) if part.startswith("What:")]
    tap.ok(entries, "the ABI file has entries")
    documented = []
    for entry in entries:
        tags = re.findall(r"(?m)^([A-Z][A-Za-z]*):", entry)
        whats = re.findall(r"(?m)^What:\s*(\S+)", entry)
        missing = {"What", "Date", "KernelVersion", "Contact", "Description"} - set(tags)
        tap.equal(missing, set(), f"{' '.join(whats)} has all tags")
        documented += whats
    module.load()
    paths = [f"/sys/module/chatdnat/{path}" for path in own_files()]
    for path in paths:
        tap.ok(any(matches(what, path) for what in documented), f"{path} is documented")
    for what in documented:
        if re.search(r"/(stats|parameters)/?$", what):
            continue
        tap.ok(any(matches(what, path) for path in paths), f"{what} exists")


@case.case
def module_information():
    def info(field):
        return command("modinfo", "-F", field, str(module.FILE)).splitlines()
    version = (module.ROOT / "VERSION").read_text(encoding="ascii").strip()
    tap.ok(re.fullmatch(r"\d+\.\d+(\.\d+)?", version), f"VERSION holds one: {version}")
    tap.equal(info("version"), [version], "modinfo's version is that of VERSION")
    tap.equal(info("license"), ["GPL"], "modinfo's license")
    tap.ok(info("author") and all(info("author")), "modinfo has an author")
    tap.ok(info("description") and len(info("description")[0]) > 20, "modinfo has a description")
    parm = dict(line.split(":", 1) for line in info("parm"))
    tap.equal(sorted(parm), sorted(module.PARAMETERS), "modinfo describes every parameter")
    tap.ok(all(len(text.strip()) > 10 for text in parm.values()), "in words")
    tap.ok(any("nf_nat" in line.split(",") for line in info("depends")), "it depends on the NAT core")
    tap.equal(info("intree"), [], "it does not claim to be in the kernel's tree")
    module.load()
    tap.equal(module.read("version"), version, "sysfs has the same version")


@case.case
def one_version_everywhere():
    version = (module.ROOT / "VERSION").read_text(encoding="ascii").strip()
    done = subprocess.run([module.ROOT / "scripts" / "version"], capture_output=True, text=True, check=False)
    if not tap.equal(done.returncode, 0, "scripts/version"):
        tap.diag(done.stderr)
    if module.TOOL.exists():
        tap.ok(version in command(str(module.TOOL), "--version").split(), "chatdnatctl --version")
    else:
        tap.skip("chatdnatctl --version", "the tool has not been built")


@case.case
def defaults_leave_everything_alone():
    module.load()
    tap.equal((module.get("wan"), module.get("v4"), module.get("v6")), ("", "", ""),
              "loaded without a parameter it is idle")
    tap.equal(module.last_error(), "", "and has nothing to complain about")


@case.case
def what_it_stands_on_goes_too():
    """A callback that stays registered would be called after its code is gone."""
    module.load(wan="eth0", v4="10.9.0.2", v6="fd00:9::2")
    module.unload()
    stood_on = ("nf_conntrack_netlink", "nf_nat", "nf_conntrack")
    for name in stood_on:
        command("rmmod", name)
    HOME.ip("link add chatdnat0 type dummy\naddr add 192.0.2.9/24 dev chatdnat0\n"
            "-6 addr add 2001:db8:9::9/64 dev chatdnat0 nodad\nlink set chatdnat0 up\n"
            "addr del 192.0.2.9/24 dev chatdnat0\n-6 addr del 2001:db8:9::9/64 dev chatdnat0\nlink del chatdnat0\n")
    tap.ok(not [name for name in stood_on if os.path.exists(f"/sys/module/{name}")],
           "the modules it stands on can be removed, and addresses change without them")
    command("modprobe", "-a", *stood_on)


@case.case
def messages_have_its_name():
    case.log.messages()
    module.load(wan="eth0", v4="10.9.0.2")
    module.unload()
    ours = [text for text in case.log.messages() if "chatdnat" in text]
    tap.ok(all(re.match(r"chatdnat: ", text) for text in ours if "out-of-tree" not in text
               and "verification failed" not in text and "tainting" not in text),
           "what it logs begins with its name")


def told():
    """What the kernel log says of the module's settings."""
    return [text.removeprefix("chatdnat: ") for text in case.log.messages()
            if text.startswith("chatdnat: ") and "module verification" not in text and "out-of-tree" not in text]


@case.case
def the_log_says_what_is_in_force():
    told()
    module.load(wan="eth0", v4="10.9.0.2")
    engine = "" if module.ENGINE == "tracked" else f" engine={module.ENGINE}"
    version = module.read("version")
    tap.equal(told(), [f"version {version} loaded: wan=eth0 v4=10.9.0.2{engine}"], "a load: what differs from the defaults")
    module.set("mss", "1300")
    tap.equal(told(), [f"changed: wan=eth0 v4=10.9.0.2 mss=1300{engine}"], "a change: all that is in force now")
    module.set("mss", "1300")
    module.set("config", module.get("config"))
    tap.equal(told(), [], "a write that changes nothing")
    try:
        module.set("v4", "nonsense")
    except OSError:
        pass
    tap.equal([text.partition(":")[0] for text in told()], ["v4"], "a refusal: that alone")
    ports = ",".join(f"{port}/udp" for port in range(10000, 10240, 2))
    module.set("ports", ports)
    lines = told()
    tap.ok(len(lines) == 1 and lines[0].startswith("changed: wan=eth0") and lines[0].endswith("..."), "a long one: its end is marked")
    module.set("config", f"engine={module.ENGINE}")
    tap.equal(told(), [f"changed:{engine}" if engine else "changed: all settings at their defaults"], "the defaults")
    module.unload()
    tap.equal(told(), ["unloaded"], "an unload")


@case.case
def ipv6_switched_off_by_sysctl():
    t = topo.Topology(relays=("relay",))
    traffic.Host("relay", t.relay).tcp(993)
    traffic.Host("internet", t.internet).tcp(25)
    HOME.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
    try:
        module.load(**settings())
        tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), Seen("relay", CLIENT["ipv4"], 993),
                  "loaded while IPv6 is off: IPv4 works")
        tap.equal(traffic.tcp(t.relay, INTERNET["ipv4"], 25), Seen("internet", PROXY["ipv4"], 25), "and is masqueraded")
        module.set("v6", "fd00:9::3")
        module.set("v6", RELAY["ipv6"])
    finally:
        HOME.sysctl(ipv6__conf__all__disable_ipv6=0, ipv6__conf__default__disable_ipv6=0)
    t.address_wan()
    HOME.ip("-6 addr replace fd00:9::1/64 dev wg0 nodad\n")
    t.settle_wan()
    tap.equal(traffic.tcp(t.internet, PROXY["ipv6"], 993, CLIENT["ipv6"]), Seen("relay", CLIENT["ipv6"], 993),
              "IPv6 switched on again: it works without a reload")


case.run(None, topo.EVERY_RELAY)
