#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `>` lines demand of a device that runs: each holds where it should and fails,
# with a word of what was seen, where it should not.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

# script DEVICE LINE...: $work/script.vr
script() {
	printf 'device %s\n' "$1" >"$work/script.vr"
	shift
	printf '%s\n' "$@" >>"$work/script.vr"
}

# holds NAME DEVICE LINE...
holds() {
	name=$1
	shift
	script "$@"
	gives 0 "$name" "$VRINGER" run --split "$work/script.vr"
}

# breaks NAME PATTERN DEVICE LINE...: the last line is not met, and PATTERN says why.
breaks() {
	name=$1 pattern=$2
	shift 2
	script "$@"
	gives 1 "$name" "$VRINGER" run --split "$work/script.vr"
	shows "$name: it says why" "^# .*script.vr:$#: $pattern"
}

live='start driver_ok size=4'
poison="offer 1 b3
publish 1 99
notify 1"
# shellcheck disable=SC2086
IFS='
'
# shellcheck disable=SC2086
holds 'order: the used interrupt came first' net-loopback "$live" $poison '> order used config'
# shellcheck disable=SC2086
breaks 'order: it came first' 'the operation raised used=1 config=1, first used, expected config before used' \
	net-loopback "$live" $poison '> order config used'
breaks 'order: one kind alone' 'the operation raised used=1 config=0, first used, expected used before config' \
	net-loopback "$live" 'send 1 b3' '> order used config'
breaks 'order: none at all' 'the operation raised used=0 config=0, first 0, expected used before config' \
	net-loopback "$live" '> order used config'
# shellcheck disable=SC2086
breaks 'order: of this operation, not of one before' 'the operation raised used=0 config=0' \
	net-loopback "$live" $poison 'notify 0' '> order used config'

holds 'generation: it moved' balloon "$live" 'read ConfigGeneration' 'set_num_pages 5' '> generation moved'
holds 'generation: as the driver read it last' balloon "$live" 'read ConfigGeneration' 'set_num_pages 5' \
	'read ConfigGeneration' '> generation same'
breaks 'generation: it moved, expected the same' 'ConfigGeneration reads 0x1, and read 0x0 before, expected the same' \
	balloon "$live" 'read ConfigGeneration' 'set_num_pages 5' '> generation same'
breaks 'generation: it is the same, expected another' 'ConfigGeneration reads 0x0, .*expected another' \
	balloon "$live" 'read ConfigGeneration' 'set_num_pages 0' '> generation moved'
breaks 'generation: nobody read it' 'the driver has not read ConfigGeneration' \
	balloon "$live" 'set_num_pages 5' '> generation moved'
breaks 'generation: read in part is not read' 'the driver has not read ConfigGeneration' \
	balloon "$live" 'read ConfigGeneration width=1' 'set_num_pages 5' '> generation moved'

holds 'a counter that can fall stands somewhere' net-host "$live" 'type 0 len=64' '> counters host_frames=1' \
	'> counter host_frames_waiting=1'
breaks 'counters: one that can fall' "host_frames_waiting can fall: expected '> counter host_frames_waiting='" \
	net-host "$live" 'type 0 len=64' '> counters host_frames=1 host_frames_waiting=1'

json() {
	jq -e "$2" "$out" >/dev/null 2>>"$err" && result=0 || result=1
	tap "$1" "$result"
}

# How many of each severity: what is not met of `should` fails our own models.
script net-loopback "$live" '> must status +DRIVER_OK' '> should status +FAILED' '> raised none' '> counters none'
gives 1 'severity: a SHOULD that our model does not meet' "$VRINGER" run --split "$work/script.vr"
shows '... is counted, and what was not looked at' '^# should: demands 0 met, 1 broken, 0 not judged; rules [0-9]+ met, 0 broken, [0-9]+ not judged$'
shows '... beside what was met' '^# must: demands 1 met, 0 broken, 1 not judged; '
shows '... counters being the device'"'"'s own' '^# model: demands 0 met, 0 broken, 1 not judged; '
run "$VRINGER" run --split --json "$work/script.vr"
json '... as JSON' '.severities.should.demands == {"met":0,"broken":1,"not_judged":0} and
	(.severities.must.rules | .met > 0 and .broken == 0 and .not_judged > 0) and
	(.results[0] | .severity == "should" and .demands.must == {"met":1,"broken":0,"not_judged":1} and
	(.demands | has("limit") | not))'
run "$VRINGER" run --split --junit "$work/script.vr"
shows '... as JUnit'"'"'s properties' '<property name="should.demands.broken" value="1"/>'
printf 'severity should\n' >"$work/all.vr"
cat "$work/script.vr" >>"$work/all.vr"
gives 1 'severity: a line for the whole script' "$VRINGER" run --split "$work/all.vr"
shows '... which a word in front of a demand is before' '^# must: demands 1 met, 0 broken, 0 not judged; '

tap_end
