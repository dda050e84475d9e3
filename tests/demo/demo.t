#!/bin/sh
# What `make demo` shows: mail by each port, in both families, and a tool that finds nothing wrong.
set -u
here=$(dirname "$(readlink -f "$0")")
out=$(mktemp)
trap 'rm -f "$out"' EXIT

n=0 failed=0
ok() {
	what=$1 not=''
	shift
	"$@" >/dev/null || failed=1 not='not '
	echo "${not}ok $((n += 1)) - $what"
}

# Headers of 6.12 as a package bring their kernel, which the machine would boot next.
installs_no_kernel() {
	commands=$(make -n -C "$here/../.." demo) && ! echo "$commands" | grep -q 'scripts/deps .*headers'
}
ok 'it installs no kernel' installs_no_kernel

"$here/run" >"$out" 2>&1
status=$?
ok 'it runs to its end' test $status = 0
for family in IPv4 IPv6; do
	ok "$family: a mail came in" grep -q "incoming  $family .* the relay saw " "$out"
	for port in 80 143 443 465 587 993; do
		ok "$family: something came by port $port" grep -Eq "^ *$port .*$family  .* saw " "$out"
	done
	ok "$family: a mail left by the proxy" grep -q "outgoing  $family .* bob has it" "$out"
done
topology_first() { grep -v '^$' "$out" | sed -n 2p | grep -q 'client .* mx '; }
verdict_last() { grep -v '^$' "$out" | tail -n 1 | grep -q '^PASSED'; }
ok 'first its topology' topology_first
ok 'last its verdict' verdict_last
ok 'the tool finds nothing wrong' grep -q 'No problems found' "$out"
[ "$failed" = 0 ] || sed 's/^/# /' "$out"
echo "1..$n"
