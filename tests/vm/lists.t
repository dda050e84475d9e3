#!/bin/bash
# Lists of packages, of a mirror that is being updated and for two processes at a time. apt-get is made up.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export XDG_CACHE_HOME=$tmp/cache
lists=$XDG_CACHE_HOME/chatdnat/apt-bookworm-amd64
n=0 failed=0

# ok WHAT COMMAND...: one test, passed if COMMAND succeeds
ok() {
	local what=$1 not=''
	shift
	"$@" || not='not ' failed=1
	echo "${not}ok $((n += 1)) - $what"
	[ -z "$not" ] || head -n 40 "$tmp/err" | sed 's/^/# /'
}

# archive [refresh]: what the scripts that source tests/vm/debian do, with the made-up apt-get
archive() {
	# shellcheck disable=SC2016 # expanded by the other bash
	PATH=$tmp/bin:$PATH bash -euc '. "$1"; archive amd64; ${2-}' archive "$here/debian" "$@" 2>>"$tmp/err"
}

# mirror NUMBER [broken]: what the archive has from now on; broken: one of its two indexes is not the one that was announced
mirror() {
	echo "$1" >"$tmp/number"
	rm -f "$tmp/broken"
	[ -z "${2-}" ] || : >"$tmp/broken"
	: >"$tmp/err"
}

# has NUMBERS: of the two lists
# shellcheck disable=SC2317 # called by ok
has() {
	[ "$(cat "$lists"/lists/*_Packages | xargs)" = "$1" ]
}

mkdir "$tmp/bin"
cat >"$tmp/bin/apt-get" <<'END'
#!/bin/bash
set -eu
tmp=$(readlink -f "${0%/*}/..")
root=${APT_CONFIG%/*}
case " $* " in
*' indextargets '*) echo 'Debian main http://mirror/debian bookworm' ;;
*' update '*)
	lists=$(apt-config dump | sed -n 's/^Dir::State::lists "\(.*\)";/\1/p')
	for word in "$@"; do
		[[ $word != Dir::State::lists=* ]] || lists=${word#*=}
	done
	[[ $lists = /* ]] || lists=$root/$lists
	mkdir "$root/busy" || echo "two at a time" >>"$tmp/clash"
	echo update >>"$tmp/updates"
	cat "$tmp/number" >"$lists/new"
	mv "$lists/new" "$lists/a_Packages"
	# All that are to come are here before the first has what it fetches.
	for ((tries = 0; tries < 100; tries++)); do
		here=$(find /proc/[0-9]*/fd/8 -lname "$root/refresh.lock" 2>/dev/null | wc -l)
		[ "$here" -lt "$(cat "$tmp/together")" ] || break
		sleep 0.1
	done
	status=0
	if [ -e "$tmp/broken" ]; then
		echo 'E: Failed to fetch http://mirror/debian/Packages.xz  File has unexpected size (1 != 2). Mirror sync in progress?'
		echo 'E: Some index files failed to download. They have been ignored, or old ones used instead.'
		status=100
	else
		cat "$tmp/number" >"$lists/new"
		mv "$lists/new" "$lists/b_Packages"
	fi
	rmdir "$root/busy" || :
	exit $status
	;;
esac
END
chmod 755 "$tmp/bin/apt-get"

mirror 1
echo 3 >"$tmp/together"
for _ in 1 2 3; do
	archive &
done
wait
ok 'three processes at a time that have no lists' has '1 1'
ok 'fetch them one after the other' test ! -e "$tmp/clash"
ok 'and once' test "$(wc -l <"$tmp/updates")" = 1
ok 'without a word' test ! -s "$tmp/err"
echo 1 >"$tmp/together"

mirror 2 broken
archive refresh
ok 'a mirror that is being updated does not end it' test $? = 0
ok 'it goes on with all the lists that it has' has '1 1'
ok 'which it says in one line' test "$(grep -c 'unexpected size.*going on with' "$tmp/err") $(wc -l <"$tmp/err")" = '1 1'
archive
ok 'and no more in the same run' test "$(wc -l <"$tmp/err") $(wc -l <"$tmp/updates")" = '1 2'
find "$lists" -name fetched -mtime +5 -delete
mirror 2
archive
ok 'the next run fetches them' has '2 2'

mirror 3
archive refresh
ok 'new lists take the place of the old ones' has '3 3'

: >"$tmp/err"
archive 'missing linux-headers-none'
ok 'a package that is missing there: no Debian security archive among the sources' \
	grep -qx '.*no package linux-headers-none in bookworm, where .* no Debian security archive' "$tmp/err"

rm -rf "$lists"
mirror 4 broken
archive
ok 'without older lists it takes what there is' has 4
archive 'missing linux-headers-none'
ok 'a package that is missing there: the list that could not be fetched' \
	grep -qx '.*no package linux-headers-none in bookworm: .*unexpected size.*' "$tmp/err"
echo "1..$n"
exit $failed
