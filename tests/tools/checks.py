"""What to ask of the results of `chatdnatctl check`."""

import re
import subprocess

from lib import net, tap


def kernel_has(*modules):
    """Whether there are all of these, built in or not; Debian's kernels have them all."""
    return all(not subprocess.run(["modprobe", "-n", "-q", name], check=False).returncode for name in modules)


def checks(result):
    return result.json()["checks"]


def finds(result, name, finding, outcome, *commands):
    """The finding is there, with its result and the commands that mend it."""
    found = [each for each in checks(result) if each["id"] == finding]
    if not tap.ok(found, f"{name}: {finding}"):
        tap.diag([(each["result"], each["id"]) for each in checks(result) if each["result"] != "ok"])
        tap.diag(result.err)
        return None
    tap.equal({each["result"] for each in found}, {outcome}, f"{name}: {outcome}")
    fixes = [command for each in found for command in each["fix"]]
    for command in commands:
        if not tap.ok(command in fixes, f"{name}: {command}"):
            tap.diag(fixes)
    if outcome == "fail":
        tap.equal((result.status, result.json()["failed"]), (1, True), f"{name}: exit status 1")
    return found[0]


def passes(result, name, check):
    """Of this check nothing but ok."""
    results = {each["result"] for each in checks(result) if each["check"] == check}
    if not tap.equal(results, {"ok"}, f"{name}: {check} is ok"):
        tap.diag([each["text"] for each in checks(result) if each["check"] == check])


def skips(result, name, check, word=""):
    texts = [each["text"] for each in checks(result) if each["check"] == check and each["result"] == "skipped"]
    if not tap.ok(any(word in text for text in texts), f"{name}: {check} is skipped: {word}"):
        tap.diag([(each["check"], each["result"], each["text"]) for each in checks(result)])


def nft(script, ns=net.HOME):
    """nft wants a line's end where a block ends."""
    script = re.sub(r"([{};]) (chain|set|flowtable) ", r"\1\n\2 ", script)
    ns.nft(re.sub(r"\} *\}$", "}\n}", script))
