#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Bad input on the command line and in files: exit 2 and one clear line.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

printf 'device net-loopback\nstart driver_ok\n' >"$work/good.vr"
printf 'device net-loopback\nstart driver_ok\n  smash 1\n' >"$work/bad.vr"
printf 'device no-such\nreset\n' >"$work/target.vr"
printf 'device any\nclause 2.4 dev.no.such.9\nreset\n' >"$work/clause.vr"
printf 'device net-loopback\nreset\n\0\n' >"$work/nul.vr"
printf 'VRNG\002\003netxx' >"$work/newer.bin"
printf 'VRNG\001\000\000\007no-such\032\365' >"$work/target.bin"
printf 'VRNG\000\000\000\007no-such\032\365' >"$work/version-0.bin"
printf '# a\n\n  device\tno-such\nreset\n' >"$work/target-3.vr"
printf '\357\273\277device net-loopback\nreset\n' >"$work/mark.vr"
cp "$work/mark.vr" "$work/crash-mark"
printf '\377\376d\000e\000' >"$work/mark-16.vr"
head -c 5000000 /dev/zero >"$work/large"
mkdir "$work/empty" "$work/dir.vr" "$work/mixed"
cp "$work/good.vr" "$work/bad.vr" "$work/mixed"
ln -s "$work/nowhere" "$work/dangling.vr"

refuses 'no command' 'no command' "$VRINGER"
refuses 'unknown command' "unknown command 'fly'" "$VRINGER" fly
refuses 'an option as command' "unknown command '--fly'" "$VRINGER" --fly

for command in targets rules ops; do
	refuses "$command: unknown option" "unknown option '--fly'" "$VRINGER" $command --fly
	refuses "$command: argument" 'no argument' "$VRINGER" $command now
done

for command in run replay show encode; do
	refuses "$command: no file" "^vringer $command: no " "$VRINGER" $command
	refuses "$command: unknown option" "unknown option '--fly'" "$VRINGER" $command --fly "$work/good.vr"
	refuses "$command: unknown short option" "unknown option '-Z'" "$VRINGER" $command -Z "$work/good.vr"
	refuses "$command: option without its argument" "no argument for option '--target'" \
		"$VRINGER" $command "$work/good.vr" --target
	refuses "$command: argument for a flag" "unknown option '--help=x'" "$VRINGER" $command --help=x "$work/good.vr"
	newer='format version 2, expected 1' unknown="unknown target 'no-such'"
	# Files that are no text are not for `run`, whatever is in them.
	[ "$command" != run ] || newer='is not a script' unknown='is not a script'
	refuses "$command: missing file" "^$work/none.vr: No such file" \
		"$VRINGER" $command "$work/none.vr"
	refuses "$command: dangling link" 'No such file' "$VRINGER" $command "$work/dangling.vr"
	refuses "$command: path below a file" 'Not a directory' \
		"$VRINGER" $command "$work/good.vr/x.vr"
	refuses "$command: empty path" '^: No such file' "$VRINGER" $command ''
	refuses "$command: script error" "^$work/bad.vr:3:3: unknown operation" \
		"$VRINGER" $command "$work/bad.vr"
	refuses "$command: a clause that is none" "^$work/clause.vr:2:12: no clause 'dev.no.such.9', expected" \
		"$VRINGER" $command "$work/clause.vr"
	refuses "$command: NUL byte" "^$work/nul.vr:3:1: byte 0x00" \
		"$VRINGER" $command "$work/nul.vr"
	refuses "$command: newer file" "$newer" \
		"$VRINGER" $command "$work/newer.bin"
	refuses "$command: unknown target in a script" "unknown target 'no-such'" \
		"$VRINGER" $command "$work/target.vr"
	refuses "$command: unknown target in a file" "$unknown" \
		"$VRINGER" $command "$work/target.bin"
	refuses "$command: unknown target, its place" "^$work/target-3.vr:3:10: unknown target 'no-such'" \
		"$VRINGER" $command "$work/target-3.vr"
	refuses "$command: byte-order mark" "^$work/mark.vr:1:1: a byte-order mark \(UTF-8\), expected" \
		"$VRINGER" $command "$work/mark.vr"
	refuses "$command: byte-order mark, no name of a script" \
		"^$work/crash-mark:1:1: a byte-order mark \(UTF-8\), expected" \
		"$VRINGER" $command "$work/crash-mark"
	refuses "$command: byte-order mark of UTF-16" "^$work/mark-16.vr:1:1: a byte-order mark \(UTF-16\)" \
		"$VRINGER" $command "$work/mark-16.vr"
	[ "$command" = run ] || refuses "$command: version 0" \
		'format version 0, expected 1: no such version exists$' \
		"$VRINGER" $command "$work/version-0.bin"
	refuses "$command: file too large" 'too large' "$VRINGER" $command "$work/large"
done
for command in replay show encode; do
	refuses "$command: directory" 'is a directory, expected a file' \
		"$VRINGER" $command "$work/empty"
	refuses "$command: directory with a script's name" 'is a directory' \
		"$VRINGER" $command "$work/dir.vr"
done
for command in run show encode; do
	refuses "$command: unknown target" "unknown target 'x'" \
		"$VRINGER" $command -t x "$work/good.vr"
done
printf '\032\365' >"$work/crash-1"
refuses 'replay: unknown target' "unknown target 'x'" "$VRINGER" replay -t x "$work/crash-1"

refuses 'run: directory without a script' 'no script in it' "$VRINGER" run "$work/empty"
refuses 'run: one bad script of two, nothing is run' "bad.vr:3:3: unknown operation" \
	"$VRINGER" run "$work/mixed"
for command in run replay; do
	for seconds in 0 -1 x 1x '' 99999999 99999999999999999999; do
		refuses "$command: --timeout '$seconds'" 'expected a number from 1 to 86400' \
			"$VRINGER" $command --timeout "$seconds" "$work/good.vr"
	done
done
refuses 'run: chains are not counted without the ledger' 'the ledger counts chains' \
	"$VRINGER" run --completes --no-ledger "$work/good.vr"
refuses 'show: several files, one output' 'one output' \
	"$VRINGER" show -o "$work/x" "$work/good.vr" "$work/good.vr"
refuses 'encode: several files, no directory' 'directory' \
	"$VRINGER" encode -o "$work/x" "$work/good.vr" "$work/good.vr"

for command in run show encode; do
	refuses "$command: output in no folder" '^/nonexistent/x: cannot be written: No such file' \
		"$VRINGER" $command -o /nonexistent/x "$work/good.vr"
	refuses "$command: output below a file" 'cannot be written: Not a directory' \
		"$VRINGER" $command -o "$work/good.vr/x" "$work/good.vr"
done
for command in run show; do
	refuses "$command: output is a directory" 'cannot be written: Is a directory' \
		"$VRINGER" $command -o "$work/empty" "$work/good.vr"
done
mkdir "$work/taken" "$work/taken/good"
refuses 'encode: output in the directory is a directory' 'cannot be written: Is a directory' \
	"$VRINGER" encode -o "$work/taken" "$work/good.vr"
[ -z "$(find "$work" -name '*tmp-*')" ]
tap 'no temporary file is left' $?

# An output is written whole or not at all.
for command in run show encode; do
	echo old >"$work/old"
	refuses "$command: bad input" 'unknown operation' \
		"$VRINGER" $command -o "$work/old" "$work/bad.vr"
	[ "$(cat "$work/old")" = old ]
	tap "$command: bad input leaves the output as it was" $?
done

tap_end
