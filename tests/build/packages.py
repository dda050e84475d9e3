"""What the tests of packages share: what belongs into them."""

import host
from host import tap

# What the two packages install, but for documents.
SOURCE = f"usr/src/chatdnat-{host.VERSION}"
TOOL = {
    "usr/share/bash-completion/completions/chatdnatctl",
    "usr/share/fish/vendor_completions.d/chatdnatctl.fish",
    "usr/share/zsh/site-functions/_chatdnatctl",
}
UNITS = {f"usr/lib/systemd/system/{name}" for name in ("chatdnat.service", "chatdnat-closed.service")} | {
    "usr/lib/chatdnat/closed.nft", "usr/lib/chatdnat/closed-rules"}


def tarball(directory):
    """What `make dist` makes of the checkout."""
    return host.repository(directory) / host.run("scripts/dist", cwd=directory).text.strip()


def source():
    """What DKMS needs."""
    return {f"{SOURCE}/{name}" for name in ("Kbuild", "VERSION", "dkms.conf")} | {
        f"{SOURCE}/{path.relative_to(host.ROOT)}" for path in (host.ROOT / "module").rglob("*.[ch]")}


def complete(installed, files, tool, what):
    """What is installed is just that, with the checkout's source, byte for byte, and a tool that runs."""
    tap.equal(files, source() | UNITS | TOOL | tool, f"{what}: what is installed")
    tap.ok((installed / "etc/chatdnat/closed.d").is_dir(), f"{what}: a directory for the operator's rules")
    wrong = [name for name in source()
             if (installed / name).read_bytes() != (host.ROOT / name.removeprefix(SOURCE + "/")).read_bytes()]
    tap.equal(wrong, [], f"{what}: the source is that of the checkout")
    runs(next(installed / name for name in tool if name.endswith("/chatdnatctl")), what)


def runs(program, what):
    tap.equal(host.run(program, "--version").text, f"chatdnatctl {host.VERSION}\n", f"{what}: the tool runs")
