#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make peers` does: run every portable script, and the peer's own under
# corpus/peers/NAME/, on each peer whose program is installed, past the findings that
# corpus/peers/NAME/known lists, and print a table.
#
#   table.sh [NAME]...      those, and nothing else will do
#
#   FULL=1      each script with every queue, request and layout of buffers, not once (run
#               --brief): an hour and more for all peers
#   QUICK=1     on three peers unless some are named
#   COMMAND=CMD what is started for the one that is named (run --command)
#
# The table, and below it a line for each signature that is not known, are the same each
# time that the peers answer in the same way; how long it took goes to stderr.  What was
# run is left in build/peers/NAME.json.
#
# must: scripts that failed.  should, limit: scripts that broke a rule or missed a line of
# that severity, which fails nothing.  Exit 0: none of the first; 1: some; 2: a peer cannot
# be run.
set -eu

vringer=${VRINGER:-build/vringer}
results=build/peers
quick='qemu-rng qemu-blk qsd-blk'
command=${COMMAND:-}
mkdir -p "$results"

fail() {
	echo "make peers: $1" >&2
	exit 2
}

# peer NAME FIELD: of `vringer peers`.
peer() {
	"$vringer" peers --json --peer "$1" ${command:+--command "$command"} |
		jq -r ".peers[0].$2 // \"\""
}

# What the program says its version is, in one line; of one that does not say, its package's.
version_of() {
	program=$(peer "$1" program)
	arguments=$(peer "$1" version_arguments)
	if [ -z "$arguments" ]; then
		package=$(peer "$1" package)
		dpkg-query -W -f '${Package} ${Version}\n' "$package" 2>/dev/null || echo "$program"
		return
	fi
	# shellcheck disable=SC2086  # several arguments
	said=$(timeout 20 "$program" $arguments 2>&1 </dev/null | tr '\t' ' ')
	# The first line, unless it is another that says it.
	printf '%s\n' "$said" | grep -i -m 1 version || printf '%s\n' "$said" | head -n 1
}

# run NAME: leaves $results/NAME.json.
run() {
	name=$1
	set -- conformance
	[ ! -d "corpus/peers/$name" ] || [ -z "$(find "corpus/peers/$name" -name '*.vr')" ] ||
		set -- "$@" "corpus/peers/$name"
	known=corpus/peers/$name/known
	[ ! -f "$known" ] || set -- --known "$known" "$@"
	[ -n "${FULL:-}" ] || set -- --brief "$@"
	[ -z "$command" ] || set -- --command "$command" "$@"
	begun=$(date +%s)
	rc=0
	"$vringer" run --peer "$name" --json -o "$results/$name.json" "$@" || rc=$?
	[ "$rc" -le 1 ] || return "$rc"
	echo "peers: $name: $(jq '.results | length' "$results/$name.json") scripts in" \
		"$(($(date +%s) - begun)) s" >&2
}

# A row: name, run, passed, must, should, limit, known, skipped, version.
row() {
	jq -r --arg name "$1" --arg version "$(version_of "$1")" '
		def milder(s): select(.result != "skip") | select(
			([.findings[] | select(.fails | not) | select(has("known") | not) | .severity] +
				[.unmet[].severity]) | index(s) != null);
		def count(f): [.results[] | f] | length;
		[$name, count(select(.result != "skip")), count(select(.result == "pass")),
			count(select(.result == "fail")), count(milder("should")), count(milder("limit")),
			count(select(.result == "known")), count(select(.result == "skip")), $version] |
		@tsv' "$results/$1.json"
}

# SIGNATURE  # severity, scripts, the command that shows it, for each that is not known.
news() {
	jq -r --arg run "$vringer replay --peer $1${command:+ --command '$command'}" '
		[.results[] | select(.result != "skip") | . as $r |
			(if .result == "fail" and ([.findings[] | select(.fails)] == []) then
				{signature, severity, text: .message} else empty end),
			(.findings[] | select(has("known") | not) | {signature, text: .message,
				severity: (if .fails then "must" else .severity end)}) |
			. + {file: $r.file, queue: $r.queue, request: $r.request, layout: $r.layout}] |
		group_by(.signature)[] |
		"\(.[0].signature)  # \(.[0].severity), \(length) run\(if length > 1 then "s" else "" end): " +
		"\($run)\(.[0] | (if .queue != null then " --queue \(.queue)" else "" end) +
			(if .request != null then " --request \(.request)" else "" end) +
			(if .layout == "indirect" then " --indirect" else "" end)) \(.[0].file)"' \
		"$results/$1.json"
}

if [ $# = 0 ] && [ -n "${QUICK:-}" ]; then
	# shellcheck disable=SC2086  # names
	set -- $quick
elif [ $# = 0 ]; then
	# shellcheck disable=SC2046  # names
	set -- $("$vringer" peers --json | jq -r '.peers[] | select(.found) | .peer')
	[ $# -gt 0 ] || fail "no peer is installed; '$vringer peers' says which packages have them"
fi
[ -z "$command" ] || [ $# = 1 ] || fail "COMMAND is for one peer, expected PEER=NAME"
for name; do
	"$vringer" peers --peer "$name" ${command:+--command "$command"} >/dev/null || exit 2
	[ "$(peer "$name" found)" = true ] || fail "$name: $(peer "$name" missing)"
done

failed=0 broken=0
: >"$results/rows"
: >"$results/news"
for name; do
	if ! run "$name"; then
		broken=1
		continue
	fi
	row "$name" >>"$results/rows"
	news "$name" | sed "s/^/$name: /" >>"$results/news"
	[ "$(jq .failed "$results/$name.json")" = 0 ] || failed=1
done

awk -F '\t' -v OFS='\t' '
	BEGIN { print "peer", "run", "passed", "must", "should", "limit", "known", "skipped", "program" }
	{ print }' "$results/rows" | awk -F '\t' '
	{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > wide[i]) wide[i] = length($i) } }
	END {
		for (r = 1; r <= NR; r++) {
			line = sprintf("%-*s", wide[1], cell[r, 1])
			for (i = 2; i < 9; i++) line = line sprintf("  %*s", wide[i], cell[r, i])
			print line "  " cell[r, 9]
		}
	}'
cat "$results/news"
[ "$broken" = 0 ] || exit 2
[ "$failed" = 0 ]
