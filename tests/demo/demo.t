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
ok 'the tool finds nothing wrong' grep -q 'No problems found' "$out"
[ "$failed" = 0 ] || sed 's/^/# /' "$out"
echo "1..$n"
