# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The page of results of fuzzing, as XHTML that is HTML too: no script, nothing from elsewhere.
# With page_text.awk and page_chart.awk; page.sh says what the files are.
#
#   standard input     folders of runs, the oldest first: in each `about` and `status`
#   PAGE_FOUND         a file: what was found, the newest first
#   PAGE_CLAUSES       conformance/clauses.tsv, for the section of a clause
#   PAGE_RULES         what `vringer rules` prints, for findings that are not sorted yet
#   PAGE_CSS PAGE_NOW  page.css, and the time
#
# What is shown is bounded, however long the campaign: see the numbers in BEGIN.

BEGIN {
	most_findings = 200
	most_runs = 100
	most_lines = 200	# of a script
	most_bytes = 16384
	FS = "\t"
	now = ENVIRON["PAGE_NOW"]
	read_clauses(ENVIRON["PAGE_CLAUSES"])
	read_rules(ENVIRON["PAGE_RULES"])
	read_found(ENVIRON["PAGE_FOUND"])
}

{ read_run($0) }

END {
	print_head()
	print_groups()
	print_findings()
	print_known()
	print_charts()
	print_runs()
	print "</body></html>"
}

function read_clauses(file,    line, part) {
	while (file != "" && (getline line < file) > 0) {
		split(line, part, "\t")
		section_of[part[1]] = part[4]
	}
}

function read_rules(file,    line, part) {
	while (file != "" && (getline line < file) > 0) {
		split(line, part, " ")
		rule_of[part[1]] = part[1] " (" part[2] ", " part[3] ")"
	}
}

function read_found(file,    line, part, f) {
	while ((getline line < file) > 0) {
		# Eight fields; the last is the line that `triage` printed.
		if (split(line, part, "\t") != 9)
			continue
		if (part[6] == "known") {
			known_line[++knowns] = part[9]
			continue
		}
		f = ++findings
		found_target[f] = part[1]
		found_engine[f] = part[2]
		found_first[f] = part[3]
		found_last[f] = part[4]
		found_commit[f] = part[5]
		found_state[f] = part[6]
		found_script[f] = part[7]
		found_note[f] = part[8]
		found_line[f] = part[9]
		of_target[part[1]]++
	}
}

# A run: its lines `NAME VALUE`, and its lines of status.
function read_run(folder,    line, name, r, g, key) {
	r = runs + 1
	while ((getline line < (folder "/about")) > 0) {
		name = line
		sub(/ .*/, "", name)
		run[r, name] = substr(line, length(name) + 2)
	}
	close(folder "/about")
	if (run[r, "target"] == "")
		return
	runs = r
	key = run[r, "target"] "\t" run[r, "engine"]
	if (!(key in group_of)) {
		group_of[key] = ++groups
		points[groups] = 0
		group_target[groups] = run[r, "target"]
		group_engine[groups] = run[r, "engine"]
	}
	g = group_of[key]
	while ((getline line < (folder "/status")) > 0)
		take_status(g, r, line)
	close(folder "/status")
	fuzzed[g] += took(r)
	last_run[g] = r
	total += took(r)
}

# How long it fuzzed: what comes after its last line of status is sorting.
function took(r) {
	if (r in last_elapsed)
		return last_elapsed[r]
	return run[r, "updated"] - run[r, "begun"] > 0 ? run[r, "updated"] - run[r, "begun"] : 0
}

# How a run ended; or it has not, as far as is known.
function state_of(r) {
	if (run[r, "state"] != "running")
		return escape(run[r, "state"])
	# It tells of itself once a minute, but while it minimises the corpus.
	return now - run[r, "updated"] < 600 ? "running" : "not heard of since " moment(run[r, "updated"])
}

# The last value of a kind that is known.
function last_value(g, kind,    i) {
	for (i = points[g]; i > 0; i--)
		if (kind != "edges" || value[kind, g, i] > 0)
			return thousands(value[kind, g, i])
	return "-"
}

