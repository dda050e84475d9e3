#!/usr/bin/python3
# vm: --timeout 600
"""
Out of memory, call by call: whatever the module asks the kernel for is refused in turn, when it loads, is set, follows
its host, meets packets and unloads. It says so, and goes on as before.
"""

import errno
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, tap, topo, traffic, wait
from lib.topo import CLIENT, CLIENT2, HOME, OTHER, PROXY, RELAY, settings
from lib.traffic import Connection, Seen

TCP, UDP = 993, 3478
LIMIT = 200
EVERY = -1
FAILS = pathlib.Path("/sys/module/fails/parameters/nth")
SECOND = {"ipv4": "203.0.113.77/24", "ipv6": "2001:db8:1::77/64"}
ENGINES = ("tracked", "auto")

t = relay = None


def setup():
    global t, relay
    # It is loaded a hundred times, and large: not every time from the host.
    image = pathlib.Path("/run/chatdnat.ko")
    fails = module.FILE.parent / "fails" / "fails.ko"
    shutil.copyfile(module.FILE, image)
    module.FILE = image
    subprocess.run(["insmod", fails], check=True)
    # One local address, so that both engines serve it.
    HOME.sysctl(ipv4__conf__all__promote_secondaries=1)
    topo.OWN = (1,)
    t = topo.Topology(relays=("relay", "other"))
    relay = traffic.Host("relay", t.relay).tcp(TCP, 25).udp(UDP)
    traffic.Host("other", t.other).tcp(TCP, 25).udp(UDP)


def arm(nth):
    FAILS.write_text(str(nth), encoding="ascii")


def failed():
    """The function that was refused since arm(), or nothing."""
    nth, _, name = FAILS.read_text(encoding="ascii").rstrip("\n").partition(" ")
    return name if int(nth) <= 0 else ""


def in_turn(operation):
    """operation(nth) each time with the next call refused, until none is left to refuse; tells which were."""
    names = []
    for nth in range(1, LIMIT):
        try:
            name = operation(nth)
        finally:
            arm(0)
        if not name:
            return names
        names.append(name)
    raise RuntimeError(f"still failing after {LIMIT}: {names}")


def attempt(nth, operation, wrong):
    """Whether an operation succeeds with the nth call refused, and which call that was; it may lack memory only."""
    arm(nth)
    try:
        operation()
        succeeded = True
    except OSError as error:
        succeeded = False
        if error.errno != errno.ENOMEM:
            wrong.append(f"{nth}: {error}")
    refused = failed()
    arm(0)
    return succeeded, refused


def config(**changes):
    return settings(**{"ports": "imaps,turn", "masquerade": "wan", **changes})


def unserved(expected=RELAY, source=CLIENT, name="relay"):
    """What is not as it should be with connections from outside."""
    wrong = []
    for version in topo.ip_versions():
        seen = traffic.tcp(t.internet, PROXY[version], TCP, source[version])
        if expected and seen != Seen(name, source[version], TCP):
            wrong.append(f"{version}: {seen}")
    return wrong


# Of /proc/net/tcp: what still wants an acknowledgement or an end, at the client and at the relay.
CLOSING = {"internet": {"04", "09", "0B"}, "relay": {"04", "05", "08", "09", "0B"}}


def closing():
    """The connections that are being closed."""
    found = []
    for ns in (t.internet, t.relay):
        for name in ("tcp", "tcp6"):
            with ns, open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
                found += [line for line in file if line.split()[3] in CLOSING[ns.name]]
    return found


def settle():
    """
    Waits for what is being closed. Once the module is gone nobody acknowledges a FIN of the relay any more: its socket
    would go on for minutes, and its namespace with it.
    """
    left = wait.until(lambda: not closing(), 10) or closing()
    if left is not True:
        raise RuntimeError(f"connections do not close: {left}")


def unload():
    settle()
    module.unload()


