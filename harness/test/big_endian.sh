#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The harness and its models on a big-endian machine: the command built for s390x
# runs under qemu-s390x and shows of every script what the native one shows, access
# by access.  The C unit tests are not among this: cmocka is there for this machine
# alone.
#
# Of a long session (`budget=`, as in seeds.sh) the end is compared, not each
# access: it takes a minute of an emulated processor to print them.  And every third of
# them is enough: they do what short ones do, until a counter wraps, again and again.
#
# With FULL in the environment all of the others are compared.  Without, every sixteenth of each
# folder, and of the long sessions every ninth of a budget below 64.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"
. fuzzers/inputs.sh

native=build/obj/release/vringer
foreign=$work/vringer

[ -x build/obj/s390x/vringer ] || {
	echo '1..0 # SKIP no compiler for s390x, or no qemu-s390x'
	exit 0
}
cat >"$foreign" <<-END
	#!/bin/sh
	exec qemu-s390x '$PWD/build/obj/s390x/vringer' "\$@"
END
chmod +x "$foreign"

# part: of the scripts that are listed, those that are compared.
part() {
	if [ -n "${FULL:-}" ]; then cat; else sed -n '1~16p'; fi
}

# not_too_long: all but what takes the emulated processor a minute each.
not_too_long() {
	if [ -n "${FULL:-}" ]; then
		cat
	else
		xargs -r -d '\n' grep -LE '^[[:space:]]*device.*budget=([6-9][0-9]|[0-9]{3,})' | sed -n '1~3p' || :
	fi
}

# same NAME FILE FILE: both are there, and equal.
same() {
	: >"$err"
	if [ -s "$2" ] && cmp -s "$2" "$3"; then result=0; else
		result=1
		diff -a "$2" "$3" >"$err" 2>&1
	fi
	: >"$out"
	tap "$1" "$result"
}

# traces NAME LIST OPTION...: what both print of the scripts listed.  The names in
# the trace lead to the script.
traces() {
	name=$1 list=$2
	shift 2
	[ -s "$list" ] || return 0
	xargs -d '\n' -n 10000 "$native" replay "$@" <"$list" >"$work/here" 2>&1
	xargs -d '\n' -n 10000 "$foreign" replay "$@" <"$list" >"$work/there" 2>&1
	same "$name" "$work/here" "$work/there"
}

# It is the other machine: byte 5 of an ELF file is its order.
run qemu-s390x --version
[ "$(od -An -t x1 -j 5 -N 1 build/obj/s390x/vringer | tr -d ' ')" = 02 ]
tap 'the program is a big-endian one' $?

# Peers are programs of this machine, and `make peers` runs them.
for dir in $(find conformance corpus -path corpus/peers -prune -o -name '*.vr' -exec dirname {} + | sort -u); do
	find "$dir" -maxdepth 1 -name '*.vr' | sort >"$work/all"
	xargs -d '\n' grep -LE '^[[:space:]]*device.*budget=' <"$work/all" >"$work/every_short"
	comm -23 "$work/all" "$work/every_short" | sed -n '1~3p' | not_too_long >"$work/long"
	part <"$work/every_short" >"$work/short"
	traces "accesses of $dir" "$work/short" -t net-loopback -v --timeout 120
	traces "long sessions of $dir" "$work/long" -t net-loopback --timeout 120
done

# Scripts for every device, as the others run them.
for target in $("$native" targets | sed -n 's/^\([a-z-]*\):.*/\1/p'); do
	[ "$target" != net-loopback ] || continue
	run "$native" run --json -t "$target" --timeout 120 conformance/features
	mv "$out" "$work/here"
	run "$foreign" run --json -t "$target" --timeout 120 conformance/features
	mv "$out" "$work/there"
	same "conformance/features on $target" "$work/here" "$work/there"
done

# The forms, and what is judged of them; a body, with and without a header.
for target in $(parsers); do
	run fuzzers/seeds.sh "$foreign" "$target" "$work/seeds"
	diff -r "build/seeds/$target" "$work/seeds" >"$err" 2>&1
	tap "the seeds of $target are the same bytes" $?
	find "$work/seeds" -type f -print0 | sort -z >"$work/all"
	xargs -0 -n 10000 qemu-s390x "build/replay-s390x/fuzz_$target" <"$work/all" >"$out" 2>"$err"
	tap "the seeds of $target replay" $?
	rm -rf "$work/seeds"
done

tap_end