function print_head(    line) {
	print "<!DOCTYPE html>"
	print "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
	print "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>"
	print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
	print "<title>vringer: results of fuzzing</title><style>"
	while ((getline line < ENVIRON["PAGE_CSS"]) > 0)
		print line
	print "</style></head><body>"
	print "<h1>Results of fuzzing</h1>"
	printf "<p><span class=\"%s\">%s</span> in %s, %s fuzzed.</p>\n", (findings ? "bad" : "good"),
		(findings ? counted(findings, "finding") : "No finding"), counted(runs, "run"), span(total)
	printf "<p class=\"soft\">vringer wrote this page at %s UTC. While it fuzzes, it writes it anew every minute.</p>\n", moment(now)
	print "<p><a href=\"#targets\">Targets</a> <a href=\"#findings\">Findings</a> <a href=\"#time\">Over time</a> <a href=\"#runs\">What ran</a></p>"
}

# table(): begin one; columns are separated by `|`, and those with words begin with `=`.
function table(columns,    n, i, part) {
	n = split(columns, part, "|")
	printf "<div class=\"wide\" tabindex=\"0\"><table><thead><tr>"
	for (i = 1; i <= n; i++)
		printf "<th%s scope=\"col\">%s</th>", (sub(/^=/, "", part[i]) ? " class=\"words\"" : ""), part[i]
	print "</tr></thead><tbody>"
}

function cell(text) {
	printf "<td>%s</td>", text
}

function words(text) {
	printf "<td class=\"words\">%s</td>", text
}

function table_end() {
	print "</tbody></table></div>"
}

function print_groups(    g, n) {
	print "<h2 id=\"targets\">Targets</h2>"
	table("Target|=Engine|Edges|Corpus|Executions a second|Findings|Fuzzed|=State")
	for (g = 1; g <= groups; g++) {
		printf "<tr><td>%s</td>", escape(group_target[g])
		words(escape(group_engine[g]))
		cell(last_value(g, "edges"))
		cell(last_value(g, "corpus"))
		cell(last_value(g, "speed"))
		n = of_target[group_target[g]]
		cell(n > 0 ? "<span class=\"bad\">" thousands(n) "</span>" : "0")
		cell(span(fuzzed[g]))
		words(state_of(last_run[g]))
		print "</tr>"
	}
	table_end()
}

# What is told of it between the signature and the command: `of`: the rule, its severity
# and its clause, or the kind of crash; `rest`: files, and how far the script is shrunk;
# `command` replays it.
function take_line(line) {
	signature = line
	sub(/  # .*/, "", signature)
	of = rest = command = ""
	line = substr(line, length(signature) + 5)
	if (match(line, /(^|, )[0-9]+ files?/)) {
		of = substr(line, 1, RSTART - 1)
		rest = substr(line, RSTART)
		sub(/^, /, "", rest)
		if (match(rest, /: /)) {
			command = substr(rest, RSTART + 2)
			rest = substr(rest, 1, RSTART - 1)
		}
	} else {
		rest = line
	}
}

# The rule of a finding that only has its signature yet: rules are in front of `:`.
function rule_by(signature,    name) {
	name = signature
	sub(/:.*/, "", name)
	return rule_of[name]
}

function term(name, text) {
	if (text != "")
		printf "<dt>%s</dt><dd>%s</dd>\n", name, text
}

# The clause is what stands last in brackets.
function clause_of(of,    clause) {
	clause = of
	if (!sub(/^.*, /, "", clause) || !sub(/\)$/, "", clause))
		return ""
	return clause
}

function cited(clause) {
	if (clause in section_of)
		return "<code>" escape(clause) "</code>, VIRTIO 1.4, section " escape(section_of[clause])
	if (clause ~ /^[0-9][0-9.]*$/)
		return "VIRTIO 1.4, section " escape(clause)
	return clause == "policy" ? "a policy of vringer's own" : escape(clause)
}

function print_script(file,    line, n, size, more) {
	if (file == "" || (getline line < file) <= 0) {
		if (file ~ /\.vr$/)
			print "<p class=\"none\">The script is not there any more: " escape(file) "</p>"
		close(file)
		return
	}
	printf "<pre tabindex=\"0\">"
	do {
		size += length(line) + 1
		if (++n > most_lines || size > most_bytes) {
			more = 1
			break
		}
		print escape(line)
	} while ((getline line < file) > 0)
	close(file)
	print "</pre>"
	if (more)
		print "<p class=\"soft\">The rest of it is in " escape(file) "</p>"
}