def forget():
    """The relay's ends go without a word, which behind an unload nobody would acknowledge: they would outlive the test."""
    relay.abort()
    relay.close()
    relay.served.clear()
    relay.tcp(TCP, 25).udp(UDP)


def report(what, names, wrong):
    tap.ok(names and not wrong, f"{what}: {len(names)} refused in turn")
    for line in wrong[:10]:
        tap.diag(line)
    tap.diag(" ".join(sorted({f"{name}:{names.count(name)}" for name in names})))


LINES = {
    "tracked": {"engine": "tracked", "guard": "full", "via": "wg0", "log": "drops", "hairpin": "1"},
    "auto": {"engine": "auto"},
}


@case.case
def load():
    for engine, line in LINES.items():
        wrong = []

        def one(nth, line=line, wrong=wrong):
            loaded, name = attempt(nth, lambda: module.load(**config(**line)), wrong)
            if module.loaded() != loaded:
                wrong.append(f"{nth} {name}: half loaded")
            if loaded:
                wrong.extend(f"{nth} {name}: {line}" for line in unserved())
                unload()
            elif conntrack.entries():
                wrong.append(f"{nth} {name}: connections are tracked")
            elif not any("no memory" in text or "error" in text for text in case.log.messages()) and name not in SILENT:
                wrong.append(f"{nth} {name}: says nothing")
            return name
        report(f"load, {engine}", in_turn(one), wrong)


# Before the module has settings to speak of insmod's error is what there is.
SILENT = {"pcpu_alloc_noprof", "nf_nat_masquerade_inet_register_notifiers", "register_fib_notifier",
          "register_inetaddr_notifier", "register_inet6addr_notifier", "register_netdevice_notifier",
          "register_netevent_notifier", "sysfs_create_file_ns", "sysfs_create_files", "kobject_create_and_add"}

CHANGES = {
    "wan": "eth0,eth1", "v4": OTHER["ipv4"], "v6": OTHER["ipv6"], "ports": "imaps", "scope": "any",
    "masquerade": "all", "guard": "full", "allow": "ssh,http", "mss": "1000", "via": "wg0", "stale": "keep",
    "enabled": "0", "hairpin": "1", "log": "drops", "fast": "on", "engine": "auto",
}


def change(name, value, engine):
    """One setting is written, from the same configuration each time; under it a connection is alive."""
    wrong = []
    module.load(**config(engine=engine))
    before = module.state()
    alive = []

    def begin():
        for connection in alive:
            connection.close()
        alive[:] = [Connection(t.internet, PROXY[version], TCP, CLIENT[version]) for version in topo.ip_versions()]

    def one(nth):
        accepted, refused = attempt(nth, lambda: module.set(name, value), wrong)
        said = module.last_error()
        if accepted:
            if said or module.state() == before:
                wrong.append(f"{nth} {refused}: accepted, but {said!r}")
            module.set("config", before["config"])
            # stale=flush may have ended them.
            begin()
        else:
            if not re.search("no memory|the kernel refused", said):
                wrong.append(f"{nth} {refused}: last_error is {said!r}")
            if module.state() != before:
                wrong.append(f"{nth} {refused}: changed all the same")
            if not all(connection.goes_on() for connection in alive):
                wrong.append(f"{nth} {refused}: a connection ended")
                begin()
            wrong.extend(f"{nth} {refused}: {line}" for line in unserved(source=CLIENT2))
        return refused
    begin()
    names = in_turn(one)
    for connection in alive:
        connection.close()
    forget()
    unload()
    return names, wrong


@case.case
def settings_one_by_one():
    names, wrong = [], []
    for name, value in CHANGES.items():
        found, bad = change(name, value, "tracked")
        names += found
        wrong += [f"{name}: {line}" for line in bad]
        if not found:
            wrong.append(f"{name}: nothing was refused")
    report("each setting, tracked", names, wrong)


