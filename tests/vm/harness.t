#!/bin/bash
# The test machine itself, seen from the host.
set -uo pipefail

run=$(dirname "$(readlink -f "$0")")/run
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp
n=0 failed=0

# ok WHAT COMMAND...: one test, passed if COMMAND succeeds
ok() {
	local what=$1 not=''
	shift
	"$@" || not='not ' failed=1
	echo "${not}ok $((n += 1)) - $what"
	[ -z "$not" ] || sed 's/^/# /; 40q' "$tmp/err"
}

# vm ARGUMENTS...: a run, whose streams and status are kept
vm() {
	"$run" --timeout 120 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
}

# pair PEER COMMAND...: two machines, of which the second runs PEER
pair() {
	"${run%/run}/pair" "$1" --timeout 120 6.12 -- "${@:2}" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
}

# card N: the shell text that gives one of two machines its end of the cable
card() {
	echo "modprobe virtio_net; ip link set eth0 address 02:00:00:00:00:0$1 up; ip addr add 169.254.0.$1/30 dev eth0"
}

# clean: is no machine and no temporary file left?
# shellcheck disable=SC2317 # called by ok
clean() {
	! pgrep -f "^qemu.*$tmp/" >/dev/null && [ -z "$(compgen -G "$tmp/chatdnat-*")" ]
}

# timed SEC COMMAND...: how long it may take is part of the test
timed() {
	local limit=$1 start=$SECONDS
	shift
	"$@"
	[ $((SECONDS - start)) -le "$limit" ]
}

# started: the stamps of the kernel's log, by which one start of the machine differs from another
started() {
	grep -aE '^\[ +[0-9.]+\] (Memory|Freeing|virtio_blk|EXT4-fs)' "$1"
}

# snapshots: those that there are
snapshots() {
	compgen -G "$XDG_CACHE_HOME/chatdnat/snapshot-*/state"
}

echo 1..38

# With snapshots of its own, at first none.
image=$("$(dirname "$run")/image" amd64)
# Of the kernels of other suites that one whose machine is another.
stock=$("$(dirname "$run")/stock" newest-cloud)
export XDG_CACHE_HOME=$tmp/cache
mkdir -p "$XDG_CACHE_HOME/chatdnat"
ln -s "$image" "$stock" "${stock%/*}"/apt-* "$XDG_CACHE_HOME/chatdnat/"

vm nonsense true
ok 'an unknown kernel is refused' test $status = 2

"$run" 6.12 dmesg >"$tmp/first" &
vm 6.12 dmesg
wait $!
ok 'two at a time without a snapshot: both run' test "$? $status" = '0 0'
ok 'and make one' test "$(snapshots | wc -l)" = 1
ok 'from which both go on' test -n "$(started "$tmp/out")" -a "$(started "$tmp/out")" = "$(started "$tmp/first")"

vm 6.12 sh -c 'head -c 16 /dev/urandom | od -An -tx1'
random=$(<"$tmp/out")
vm 6.12 sh -c 'head -c 16 /dev/urandom | od -An -tx1'
ok 'their random numbers differ' test "${#random}" = 48 -a "$random" != "$(<"$tmp/out")"

state=$(snapshots)
truncate -s 100000 "$state"
vm 6.12 echo began
ok 'a snapshot that cannot be used: the machine boots' test "$status $(<"$tmp/out")" = '0 began'
ok 'which is told' grep -q booting "$tmp/err"
ok 'and the snapshot is made anew next time' test ! -e "$state"

vm 6.12 true
state=$(snapshots)
truncate -s 0 "${state%/state}/ram"
truncate -s 1G "${state%/state}/ram"
vm 6.12 echo began
ok 'a snapshot whose guest does not go on: the machine boots' test "$status $(<"$tmp/out")" = '0 began'
ok 'which is told, too' grep -q booting "$tmp/err"
ok 'and that snapshot is made anew as well' test ! -e "$state"

# The command line is in the log.
vm --append 'loglevel=6 BUG:' 6.12 echo began
ok 'a complaint in the log at boot: status 125' test "$status $(<"$tmp/out")" = '125 '
ok 'and no snapshot is made of it' test -z "$(snapshots)"

timed 60 vm --cpus 1000 6.12 true
ok 'a machine that QEMU refuses: status 125' test $status = 125

before=$(sha256sum "$image/root.img")
for kernel in $("$run" --list) "$(<"$stock/release")"; do
	# shellcheck disable=SC2016 # expanded in the guest
	vm "$kernel" bash -c 'uname -r; echo "$1" "$PWD" >&2; touch /usr/bin/new; exit 7' - 'a "b'\''  $c'
	ok "$kernel: boots that kernel, stdout arrives" test "$(<"$tmp/out")" = "$kernel"
	# shellcheck disable=SC2016
	ok "$kernel: arguments keep their quotes, stderr arrives apart" test "$(<"$tmp/err")" = 'a "b'\''  $c /src'
	ok "$kernel: exit status" test $status = 7
done
ok 'the image stays as it was' test "$before" = "$(sha256sum "$image/root.img")"

# Every byte value in one stream, much of it in the other, and programs left behind that hold both open.
vm 6.12 python3 -c '
import os, subprocess, sys
subprocess.Popen(["sleep", "1000"])
subprocess.Popen(["sleep", "1000"], start_new_session=True)
os.write(1, bytes(range(256)))
sys.stderr.buffer.write(b"line\n" * 400000)'
ok 'output is exact to the byte' test "$(od -An -v -tu1 "$tmp/out" | xargs)" = "$(seq 0 255 | xargs)"
ok 'a large output is complete' test "$(grep -c '^line$' "$tmp/err") $(wc -c <"$tmp/err")" = '400000 2000000'
ok 'the end does not wait for what the command left running' test $status = 0

timed 60 vm --timeout 30 6.12 sh -c 'echo begun; sleep 1000'
ok 'a time limit: status 124' test $status = 124
ok 'what was written until then is there' test "$(<"$tmp/out")" = begun
ok 'nothing is left of it' clean

# The snapshot is half a minute old now.
vm 6.12 date +%s
late=$((EPOCHSECONDS - $(<"$tmp/out")))
ok "the guest's clock is the host's" test $late -ge 0 -a $late -le 15

vm 6.12 sh -c 'echo c >/proc/sysrq-trigger; sleep 100'
ok 'a panic: status 125' test $status = 125
vm 6.12 sh -c 'echo "<4>WARNING: possible circular locking dependency detected" >/dev/kmsg'
ok 'a complaint in the log of a command that succeeds: status 125' test $status = 125
ok 'and it is shown' grep -q 'possible circular' "$tmp/err"

pair "$(card 2); busybox nc -l -p 99" \
	sh -c "$(card 1); until echo over the cable | busybox nc 169.254.0.2 99; do sleep 0.1; done; exit 7"
ok 'two machines: what one sends reaches the other' grep -q '^over the cable$' "$tmp/err"
ok "the first one's exit status" test $status = 7
timed 60 pair 'echo "<4>WARNING: possible circular locking dependency detected" >/dev/kmsg' sleep 1000
ok "a complaint in the second one's log: status 125, and the first one is ended" test $status = 125
ok 'nothing is left of either' clean

exit $failed
