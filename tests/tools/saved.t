#!/usr/bin/python3
"""Saved settings that the kernel ignores or refuses: what modprobe reads, what is said of it, and commands that mend it."""

import contextlib
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from checks import checks, finds, passes, skips
from fake import CONFIG, Fake
from lib import case, module, tap

OPTIONS = pathlib.Path("/etc/modprobe.d/chatdnat.conf")
USUAL = "wan=eth0 v4=10.9.0.2"


@contextlib.contextmanager
def files(texts):
    """Files for modprobe, and no others of this name."""
    texts = {pathlib.Path(path): text for path, text in texts.items()}
    made = []
    for path, text in texts.items():
        made += [each for each in (path.parent, *path.parent.parents) if not each.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    try:
        yield
    finally:
        for path in texts:
            path.unlink(missing_ok=True)
        for path in made:
            if path.is_dir():
                path.rmdir()


def modprobe(*words):
    return subprocess.run(["modprobe", "chatdnat", *words], capture_output=True, text=True, check=False)


def pasted(command):
    """A command as it is copied into a root shell."""
    path = f"{os.path.dirname(ctl.TOOL)}:{os.environ['PATH']}"
    return subprocess.run(["sh", "-ec", command], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)


def mended(name, finding, outcome="fail"):
    """All commands of the finding, run; it is gone then."""
    found = finds(ctl.run("check", "--json"), name, finding, outcome)
    for command in found["fix"] if found else ():
        done = pasted(command)
        if not tap.equal(done.returncode, 0, f"{name}: {command} works"):
            tap.diag(done.stderr)
    left = [each["text"] for each in checks(ctl.run("check", "--json")) if each["id"] == finding]
    tap.equal(left, [], f"{name}: gone")
    return found


@case.case
def a_misspelt_name():
    with files({OPTIONS: f"# mine\noptions chatdnat {USUAL} guuard=full\n"}):
        result = ctl.run("check", "--json")
        found = finds(result, "misspelt, not loaded", "unknown-setting", "fail")
        tap.ok(found and f"{OPTIONS}, line 2" in found["text"] and "nearest name is guard" in found["text"],
               "misspelt, not loaded: file, line, and the nearest name")
        tap.equal(modprobe().returncode, 0, "misspelt: it loads")
        tap.equal(module.get("guard"), "off", "misspelt: with guard off")
        problem = ctl.run("--json").findings().get("unknown-setting")
        tap.equal(problem and problem["severity"], "problem", "misspelt: status calls it a problem")
        tap.ok("saved-differs" not in ctl.run("check", "--json").out, "misspelt: save, which would lose it, is not proposed")
        mended("misspelt in the file", "unknown-setting")
        tap.equal(module.get("guard"), "full", "misspelt in the file: the guard is on")
        passes(ctl.run("check", "--json"), "misspelt in the file, mended", "saved")
        module.unload()
        modprobe()
        tap.equal(module.get("guard"), "full", "misspelt in the file: on after another load, too")
        module.unload()


@case.case
def a_misspelt_name_on_the_line():
    tap.equal(modprobe("wan=eth0", "guuard=full").returncode, 0, "on modprobe's line: it loads")
    result = ctl.run("check", "--json")
    found = finds(result, "on modprobe's line", "unknown-setting", "fail", "chatdnatctl set guard=VALUE")
    tap.ok(found and "guuard" in found["text"], "on modprobe's line: named")
    ctl.run("set", "mss=1400")
    finds(ctl.run("check", "--json"), "on modprobe's line, something else set", "unknown-setting", "fail")
    ctl.run("set", "guard=full")
    passes(ctl.run("check", "--json"), "on modprobe's line, set", "load")
    module.unload()
    modprobe("wan=eth0", "frobnicate=1")
    finds(ctl.run("check", "--json"), "like no other name", "unknown-setting", "warn", "chatdnatctl show --names    # the settings that there are")
    module.unload()
    modprobe("wan=eth0")
    passes(ctl.run("check", "--json"), "loaded again", "load")
    module.unload()
    modprobe("wan=eth0", "guuard=full", "v4=nonsense")
    modprobe("wan=eth0")
    passes(ctl.run("check", "--json"), "loaded after a refusal", "load")
    module.unload()


@case.case
def a_blank_in_a_value():
    with files({OPTIONS: f"options chatdnat {USUAL} ports=25 143  993 guard=full\n"}):
        finds(ctl.run("check", "--json"), "a blank, not loaded", "blank-in-value", "fail",
              f"sed -i 's|\\<ports=25[[:blank:]]*143[[:blank:]]*993|ports=25,143,993|' {OPTIONS}")
        modprobe()
        found = mended("a blank", "blank-in-value")
        tap.ok(found and f"{OPTIONS}, line 1" in found["text"] and "ports=25" in found["text"], "a blank: file, line, and what the kernel took")
        tap.equal((module.get("ports"), "ports=25,143,993 guard" in OPTIONS.read_text(encoding="ascii")), ("25,143,993", True),
                  "a blank: mended in the module and in the file")
        module.unload()
    modprobe("wan=eth0", "ports=25", "143")
    mended("a blank on modprobe's line", "blank-in-value")
    tap.equal(module.get("ports"), "25,143", "a blank on modprobe's line: mended")
    result = ctl.run("set", "ports=25", "143")
    tap.ok(result.status == 2 and "no blanks" in result.err, "set ports=25 143: names the blank")
    result = ctl.run("set", "ports=25, 143")
    tap.ok(result.status == 1 and "has a blank" in result.err, "set 'ports=25, 143': names the blank")


@case.case
def a_refused_value():
    with files({"/etc/modprobe.d/other.conf": "# one\n\noptions chatdnat \\\n  wan=eth0 v4=10.9.0.\n"}):
        tap.ok(modprobe().returncode, "refused: it does not load")
        result = ctl.run("check", "--json")
        found = finds(result, "refused", "not-loaded", "fail", '"${EDITOR:-vi}" /etc/modprobe.d/other.conf    # line 3', "modprobe chatdnat")
        reason = "v4: '10.9.0.': expected"
        tap.ok(found and "/etc/modprobe.d/other.conf, line 3" in found["text"] and reason in found["text"], "refused: file, line and reason")
        tap.ok("other.conf, line 3" in ctl.run().err and reason in ctl.run().err, "refused: status says so")
        for check in ("engine", "enabled", "masquerade", "guard", "families", "calls", "via", "ssh"):
            skips(result, "not loaded", check, "not loaded")
        pathlib.Path("/etc/modprobe.d/other.conf").write_text("options chatdnat wan=eth0 v4=10.9.0.3\n", encoding="ascii")
        found = finds(ctl.run("check", "--json"), "refused, then corrected", "not-loaded", "fail", "modprobe chatdnat")
        tap.ok(found and reason not in found["text"], "refused, then corrected: the reason is of the past")
        tap.equal(modprobe().returncode, 0, "corrected: it loads")
        module.unload()


@case.case
def what_modprobe_reads():
    """The tool compares with what modprobe passes, of all directories, in its order."""
    def reads(name, texts):
        with files(texts):
            lines = subprocess.run(["modprobe", "-c"], capture_output=True, text=True, check=True).stdout.splitlines()
            words = " ".join(line.removeprefix("options chatdnat ") for line in lines if line.startswith("options chatdnat "))
            # The last of each counts.
            config = {name: value for name, _, value in (word.partition("=") for word in words.split())}
            line = " ".join(f"{key}={config.get(key, value)}" for key, _, value in (word.partition("=") for word in CONFIG.split()))
            with Fake(config=line) as fake:
                passes(fake.run("check", "--json"), f"{name}: {words}", "saved")
            with Fake(config=line.replace("v4=", "v4=192.0.2.77,")) as fake:
                finds(fake.run("check", "--json"), f"{name}, another v4", "saved-differs", "warn", "chatdnatctl save    # keeps the active one",
                      "chatdnatctl load    # or this, to apply the saved one")
    rest = " ".join(word for word in CONFIG.split() if not word.startswith("v4="))
    for where in ("/etc", "/run", "/usr/lib"):
        reads(where, {f"{where}/modprobe.d/mail.conf": f"options chatdnat v4=10.9.0.5 {rest}\n"})
    reads("sorted by name, whatever the directory", {
        "/etc/modprobe.d/20.conf": f"options chatdnat v4=10.9.0.5 {rest}\n", "/usr/lib/modprobe.d/90.conf": "options chatdnat v4=10.9.0.6\n",
        "/run/modprobe.d/10.conf": "options chatdnat v4=10.9.0.7 stale=keep\n"})
    reads("a file hides others of its name", {
        "/etc/modprobe.d/mail.conf": f"options chatdnat v4=10.9.0.5 {rest}\n", "/usr/lib/modprobe.d/mail.conf": "options chatdnat v4=10.9.0.6\n",
        "/run/modprobe.d/mail.conf": "options chatdnat v4=10.9.0.7\n"})
    reads("other names, comments and modules", {
        "/etc/modprobe.d/mail.conf": f"#options chatdnat v4=1\n options\tchatdnat v4=10.9.0.5 \\\n {rest}\noptions chatdnatx v4=2\n",
        "/etc/modprobe.d/mail.conf.old": "options chatdnat v4=10.9.0.6\n"})


@case.case
def after_an_update():
    with Fake(version="0.9") as fake:
        found = finds(fake.run("check", "--json"), "older module, not saved", "versions-differ", "warn")
        tap.equal(found and found["fix"], ["chatdnatctl save", "modprobe -r chatdnat && modprobe chatdnat"],
                  "older module, not saved: saved first")
        tap.ok(found and "older than chatdnatctl" in found["text"], "older module: says which is older")
        with files({OPTIONS: f"options chatdnat {CONFIG}\n"}):
            found = finds(fake.run("check", "--json"), "older module, saved", "versions-differ", "warn")
            tap.equal(found and found["fix"], ["modprobe -r chatdnat && modprobe chatdnat"], "older module, saved: loaded again")
    with Fake(version="99.0") as fake:
        found = finds(fake.run("check", "--json"), "older tool", "versions-differ", "warn", "type -a chatdnatctl    # the first one is this")
        tap.ok(found and "older than the loaded module" in found["text"], "older tool: says which is older")


@case.case
def warnings_of_the_module():
    module.load(wan="eth0", v4="10.9.0.2")
    for change, word, finding in (("ports=ssh,25", "forwarded to the relay", "ssh-forwarded"), ("guard=full allow=", "22/tcp is not allowed", "no-ssh")):
        result = ctl.run("set", *change.split())
        tap.ok(result.status == 0 and word in result.err and not result.out, f"set {change}: prints the module's warning")
        result = ctl.run("--json")
        found = result.findings()
        tap.equal(found[finding]["severity"], "warning", f"set {change}: {finding} is a warning")
        order = [each["id"] for each in result.json()["findings"]]
        tap.ok(order.index(finding) < order.index("not-saved"), f"set {change}: it comes before save")
        if finding == "no-ssh":
            mended("SSH locked out", "no-ssh", "warn")
        else:
            mended("SSH forwarded", "ssh-forwarded", "warn")
    tap.equal(ctl.run("set", "mss=1300").err, "", "a change without a warning: prints nothing")


case.run()
