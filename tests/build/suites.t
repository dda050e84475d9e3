#!/usr/bin/python3
"""The kernels of the table in tests/vm/debian, each with the headers and the compiler of its own Debian: every file compiles, every
header by itself, without a warning; Kbuild finds what is there, and no wrong answer compiles; docs/kernels.md lists what is used."""

import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

PROBES = re.compile(r"^ccflags-y \+= \$\(call chatdnat-has,.*,CHATDNAT_HAVE_(\w+)\)$", re.M)
ALWAYS = {"SEND_RESET_SK", "SEND_RESET6_SK"}
# What Kbuild has to find. Debian's newer kernels have to be as the newest is here.
NEWEST = ALWAYS | {"NF_CT_ITER_DATA", "GSO_H", "ROUTE_INPUT_DSCP", "CLEAR_TSTAMP"}
FOUND = {
    "5.10": ALWAYS | {"ROUTE_INPUT_TOS", "U64_STATS_FETCH_IRQ", "LOOKUP_HASHINFO", "IPV6_STUBS"},
    "6.1": ALWAYS | {"ROUTE_INPUT_TOS", "NF_CT_ITER_DATA", "CLEAR_TSTAMP", "U64_STATS_FETCH_IRQ", "LOOKUP_HASHINFO", "IPV6_STUBS"},
    "6.12": ALWAYS | {"ROUTE_INPUT_TOS", "NF_CT_ITER_DATA", "GSO_H", "CLEAR_TSTAMP", "LOOKUP_HASHINFO", "IPV6_STUBS"},
    "sid": NEWEST, "newest": NEWEST, "newest-rt": NEWEST, "newest-cloud": NEWEST,
}
# Headers alone, and wrong answers: the first and the last, between which each probe has both answers.
THOROUGH = ("5.10", "newest")
# What the compiler's options make any module call, here or there.
COMPILER = re.compile(r"__x86_\w+_thunk\w*|__ubsan_\w+|__(ref_)?stack_chk_\w+|__fentry__")
FLIP = """#ifdef CHATDNAT_HAVE_{0}
#undef CHATDNAT_HAVE_{0}
#else
#define CHATDNAT_HAVE_{0}
#endif
#include "proof.c"
"""
# A kernel between those of the table, which has no drop reasons there yet.
DSCP = """#include <net/route.h>
int with_dscp(struct sk_buff *, __be32, __be32, dscp_t, struct net_device *);
#define ip_route_input_noref with_dscp
#undef CHATDNAT_HAVE_ROUTE_INPUT_TOS
#define CHATDNAT_HAVE_ROUTE_INPUT_DSCP
#include "proof.c"
"""


def kbuild(name, release, tree, *words):
    return host.run(host.ROOT / "tests/vm/build", "--run", name, "make", "-C", f"/lib/modules/{release}/build", f"M={tree}", "W=1",
                    f"-j{os.cpu_count()}", "CONFIG_DEBUG_INFO=", "CONFIG_DEBUG_INFO_BTF_MODULES=", *words, cwd=tree, timeout=1800)


def found(tree):
    """What Kbuild has told the compiler."""
    return set(re.findall(r"-DCHATDNAT_HAVE_(\w+)", next(tree.rglob(".proof.o.cmd")).read_text(encoding="utf-8")))


def alone(tree):
    """Each header as the first that a file includes; twice, for its guard. A module of its own."""
    names = []
    for header in sorted((tree / "module").rglob("*.h")):
        file = header.with_name(f"alone_{header.stem}.c")
        file.write_text(f'#include "{header.name}"\n' * 2, encoding="ascii")
        names.append(file.relative_to(tree).with_suffix(".o"))
    (tree / "main.c").write_text(host.OTHER.format(host.VERSION), encoding="ascii")
    kbuild_file = tree / "Kbuild"
    text = re.sub(r"^(obj-m|chatdnat-[y$]).*\n(\t.*\n)*|^(if|endif).*\n", "", kbuild_file.read_text(encoding="ascii"), flags=re.M)
    kbuild_file.write_text(text + "obj-m := alone.o\nalone-y := main.o\n" + "".join(f"alone-y += {name}\n" for name in names), encoding="ascii")


