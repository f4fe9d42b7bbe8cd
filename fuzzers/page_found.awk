# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Put the findings of one run to those that are there: a line for each target and signature,
# as page.sh says.
#
#   PAGE_OLD     the lines that are there
#   PAGE_LINES   of a run that is over: what it printed of its findings; of one that is running:
#                lines SIGNATURE FILE
#   PAGE_STATE   running: it is
#
# What one run has sorted and another has only come by stays sorted.

BEGIN {
	FS = OFS = "\t"
	now = ENVIRON["PAGE_NOW"]
	target = ENVIRON["PAGE_TARGET"]
	running = ENVIRON["PAGE_STATE"] == "running"
	while ((getline < ENVIRON["PAGE_OLD"]) > 0)
		if (NF == 9)
			old[$1, signature_of($9)] = $0
	while ((getline line < ENVIRON["PAGE_LINES"]) > 0) {
		gsub(/\t/, " ", line)
		if (running)
			take_input(line)
		else
			take_line(line)
	}
	for (key in old)
		print old[key]
}

function signature_of(line) {
	sub(/  # .*/, "", line)
	return line
}

function put(state, script, note, line,    key, first) {
	key = target SUBSEP signature_of(line)
	first = now
	if (key in old) {
		$0 = old[key]
		first = $3
		if (state == "running" && $6 != "running") {
			$4 = now
			old[key] = $0
			return
		}
	}
	old[key] = target OFS ENVIRON["PAGE_ENGINE"] OFS first OFS now OFS ENVIRON["PAGE_COMMIT"] OFS state OFS script OFS note OFS line
	last = key
}

# The script that a line of `triage` ends with.
function script_of(line) {
	sub(/'$/, "", line)
	if (line !~ /\.vr$/)
		return ""
	sub(/.*\//, "", line)
	return ENVIRON["PAGE_FINDINGS"] "/" line
}

function take_line(line) {
	if (line ~ /^# known: /) {
		put("known", "", "", substr(line, 10))
	} else if (line ~ /^# no finding when run alone, /) {
		put("final", "", "", "no finding when run alone  # " substr(line, 29))
	} else if (line ~ /^#   / && last != "") {
		# Where to run it instead.
		$0 = old[last]
		$8 = substr(line, 5)
		old[last] = $0
	} else if (line !~ /^#/) {
		put("final", script_of(line), "", line)
	}
}

# The first input of a signature is shown.
function take_input(line,    input, name) {
	if (!match(line, / [^ ]*$/))
		return
	input = name = substr(line, RSTART + 1)
	line = substr(line, 1, RSTART - 1)
	if (seen[line]++)
		return
	sub(/.*\//, "", name)
	put("running", ENVIRON["PAGE_SCRIPTS"] == "" ? "" : ENVIRON["PAGE_SCRIPTS"] "/" name ".vr", "", line "  # shrunk when the run ends: " input)
}