function print_finding(f,    clause) {
	take_line(found_line[f])
	if (of == "" && found_state[f] == "running")
		of = rule_by(signature)
	clause = clause_of(of)
	printf "<details class=\"finding\"%s><summary><code>%s</code> <span class=\"soft\">%s%s</span></summary><div><dl>\n",
		(findings == 1 ? " open=\"open\"" : ""), escape(signature), escape(found_target[f]),
		(of != "" ? ", " escape(of) : "")
	term(clause != "" ? "Rule" : "Kind", escape(of))
	term("Clause", clause != "" ? cited(clause) : "")
	term("Inputs", escape(rest))
	term("Found", moment(found_first[f]) " UTC" (found_last[f] > found_first[f] ? ", last " moment(found_last[f]) : "") \
		" by " escape(found_engine[f]) (found_commit[f] != "" ? ", at commit <code>" escape(found_commit[f]) "</code>" : ""))
	term("Replay", command != "" ? "<code>" escape(command) "</code>" : "")
	term("Note", escape(found_note[f]))
	print "</dl>"
	print_script(found_script[f])
	print "</div></details>"
}

function print_findings(    f, left, where) {
	print "<h2 id=\"findings\">Findings</h2>"
	if (findings == 0)
		print "<p class=\"good\">Nothing was found so far.</p>"
	else
		print "<p class=\"soft\">One for each signature, the newest first, with the script that shows it.</p>"
	for (f = 1; f <= findings && f <= most_findings; f++)
		print_finding(f)
	left = findings - most_findings
	if (left > 0)
		printf "<p>%s more: <code>%s</code> lists them, and their scripts are in <code>%s</code>.</p>\n",
			counted(left, "finding"), escape(ENVIRON["PAGE_FOUND"]), escape(ENVIRON["PAGE_FINDINGS"])
}

function print_known(    i) {
	if (knowns == 0)
		return
	print "<h2>Known findings that were met</h2><ul>"
	for (i = 1; i <= knowns && i <= most_findings; i++)
		print "<li><code>" escape(known_line[i]) "</code></li>"
	print "</ul>"
	if (knowns > most_findings)
		print "<p>" thousands(knowns - most_findings) " more.</p>"
}

function print_charts(    g) {
	print "<h2 id=\"time\">Over time</h2>"
	print "<p class=\"soft\">Time is time fuzzed; a dotted line is where another run began. Edges of two engines are not the same.</p>"
	for (g = 1; g <= groups; g++) {
		printf "<section class=\"card\"><h3>%s, %s</h3>\n", escape(group_target[g]), escape(group_engine[g])
		thin(g)
		if (points[g] == 0) {
			print "<p class=\"none\">It has told of nothing yet.</p></section>"
			continue
		}
		print "<div class=\"charts\">"
		print_chart(g, "edges", "Edges covered")
		print_chart(g, "corpus", "Files in corpus")
		print_chart(g, "speed", "Executions a second")
		print "</div>"
		print_points(g)
		print "</section>"
	}
}

function print_runs(    r, least) {
	print "<h2 id=\"runs\">What ran</h2>"
	least = runs > most_runs ? runs - most_runs + 1 : 1
	table("Begun (UTC)|=Target|=Engine|Processes|Asked for|Ran for|Executions|Memory|=State|=Commit")
	for (r = runs; r >= least; r--) {
		printf "<tr><td>%s</td>", moment(run[r, "begun"])
		words(escape(run[r, "target"]))
		words(escape(run[r, "engine"]))
		cell(thousands(run[r, "jobs"]))
		cell(run[r, "seconds"] == 0 ? "no end" : span(run[r, "seconds"]))
		cell(span(took(r)))
		cell(run[r, "executions"] != "" ? thousands(run[r, "executions"]) : "-")
		cell(run[r, "peak"] != "" ? thousands(run[r, "peak"]) " MiB" : "-")
		words(state_of(r) (run[r, "died"] > 0 ? ", <span class=\"bad\">" run[r, "died"] + 0 " died</span>, see " escape(run[r, "logs"]) : ""))
		words(run[r, "commit"] != "" ? "<code>" escape(run[r, "commit"]) "</code>" : "-")
		print "</tr>"
	}
	table_end()
	if (least > 1)
		print "<p class=\"soft\">And " counted(least - 1, "run") " before.</p>"
}
