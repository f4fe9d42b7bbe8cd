# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The tables of live fuzzing, as Markdown, of what bench_live.sh reads for each target:
#
#   row NAME
#   cpu NS            of all processes; skipped NS: before what is measured; start NS, target
#                     NS: of those that run sessions, before the first one and since
#   executions N      and so on (bench_live.c)
#   place INSIDE COUNT FILE
#   note TEXT
#
# A sample counts for the folder of its file.  What is not of this tree is the sanitizers' or
# the C library's while a session runs, and the engine's before and after.  Processes that run no
# sessions are AFL++'s, with the mutator that they have loaded.

BEGIN {
	share_count = split("device ledger arena run libraries mutator engine", shares, " ")
	titles = "device|ledger|arena|guest, run|sanitizers, libc|mutator|engine"
}

$1 == "row" { rows[++row_count] = $2; next }
$1 == "place" { sampled[row_count, kind($4, $2)] += $3; samples[row_count] += $3; next }
$1 == "note" { sub(/^note /, ""); note[row_count] = $0; next }
NF == 2 { number[row_count, $1] = $2 }

function kind(file, inside) {
	if (file ~ /^devices\//)
		return "device"
	if (file ~ /^harness\/(ledger|rules)\//)
		return "ledger"
	if (file ~ /^harness\/arena\//)
		return "arena"
	if (file ~ /^fuzzers\/mutat/ || (!inside && file ~ /^(harness|build\/gen)\//))
		return "mutator"
	if (inside)
		return file ~ /^(harness|fuzzers|build\/gen)\// ? "run" : "libraries"
	return "engine"
}

# Of what is measured.
function cpu(r) {
	return number[r, "cpu"] - number[r, "skipped"]
}

# 1234567 -> 1,234,567
function grouped(n,    text) {
	for (text = sprintf("%.0f", n); match(text, /^[0-9]+[0-9][0-9][0-9]($|,)/); )
		sub(/[0-9][0-9][0-9]($|,)/, ",&", text)
	return text
}

function a_second(r, name) {
	return grouped(number[r, name] * 1e9 / cpu(r))
}

# Of all CPU time, in percent.
function percent(r, share,    part, rest) {
	rest = 1 - (number[r, "target"] + number[r, "start"]) / cpu(r)
	# One process: before its first session and after its last it is the engine.
	if (number[r, "processes"] == 1 || rest < 0)
		rest = 0
	part = samples[r] ? sampled[r, share] / samples[r] * (1 - rest) : 0
	return sprintf("%.0f", 100 * (part + (share == "engine" ? rest : 0)))
}

END {
	print "| target | CPU ms | executions/s | operations/s | chains/s | requests/s | answered/s | operations an input |"
	print "|---|---|---|---|---|---|---|---|"
	for (r = 1; r <= row_count; r++) {
		if (!number[r, "executions"] || number[r, "left"]) {
			print "| " rows[r] " | nothing was measured: " note[r] " |"
			continue
		}
		printf "| %s | %s | %s | %s | %s | %s | %s | %.0f |%s\n", rows[r],
			grouped(cpu(r) / 1e6), a_second(r, "executions"), a_second(r, "operations"),
			a_second(r, "taken"), a_second(r, "completed"), a_second(r, "answered"),
			number[r, "operations"] / number[r, "executions"],
			note[r] == "" ? "" : " " note[r]
	}
	print ""
	gsub(/\|/, " % | ", titles)
	print "| target | " titles " % |"
	print "|---|---|---|---|---|---|---|---|"
	for (r = 1; r <= row_count; r++) {
		if (!number[r, "executions"] || number[r, "left"])
			continue
		line = "| " rows[r] " |"
		for (s = 1; s <= share_count; s++)
			line = line " " percent(r, shares[s]) " |"
		print line
	}
}
