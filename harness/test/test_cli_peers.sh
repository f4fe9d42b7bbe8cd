#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Peers on the command line: listing starts nothing, what is unknown or not installed is
# one line, the command that shows a finding again says which peer and program.  No peer
# need be installed for it.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

peer=qemu-rng other=qsd-blk
script=conformance/status/up-the-ladder.vr
started=$work/started

# A program that leaves a sign that it was started, and then is no peer.
printf '#!/bin/sh\necho "$@" >>"%s"\necho a word of its own >&2\nexit 3\n' "$started" >"$work/program"
chmod +x "$work/program"

not_started() {
	[ ! -e "$started" ]
	tap "$1: starts nothing" $?
	rm -f "$started"
}

gives 0 'peers' "$VRINGER" peers
shows 'peers: name, kind, link, program or package' \
	"^$peer +rng +qtest +(/.*/qemu-system-x86_64|.* expected Debian's package qemu-system-x86, or --command)\$"
shows 'peers: and others' "^$other +blk +vhost-user +"
gives 0 'peers: no program in PATH' env PATH=/nowhere "$VRINGER" peers
shows '... names the package' "^$peer .*qemu-system-x86_64 is not there, expected Debian's package qemu-system-x86"
gives 0 'peers --peer' "$VRINGER" peers --peer "$peer"
[ "$(wc -l <"$out")" = 1 ]
tap 'peers --peer: one line' $?
gives 0 'peers --command' "$VRINGER" peers --peer "$peer" --command "$work/program {socket}"
shows 'peers --command: that program' "^$peer .* $work/program\$"
not_started 'peers --command'
gives 0 'peers --json' "$VRINGER" peers --json --peer "$peer" --command "$work/program"
jq -e --arg program "$work/program" '.peers | length == 1 and (.[0] |
	.found and .program == $program and .kind == "rng" and .package == "qemu-system-x86")' \
	"$out" >/dev/null 2>"$err"
tap 'peers --json: says so' $?
not_started 'peers --json'
run env PATH=/nowhere "$VRINGER" peers --json
jq -e '[.peers[] | select(.found | not)] | length > 0 and all(.missing | test("--command"))' "$out" >/dev/null 2>"$err"
tap 'peers --json: what is missing' $?
gives 0 'targets' "$VRINGER" targets
grep -q "$peer" "$out" && result=1 || result=0
tap 'targets: lists no peer' "$result"
gives 0 'show' "$VRINGER" show -t "$peer" "$script"
shows 'show: for the peer, though it is not started' "^device $peer\$"

# What is wrong.
for command in run replay minimize triage; do
	refuses "$command: an unknown peer" \
		"^vringer $command: unknown peer 'qemu-nono', 'vringer peers' lists them\$" \
		"$VRINGER" "$command" --peer qemu-nono "$script"
	refuses "$command: a device of ours is no peer" \
		"^vringer $command: unknown peer 'console'" "$VRINGER" "$command" --peer console "$script"
	refuses "$command: both names" '^vringer .*: --peer and -t were both given' \
		"$VRINGER" "$command" --peer "$peer" -t console "$script"
	refuses "$command: --command alone" '--command starts a peer, expected --peer NAME' \
		"$VRINGER" "$command" --command "$work/program" "$script"
	refuses "$command: --command of ours" '--command starts a peer, expected --peer NAME' \
		"$VRINGER" "$command" -t console --command "$work/program" "$script"
	refuses "$command: not installed" \
		"^vringer $command: $peer: qemu-system-x86_64 is not there, expected Debian's package qemu-system-x86, or --command\$" \
		env PATH=/nowhere "$VRINGER" "$command" --peer "$peer" "$script"
	refuses "$command: no such program" "^vringer $command: $peer: /nowhere/x: there is no such program\$" \
		"$VRINGER" "$command" --peer "$peer" --command '/nowhere/x -a' "$script"
done
refuses 'a peer by -t, not installed' "^vringer run: $peer: .* expected Debian's package" \
	env PATH=/nowhere "$VRINGER" run -t "$peer" "$script"
refuses 'no words' '--command names no program' "$VRINGER" run --peer "$peer" --command ' ' "$script"
refuses 'a quote' '--command has a quote that is not closed' \
	"$VRINGER" run --peer "$peer" --command "$work/program 'a" "$script"
refuses 'a peer is unknown to peers' "^vringer peers: unknown peer 'x'" "$VRINGER" peers --peer x
refuses 'one that polls, and is not started here' "^vringer run: dpdk-net: .*it polls" \
	"$VRINGER" run --peer dpdk-net --command unix:/nowhere/socket "$script"
mkdir "$work/folder"
refuses 'a folder is no program' 'there is no such program' \
	"$VRINGER" run --peer "$peer" --command "$work/folder" "$script"

# A program that is none: one line with its words, and nothing else is started.
refuses 'a program that ends' "^vringer run: $peer: .*a word of its own" \
	"$VRINGER" run --peer "$peer" --command "$work/program" "$script"
[ "$(wc -l <"$started")" = 1 ]
tap 'a program that ends: was started once' $?
rm -f "$started"
refuses "a whole command line" "^vringer run: $peer: " \
	"$VRINGER" run --peer "$peer" --command "$work/program 'a b' {socket}" "$script"
[ "$(wc -w <"$started")" = 3 ]
tap 'a whole command line: no arguments follow' $?
rm -f "$started"

# A script names its peer; one for any device runs on none that is not asked for.
printf 'device %s\nstart driver_ok\n' "$peer" >"$work/named.vr"
refuses 'a script for a peer that is not installed' "$peer: qemu-system-x86_64 is not there" \
	env PATH=/nowhere "$VRINGER" run "$work/named.vr"
gives 0 'a script for a peer, on another device' env PATH=/nowhere "$VRINGER" run -t console "$work/named.vr"
shows '... is not run' '^1\.\.0'
gives 0 'a script for any device' env PATH=/nowhere "$VRINGER" run "$script"
grep -q "$peer" "$out" && result=1 || result=0
tap '... starts no peer' "$result"

# Of many queues and requests, one.
gives 0 'brief' "$VRINGER" run --brief -t net-loopback conformance/ring/address-above-4-gib.vr
shows 'brief: one run' '^1\.\.1$'
shows 'brief: one that can run' '^# 1 passed, 0 failed, 0 skipped'

tap_end