def refused(name, release, tree, probes):
    """No answer of Kbuild's can be another without an error."""
    place = next(tree.rglob("proof.c")).parent
    (place / "flip_none.c").write_text('#include "proof.c"\n', encoding="ascii")
    (place / "flip_dscp.c").write_text(DSCP, encoding="ascii")
    for probe in probes:
        (place / f"flip_{probe}.c").write_text(FLIP.format(probe), encoding="ascii")
    with open(tree / "Kbuild", "a", encoding="ascii") as file:
        file.write("".join(f"obj-m += {place.relative_to(tree)}/flip_{probe}.o\n" for probe in ("none", "dscp", *probes)))
    kbuild(name, release, tree, "-k", "modules")
    tap.ok((place / "flip_none.o").exists(), f"{name}: Kbuild's own answers compile")
    # 5.10 has no such type.
    tap.equal((place / "flip_dscp.o").exists(), name != "5.10", f"{name}: a DSCP compiles where the function returns an int")
    for probe in probes:
        tap.ok(not (place / f"flip_{probe}.o").exists(), f"{name}: {probe}: the other answer does not compile")


def build(name, tree, probes):
    """Builds the module; returns what it needs of the kernel."""
    done = host.works(f"{name}: is on the mirror, with its compiler", "tests/vm/build", "--release", name, timeout=1800)
    if done.status:
        return None
    release = done.text.split()[-1]
    tap.diag(f"{name} is {release}")
    host.checkout(tree, "Kbuild", "VERSION", "module")
    place, done = host.already(release)
    if not place:
        place, done = tree, kbuild(name, release, tree, "-k", "modules")
    if not tap.equal(done.status, 0, f"{name}: builds"):
        tap.diag(done.text)
        return None
    tap.equal(done.warnings(), [], f"{name}: without a warning")
    tap.equal(host.modinfo("vermagic", place / "chatdnat.ko").split()[:1], [release], f"{name}: for that kernel")
    tap.equal(found(place), FOUND[name], f"{name}: Kbuild finds what it has")
    used = {symbol for symbol in host.undefined(place) if not COMPILER.fullmatch(symbol)}
    if name in THOROUGH:
        alone(tree)
        done = kbuild(name, release, tree, "-k", "modules")
        if not tap.equal((done.status, done.warnings()), (0, []), f"{name}: each header compiles by itself, without a warning"):
            tap.diag(done.text)
        refused(name, release, tree, probes)
    return used


def listed():
    """The page's symbols, each with the kernels whose modules it says need it."""
    text = (host.ROOT / "docs" / "kernels.md").read_text(encoding="utf-8").split("\n## Symbols\n")[1]
    return {symbol: set(FOUND if kernels == "all" else kernels.split(", "))
            for symbol, kernels in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.M)}


def main():
    table = re.search(r"^kernels=\((.*)\)$", (host.ROOT / "tests/vm/debian").read_text(encoding="utf-8"), re.M).group(1).split()
    tap.equal(set(table), set(FOUND), "for each kernel of the table it is known what Kbuild has to find")
    probes = PROBES.findall((host.ROOT / "Kbuild").read_text(encoding="ascii"))
    tap.equal(set().union(*FOUND.values()), set(probes), "each that Kbuild looks for is found on a kernel")
    tap.equal(set(probes) & set.intersection(*map(set, FOUND.values())), ALWAYS, "and but for the old names not on all")
    tap.equal(set.symmetric_difference(*(FOUND[name] for name in THOROUGH)), set(probes) - ALWAYS, "each of these on one of two kernels alone")
    needed = {}
    with host.temporary() as top:
        for name in table:
            for symbol in build(name, pathlib.Path(top) / name, probes) or ():
                needed.setdefault(symbol, set()).add(name)
    page = listed()
    for symbol in sorted(set(page) | set(needed)):
        if page.get(symbol) != needed.get(symbol):
            kernels = needed.get(symbol, set())
            what = "all" if kernels == set(FOUND) else ", ".join(name for name in FOUND if name in kernels) or "none"
            tap.diag(f"docs/kernels.md: {symbol}: needed on: {what}")
    tap.ok(page == needed, "docs/kernels.md lists the symbols that the modules need")
    tap.done()


main()
