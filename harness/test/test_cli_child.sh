#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What the commands say where the host is short of something or slow, and of a file
# that shows nothing: one line, whose fault it is, and no finding.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

script=conformance/net/frames-in-order.vr

# line NAME PATTERN: the last command's status is 2, and one line of stderr says why.
line() {
	result=0
	[ "$rc" = 2 ] || result=1
	[ "$(wc -l <"$err")" = 1 ] || result=1
	grep -qE -- "$2" "$err" || result=1
	tap "$1" "$result"
}

# The child's share of memory is larger than the parent's: it alone is refused.
for way in '' :allocator_may_return_null=1; do
	for command in run replay minimize triage; do
		run env ASAN_OPTIONS="detect_leaks=1:max_allocation_size_mb=1$way" \
			"$VRINGER" "$command" "$script"
		grep -v 'AddressSanitizer.*failed to allocate' "$err" >"$work/lines"
		mv "$work/lines" "$err"
		line "$command: no memory in a child$way" 'not enough memory to run it'
		grep -q '^device' "$out" && result=1 || result=0
		tap "$command: ... no script is made of it" "$result"
	done
done

for command in run replay minimize triage; do
	# shellcheck disable=SC2016
	run sh -c 'ulimit -n 4; exec "$@"' - "$VRINGER" "$command" "$script"
	line "$command: four descriptors" 'Too many open files'
done

# The superuser has as many processes as there are.
if [ "$(id -u)" != 0 ]; then
	set --
elif setpriv --reuid=65533 --regid=65533 --clear-groups test -x "$VRINGER" 2>/dev/null; then
	set -- setpriv --reuid=65533 --regid=65533 --clear-groups
else
	set -- no
fi
if [ "${1:-}" = no ]; then
	echo "# a limit on processes: not tested, nobody else can run $VRINGER"
else
	for command in run replay minimize triage; do
		run "$@" prlimit --nproc=0 "$VRINGER" "$command" "$script"
		line "$command: no process" 'cannot start a process to run it'
	done
fi

# All of memory, again and again, for longer than one call may take.
[ -n "${FULL:-}" ] && budget=1024 || budget=256
for what in 'pattern low len=0xa0000 seed=1' 'save' 'avail_idx 1 64
notify 1'; do
	cat >"$work/long.vr" <<S
device net-loopback budget=$budget
start driver_ok
repeat 65535
repeat 65535
$what
end
end
S
	gives 0 "long: ${what%% *}: a slow harness is no finding" \
		"$VRINGER" replay --timeout 1 "$work/long.vr"
	shows "long: ${what%% *}: nothing found" ' operations, .*: nothing found$'
done

printf 'abc' >"$work/crash-1"
printf 'Command line used to find this crash:\n' >"$work/README.txt"
gives 0 "nothing found" "$VRINGER" replay -t fs "$work/crash-1"
shows "... here: a hint where else" "^note: this program is built with .*Sanitizer.*: build/fuzz/fuzz_fs $work/crash-1\$"
refuses "minimize: nothing found, a hint" 'build/fuzz/fuzz_fs' "$VRINGER" minimize -t fs "$work/crash-1"
gives 0 "nothing found in a script" "$VRINGER" replay -t fs conformance/status/up-the-ladder.vr
shows "... no hint" 'nothing found$'
grep -q '^note: ' "$out" && result=1 || result=0
tap "... no hint at all" "$result"
mkdir "$work/afl"
mv "$work/crash-1" "$work/README.txt" "$work/afl"
gives 1 "triage: what afl-fuzz leaves" "$VRINGER" triage -t fs "$work/afl"
shows "... a README.txt is no input" '^# 1 file,'
shows "... a hint where else" '^#   this program is built with .*: build/fuzz/fuzz_fs '

for pair in run:20 replay:20 minimize:20..for.a.candidate triage:10; do
	gives 0 "${pair%%:*} --help" "$VRINGER" "${pair%%:*}" --help
	shows "... tells its own timeout" "^ *--timeout N .*a device call hangs after .*\(${pair#*:}"
done
tap_end
