#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `./mine fuzz` of a program that links libvringer.a does (harness/command/cmd_fuzz.c).
# It is installed beside the scripts that it shares with `make fuzz`.
#
#   user.sh COMMAND ENGINE DEVICE SECONDS JOBS FOLDER INSTALLED [SCRIPT|DIR]...
#
#   COMMAND    how the user calls the command, for messages
#   ENGINE     the user's program linked with libFuzzer
#   FOLDER     for the corpus, findings and logs
#   INSTALLED  vringer's own scripts
#
# Without a SCRIPT or DIR the user's are those in the current folder, two folders deep.
# KNOWN is the list of known findings, or empty.
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
. "$parts/libfuzzer.sh"

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
for tool in flock awk xargs sha1sum; do
	command -v "$tool" >/dev/null || fail "$tool is not there"
done
"$binary" -help=1 2>&1 | grep -q libFuzzer ||
	fail "$binary is not linked with libFuzzer (-fsanitize=fuzzer)"
"$binary" targets >/dev/null || exit 2
[ -z "$known" ] || "$binary" triage --known "$known" -t "$device" /dev/null >/dev/null ||
	[ $? = 1 ] || exit 2

# What clang's build found, clang's build replays and shrinks.
target=$device vringer=$binary
corpus=$folder/corpus given=$folder/given seeds=$folder/seeds
findings=$folder/findings logs=$folder/logs pages=$folder/campaign
mkdir -p "$folder" || exit 2
rm -rf "$given"
mkdir -p "$given"
scripts "$@" >"$folder/scripts"
encode_scripts "$binary" "$device" "$given" <"$folder/scripts" || fail "see above: a script is wrong (in $given.programs, D-S.vr is a copy of D/S.vr)"
rm -f "$folder/scripts"
[ -n "$(ls "$given")" ] || fail "there is no script for $device"

export VRINGER_TARGET="$device"
# The default quarantine would use most of the memory limit.
export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
dict=$parts/../vringer.dict
set -- -max_len=4096 -timeout=20
[ ! -f "$dict" ] || set -- "$@" -dict="$dict"
fuzz_with_libfuzzer "$@"
[ "$count" = 0 ] || exit 1
