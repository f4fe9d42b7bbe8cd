#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Same session, same verdict: run the same scripts on a peer many times, every second time
# with busy loops beside, and compare the results.
#
#   steady.sh PEER [SCRIPTS [TIMES]]      200 scripts, spread over conformance/, 20 times
#
#   LOOPS=N      busy loops beside every second run; 3 unless given
#   COMMAND=CMD  what is started (run --command)
#
# A result that differs means that the peer was looked at too early, or that something
# outlasts a reset: it is printed as the JSON of the first run and of that one.  Nothing
# that is compared depends on the clock.  Exit 0: all the same; 1: not; 2: it cannot be run.
set -eu

vringer=${VRINGER:-build/vringer}
peer=${1:?usage: steady.sh PEER [SCRIPTS [TIMES]]}
wanted=${2:-200}
times=${3:-20}
loops=${LOOPS:-3}
folder=$(mktemp -d)
burners=

quiet() {
	# shellcheck disable=SC2086  # several
	[ -z "$burners" ] || kill $burners 2>/dev/null || :
	burners=
}
trap 'quiet; rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM

busy() {
	for _ in $(seq "$loops"); do
		sh -c 'while :; do :; done' &
		burners="$burners $!"
	done
}

# run FILE SCRIPT...: the results, one a line.
run() {
	to=$1
	shift
	rc=0
	"$vringer" run --peer "$peer" ${COMMAND:+--command "$COMMAND"} --brief --json \
		-o "$folder/json" "$@" || rc=$?
	[ "$rc" -le 1 ] || exit 2
	jq -c '.results[]' "$folder/json" >"$to"
}

run "$folder/all" conformance
jq -r 'select(.result != "skip") | .file' "$folder/all" | sort -u >"$folder/names"
there=$(wc -l <"$folder/names")
[ "$there" -gt 0 ] || {
	echo "steady: no script runs on $peer" >&2
	exit 2
}
# Every N-th, so that all folders are there.
awk -v there="$there" -v wanted="$wanted" \
	'int(NR * wanted / there) > int((NR - 1) * wanted / there) || wanted >= there' \
	"$folder/names" >"$folder/some"

differ=0
for time in $(seq "$times"); do
	[ $((time % 2)) -eq 1 ] || busy
	# shellcheck disable=SC2046  # names of ours, without blanks
	run "$folder/now" $(cat "$folder/some")
	quiet
	if [ "$time" -eq 1 ]; then
		mv "$folder/now" "$folder/first"
	elif ! cmp -s "$folder/first" "$folder/now"; then
		differ=1
		echo "# run $time of $peer differs from the first"
		diff "$folder/first" "$folder/now" | grep '^[<>]' || :
	fi
done
echo "$peer: $(wc -l <"$folder/some") scripts, $times times, $loops busy loops beside every" \
	"second time: $([ "$differ" -eq 0 ] && echo the same each time || echo not the same)"
exit "$differ"