@case.case
def settings_at_once():
    for engine in ENGINES:
        line = module.line(config(engine=engine, guard="full", via="wg1", log="drops", v4=OTHER["ipv4"],
                                  v6=OTHER["ipv6"]))
        names, wrong = change("config", line, engine)
        report(f"all settings at once, {engine}", names, wrong)


@case.case
def the_host_changes():
    """What is missed for want of memory is made up for."""
    wrong = []
    module.load(**config(engine="auto"))

    def stateless():
        return sum("stateless" == engine for engine in module.engines().values())
    tap.ok(wait.until(lambda: stateless() == 2), "without state at first")

    def one(nth):
        arm(nth)
        HOME.ip("".join(f"{'-6 ' if ':' in address else ''}addr add {address} dev eth0"
                        f"{' nodad' if ':' in address else ''}\n" for address in SECOND.values()))
        wait.until(lambda: failed() or not stateless(), 2)
        refused = failed()
        arm(0)
        wrong.extend(f"{nth} {refused}: {line}" for line in unserved())
        if not wait.until(lambda: not stateless()):
            wrong.append(f"{nth} {refused}: is not made up for: {module.engines()}")
        HOME.ip("".join(f"{'-6 ' if ':' in address else ''}addr del {address} dev eth0\n"
                        for address in SECOND.values()))
        if not wait.until(lambda: stateless() == 2):
            wrong.append(f"{nth} {refused}: does not follow any more: {module.engines()}")
        wrong.extend(f"{nth} {refused}: {line}" for line in unserved())
        return refused
    report("one more local address", in_turn(one), wrong)

    wrong = []

    def rename(nth):
        arm(nth)
        HOME.ip("link add dummy7 type dummy\nlink set dummy7 up\nlink set dummy7 name eth7\n"
                "addr add 192.0.2.77/32 dev eth7\n")
        wait.until(failed, 0.5)
        refused = failed()
        arm(0)
        HOME.ip("link del eth7\n")
        wrong.extend(f"{nth} {refused}: {line}" for line in unserved())
        return refused
    module.configure(**config(engine="auto", wan="eth0,eth7"))
    report("an interface comes, is renamed and goes", in_turn(rename), wrong)
    settle()


@case.case
def packets():
    for engine in ENGINES:
        for version in topo.ip_versions():
            wrong = []
            module.load(**config(engine=engine))

            def one(nth, version=version, wrong=wrong):
                arm(nth)
                # A lost packet is sent again.
                seen = traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version])
                refused = failed()
                arm(0)
                if seen != Seen("relay", CLIENT[version], TCP):
                    wrong.append(f"{nth} {refused}: {seen}")
                arm(nth)
                seen = traffic.udp(t.internet, PROXY[version], UDP, CLIENT[version], timeout=0.2)
                refused = refused or failed()
                arm(0)
                again = traffic.udp(t.internet, PROXY[version], UDP, CLIENT[version])
                well = Seen("relay", CLIENT[version], UDP)
                if seen not in (well, "silence") or again != well:
                    wrong.append(f"{nth} {refused}: UDP: {seen}, then {again}")
                seen = traffic.tcp(t.relay, topo.INTERNET[version], 1)
                if seen != "refused":
                    wrong.append(f"{nth} {refused}: outbound: {seen}")
                return refused
            report(f"packets, {version}, {engine}", in_turn(one), wrong)
            unload()


def fastpath():
    """What the file says of each family."""
    return dict(line.split(" ", 1) for line in module.read("fastpath").splitlines())


@case.case
def the_table_of_offloaded_connections():
    """Without it connections take the path through the stack; it is asked for again."""
    wrong, without = [], []

    def one(nth):
        module.load(**config(fast="off"))
        accepted, refused = attempt(nth, lambda: module.set("fast", "on"), wrong)
        if accepted and refused and "off: no memory" in fastpath().values():
            without.append(refused)
        wrong.extend(f"{nth} {refused}: {line}" for line in unserved())
        if accepted and not wait.until(lambda: all(line.startswith("on") for line in fastpath().values())):
            wrong.append(f"{nth} {refused}: is not made up for: {fastpath()}")
        unload()
        return refused
    report("fast=on", in_turn(one), wrong)
    tap.equal(without, ["__kvmalloc_node_noprof"], "the table, too, and the file says so")


