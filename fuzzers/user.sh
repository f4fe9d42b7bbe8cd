#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `./mine fuzz` of a program that links libvringer.a does (harness/command/cmd_fuzz.c).
# It is installed beside the scripts that it shares with `make fuzz`.
#
#   user.sh COMMAND ENGINE DEVICE SECONDS JOBS FOLDER INSTALLED [SCRIPT|DIR]...
#
#   COMMAND    how the user calls the command, for messages
#   ENGINE     the user's program linked with libFuzzer, or built by a compiler of AFL++'s
#   SECONDS    0: until it is stopped
#   FOLDER     for the corpus, findings and logs
#   INSTALLED  vringer's own scripts
#
# Without a SCRIPT or DIR the user's are those in the current folder, two folders deep.
# KNOWN is the list of known findings, or empty.  With AFL++ all processes but the first run
# ENGINE-plain, the same without sanitizers, where that is there.
#
# Exit 0: nothing found; 1: something was found; 2: it cannot run, one line says why.
# shellcheck disable=SC1091,SC2034,SC2154
set -eu

parts=${0%/*}
command=$1 binary=$2 device=$3 seconds=$4 jobs=$5 folder=$6 installed=$7
shift 7
known=${KNOWN:-}
. "$parts/encode.sh"
. "$parts/findings.sh"
. "$parts/campaign.sh"
. "$parts/page.sh"

fail() {
	echo "$command: $1" >&2
	exit 2
}

# A device is all that such a program has.
is_parser() {
	false
}

# The user's own scripts, and vringer's.
scripts() {
	if [ $# -gt 0 ]; then
		find "$@" -name '*.vr'
	else
		find . -maxdepth 3 -name '*.vr' ! -path "./${folder#./}/*"
	fi | sort
	find "$installed" -name '*.vr' | sort
}

for given; do
	[ -e "$given" ] || fail "$given: No such file or directory"
done
case $folder in
*[[:space:]]*) fail "the folder '$folder' has a blank in its name" ;;
esac
for tool in flock awk xargs sha1sum ps; do
	command -v "$tool" >/dev/null || fail "$tool is not there"
done
engine=libfuzzer
if grep -qa AFL_DISABLE_LLVM_INSTRUMENTATION "$binary"; then
	engine=aflplusplus
	command -v afl-fuzz >/dev/null || fail "$binary is built for AFL++, and afl-fuzz is not there"
else
	"$binary" -help=1 2>&1 | grep -q libFuzzer ||
		fail "$binary is not linked with libFuzzer (-fsanitize=fuzzer), nor built by afl-clang-fast"
fi
# shellcheck disable=SC1090  # one of the two
. "$parts/$engine.sh"
"$binary" targets >/dev/null || exit 2
[ -z "$known" ] || "$binary" triage --known "$known" -t "$device" /dev/null >/dev/null ||
	[ $? = 1 ] || exit 2

# What clang's build found, clang's build replays and shrinks.
target=$device vringer=$binary
corpus=$folder/corpus given=$folder/given seeds=$folder/seeds
findings=$folder/findings logs=$folder/logs pages=$folder/campaign
# Both may be at work in one folder, each with logs of its own.
[ "$engine" = libfuzzer ] || given=$folder/afl/given logs=$folder/afl/logs in=$folder/afl/in out=$folder/afl/out
rm -rf "$given"
mkdir -p "$given" || exit 2
scripts "$@" >"$given.scripts"
encode_scripts "$binary" "$device" "$given" <"$given.scripts" || fail "see above: a script is wrong (in $given.programs, D-S.vr is a copy of D/S.vr)"
rm -f "$given.scripts"
[ -n "$(ls "$given")" ] || fail "there is no script for $device"

dict=$parts/../vringer.dict
[ -f "$dict" ] || dict=

with_libfuzzer() {
	export VRINGER_TARGET="$device"
	# The default quarantine would use most of the memory limit.
	export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"
	export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
	fuzz_with_libfuzzer -max_len=4096 -entropic_scale_per_exec_time=1 \
		-entropic_feature_frequency_threshold=20 -timeout=20 ${dict:+"-dict=$dict"}
}

# What `targets` says of the device is for the mutator, a library that does not know it.
with_afl() {
	plain=$binary-plain shared=
	mutator=$parts/../../../lib/vringer/vringer_mutator.so
	[ -f "$mutator" ] || mutator=
	for word in $("$binary" targets | sed -n "s/.*for afl-fuzz: \(VRINGER_TARGET=$device .*\)/\1/p"); do
		export "${word?}"
	done
	export VRINGER_TARGET="$device"
	[ -z "$known" ] || known=$(realpath "$known")
	fuzz_with_afl -G 4096 ${dict:+-x "$dict"}
}

if [ "$engine" = libfuzzer ]; then
	with_libfuzzer
else
	with_afl
fi
[ ! -f "$logs/full" ] || exit 2
[ "$count" = 0 ] || exit 1
