#!/usr/bin/python3
"""The completions of the three shells offer the same."""

import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

TOOL = """#!/bin/sh
case "$*" in
"show --names") printf '%s\\n' wan v4 v6 via masquerade ;;
"show v4") echo 10.9.0.2 ;;
"show masquerade") echo wan ;;
show) printf '%s\\n' wan=eth0 v4=10.9.0.2 v6= via= masquerade=wan ;;
esac
"""
BASH = """
. tools/completion/chatdnatctl
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_chatdnatctl
printf '%s\\n' "${COMPREPLY[@]}"
"""
# Outside of its editor, zsh has neither of these two.
ZSH = """
compadd() {
	local suffix='' word
	[[ $1 == -S ]] && { suffix=$2; shift 2 }
	shift
	for word; do
		[[ $word == $PREFIX* ]] && print -r -- $word$suffix
	done
}
compset() {
	[[ $PREFIX == *=* ]] || return
	IPREFIX=${PREFIX%%=*}= PREFIX=${PREFIX#*=}
}
words=("$@") CURRENT=$# PREFIX=$words[-1] IPREFIX=''
. tools/completion/_chatdnatctl
"""
FISH = "source tools/completion/chatdnatctl.fish; complete -C \"$argv\""
CASES = (
    (["s"], {"status", "show", "set", "save", "setup"}), (["c"], {"check", "confirm"}), (["--v"], {"--version"}), (["l"], {"load"}), (["load", "--h"], {"--help"}), (["setup", "--u"], {"--undo"}), (["setup", "--k"], {"--kind"}),
    (["show", "ma"], {"masquerade"}), (["show", "l"], {"last_error"}), (["save", "--d"], {"--dry-run"}),
    (["check", "--p"], {"--probe"}), (["status", "--j"], {"--json"}),
    (["set", "v"], {"v4=", "v6=", "via="}), (["set", "v4=10.9.0.3", "vi"], {"via="}), (["set", "v4="], {"10.9.0.2"}),
    (["set", "--c"], {"--confirm"}), (["try", "vi"], {"via="}), (["try", "v4="], {"10.9.0.2"}), (["confirm", "--r"], {"--revert"}),
    (["set", "masquerade="], {"wan", "off", "all"}), (["set", "masquerade=a"], {"all"}), (["set", "wan=l"], {"lo"}), (["he"], {"help"}),
    (["help", "ch"], {"check"}), (["check", "--q"], {"--quiet"}),
)


def offered(shell, words, directory):
    words = ["chatdnatctl", *words]
    path = f"{directory}:{host.ENVIRONMENT['PATH']}"
    if shell == "bash":
        # There the '=' is a word of its own.
        words = [part for word in words for part in word.replace("=", " = ").split()]
    how = {"bash": ("-c", BASH, "bash"), "zsh": ("-fc", ZSH, "zsh"), "fish": ("-Nc", FISH)}[shell]
    text = host.run(shell, *how, *words, PATH=path, HOME=directory).text
    # fish offers the whole word.
    begun = words[-1].partition("=")[0] + "=" if shell == "fish" and "=" in words[-1] else ""
    return {line.split("\t")[0].removeprefix(begun) for line in text.splitlines() if line}


def main():
    with host.temporary() as top:
        tool = pathlib.Path(top) / "chatdnatctl"
        tool.write_text(TOOL, encoding="ascii")
        tool.chmod(0o755)
        for shell in ("bash", "zsh", "fish"):
            if not shutil.which(shell):
                tap.skip(shell, f"{shell} is missing")
                continue
            for words, want in CASES:
                tap.equal(offered(shell, words, top), want, f"{shell}: {' '.join(words)}")
    tap.done()


main()
