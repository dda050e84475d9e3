#!/usr/bin/python3
"""What the documents say of the project agrees with it, and with each other."""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
from lib import case, module, tap, topo
from lib.topo import HOME

README = guide.ROOT / "README.md"
DOCUMENTS = [README, *sorted(guide.DOCS.glob("*.md"))]
TRANSLATED = sorted(guide.DOCS.glob("??/*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
# Guides without traffic of their own; every other one has a test of its name.
PLAIN = ("boot.md", "secure-boot.md")


def setup():
    topo.Topology(relays=())


def anchors(path):
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@case.case
def links_lead_somewhere():
    others = (guide.ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "packaging/README.md"))
    for document in [*DOCUMENTS, *TRANSLATED, *others]:
        for target, anchor in LINK.findall(document.read_text(encoding="utf-8")):
            file = (document.parent / target).resolve() if target else document
            tap.ok(file.exists() and (not anchor or anchor in anchors(file)),
                   f"{document.relative_to(guide.ROOT)}: {target}{anchor and '#' + anchor}")


def original(translated):
    return README if translated.name == "README.md" else guide.DOCS / translated.name


@case.case
def translations_lead_to_translations():
    tap.ok(TRANSLATED, "there are translations")
    for document in TRANSLATED:
        known = {original(other): other for other in TRANSLATED if other.parent == document.parent}
        for target, _ in LINK.findall(document.read_text(encoding="utf-8")):
            file = (document.parent / target).resolve() if target else document
            tap.ok(file not in known or file == original(document) == README,
                   f"{document.relative_to(guide.ROOT)}: {target} has no translation")


@case.case
def the_readme_names_every_guide():
    text = README.read_text(encoding="utf-8")
    for document in DOCUMENTS[1:]:
        tap.ok(f"(docs/{document.name})" in text, f"README.md: {document.name}")


@case.case
def every_guide_is_tried():
    here = os.path.dirname(os.path.realpath(__file__))
    for document in DOCUMENTS[1:]:
        if guide.blocks(document.name):
            tap.ok(document.name in PLAIN or os.path.exists(f"{here}/{document.stem}.t"), document.name)


@case.case
def guides_use_what_lasts_and_is_there():
    """`cmdeploy` writes these files anew, and a plain Debian has no netcat."""
    overwritten = re.compile(r"/etc/(postfix|dovecot|nginx)/|postconf -e")
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        told = [block for block in guide.blocks(os.path.relpath(document, guide.DOCS))
                if "relay" in block.hosts and overwritten.search(f"{block.path} {block.text}")]
        tap.equal([block.path or block.text for block in told], [], f"{document.name}: no file that is overwritten")
        tap.equal(re.findall(r"\bnc -.*", text), [], f"{document.name}: no program that is not there")


@case.case
def every_counter_and_setting_is_explained():
    text = (guide.DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    for counter in module.COUNTERS:
        tap.ok(f"`{counter}`" in text, f"troubleshooting.md: {counter}")
    table = README.read_text(encoding="utf-8")
    for setting in module.PARAMETERS:
        tap.ok(re.search(rf"^\| .*`{setting}`.* \|", table, re.M), f"README.md: {setting}")
    manual = (guide.DOCS.parent / "tools" / "chatdnatctl.8").read_text(encoding="utf-8")
    settings = manual.split("\n.Sh SETTINGS\n")[1].split("\n.Sh ")[0]
    for setting in module.SETTINGS:
        tap.ok(re.search(rf"^\.It .*Cm {setting}\b", settings, re.M), f"chatdnatctl.8: {setting}")


@case.case
def the_readme_is_short():
    words = README.read_text(encoding="utf-8").split("\n| name |", maxsplit=1)[0].split()
    tap.ok(len(words) <= 500, f"README.md: {len(words)} words before the settings, at most 500")


@case.case
def the_readme():
    play = guide.Play(proxy=HOME)
    play.guide("../README.md")
    written = re.search(r"echo options chatdnat (.*?) >", "\n".join(play.output))[1].split()
    tap.equal({word: module.get(word.split("=")[0]) for word in written}, {word: word.split("=")[1] for word in written},
              "README.md: the module has what its line says")


def hooks_of_the_code():
    """Every hook as its source registers it: function, hook, priority."""
    text = (guide.ROOT / "module" / "hooks" / "hooks.c").read_text(encoding="utf-8")
    found = set(re.findall(r"\{ \w+, (\w+),\s+(NF_\w+), (NF_\w+(?: - 1)?) \}", text))
    text = (guide.ROOT / "module" / "tracked" / "nat.c").read_text(encoding="utf-8")
    for function, hook, priority in re.findall(r"\.hook = (\w+),\s[^}]*?\.hooknum = (\w+),\s[^}]*?\.priority = \((\w+)_priority\)",
                                               text.replace("\\\n", "\n")):
        found.add((function, hook, f"NF_IP_PRI_NAT_{priority.upper()} - 1"))
    text = (guide.ROOT / "module" / "fast" / "ingress.c").read_text(encoding="utf-8")
    found.update(re.findall(r"\.hook = (\w+),[^}]*?\.hooknum = (\w+),\s+\.priority = (\w+),", text))
    return found


@case.case
def the_architecture_has_every_hook():
    text = (guide.DOCS / "architecture.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(chatdnat_\w+)` \| `(\w+)` \| `([^`]+)` \|", text, re.M))
    tap.equal(sorted(told), sorted(hooks_of_the_code()), "architecture.md: the table of hooks is that of the code")
    for file, function in re.findall(r"`([\w/]+\.[ch]):(\w+)\(\)`", text):
        source = (guide.ROOT / "module" / file).read_text(encoding="utf-8")
        tap.ok(re.search(rf"\b{function}\(", source), f"architecture.md: {file} has {function}()")


@case.case
def the_architecture_has_every_file():
    text = (guide.DOCS / "architecture.md").read_text(encoding="utf-8")
    tables = text.split("\n| folder | holds | files |\n")[1:]
    for tree, table in zip(("module", "tools"), tables, strict=True):
        told = {}
        for folder, files in re.findall(r"^\| `([\w.]+)/?` \| [^|]* \| ([^|]*) \|$", table.split("\n\n")[0], re.M):
            told[folder] = sorted(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", files)))
        code = {}
        for file in (guide.ROOT / tree).rglob("*.[ch]"):
            code.setdefault(str(file.parent.relative_to(guide.ROOT / tree)), set()).add(file.stem)
        tap.equal(told, {folder: sorted(files) for folder, files in code.items()}, f"architecture.md: the files of {tree}/")


@case.case
def the_plain_guides():
    play = guide.Play(proxy=HOME)
    for name in PLAIN:
        play.guide(name)
    shown = play.output["chatdnatctl show wan"].strip()
    tap.equal(shown, "ppp+,eth7", "boot.md: interfaces that do not exist are taken")
    kernels = next(text for command, text in play.output.items() if command.startswith("for k in"))
    tap.ok(re.search(rf"^{re.escape(os.uname().release)}: \S", kernels, re.M), "boot.md: a line for each kernel")
    tap.diag(kernels)


case.run(setup)