@case.case
def entries_of_offloaded_connections():
    """Without one a connection takes the path through the stack, until there is one."""
    module.load(**config(fast="on"))
    for version in topo.ip_versions():
        wrong = []
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            def one(nth, version=version, connection=connection, wrong=wrong):
                # The entries are of no use any more.
                module.set("log", "drops" if nth % 2 else "off")
                if not wait.until(lambda: fastpath()[version] == "on: 0"):
                    wrong.append(f"{nth}: {fastpath()}")
                arm(nth)
                on = connection.goes_on()
                refused = failed()
                arm(0)
                if not on or not connection.goes_on():
                    wrong.append(f"{nth} {refused}: does not go on")
                if fastpath()[version] != "on: 2":
                    wrong.append(f"{nth} {refused}: {fastpath()}")
                return refused
            names = in_turn(one)
        report(f"entries, {version}", names, wrong)
        tap.equal(names.count("__kmalloc_cache_noprof"), 2, f"{version}: one for each direction")
    unload()


@case.case
def a_former_relay_speaks():
    """Where there is no memory for the resets, the segment that would have led to them is sent again."""
    for engine in ENGINES:
        for version in topo.ip_versions():
            wrong = []

            def one(nth, engine=engine, version=version, wrong=wrong):
                module.load(**config(engine=engine))
                with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                    served = wait.until(lambda: relay.connection(connection.address, connection.port))
                    with traffic.without_resets(t.internet, t.relay):
                        module.configure(**settings(OTHER, ports="imaps", engine=engine))
                    dropped = module.stats(version)["dropped_stale"]
                    arm(nth)
                    served.push(b"news")
                    wait.until(lambda: failed() or module.stats(version)["dropped_stale"] > dropped)
                    refused = failed()
                    arm(0)
                    fate = connection.fate()
                    if fate != "reset" or not wait.until(lambda: served.state == "reset"):
                        wrong.append(f"{nth} {refused}: the client: {fate}, the relay's end: {served.state}")
                forget()
                module.unload()
                return refused
            report(f"a former relay speaks, {version}, {engine}", in_turn(one), wrong)


@case.case
def unloads():
    for engine in ENGINES:
        wrong = []

        def one(nth, engine=engine, wrong=wrong):
            module.load(**config(engine=engine))
            alive = [Connection(t.internet, PROXY[version], TCP, CLIENT[version]) for version in topo.ip_versions()]
            arm(nth)
            module.unload()
            refused = failed()
            arm(0)
            if module.loaded() or case.left_over(topo.EVERY_RELAY):
                wrong.append(f"{nth} {refused}: something is left")
            for connection in alive:
                fate = connection.fate_when_talking()
                if fate != "reset":
                    wrong.append(f"{nth} {refused}: a connection ends in {fate}")
                connection.close()
            forget()
            return refused
        report(f"unload, {engine}", in_turn(one), wrong)


@case.case
def no_memory_at_all():
    """Everything is refused, as long as it lasts."""
    module.load(**config())
    before = module.state()
    arm(EVERY)
    try:
        refused = []
        for name, value in CHANGES.items():
            try:
                module.set(name, value)
            except OSError:
                refused.append(name)
        tap.equal(refused, list(CHANGES), "every write is refused")
        module.unload()
    finally:
        arm(0)
    module.load(**config())
    tap.equal(module.state(), before, "an unload goes all the same, and so does another load")
    tap.equal(unserved(), [], "which serves")
    settle()


case.run(setup, topo.EVERY_RELAY, seconds=550)
