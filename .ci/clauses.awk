# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The check behind .ci/clauses, which says what it prints.  It reads, in this order:
#
#   WORK/scripts   every script          WORK/cited   their clause lines, as grep -n prints them
#   WORK/bugs      Rule: and Script: of every planted bug, as grep -n prints them
#   WORK/zoo       the legal devices     rules.h      X(NAME, "id", SEVERITY, ..., "clause", ...
#   sections.txt   clauses.tsv
BEGIN {
	FS = "\t"
	work = ENVIRON["WORK"] "/"
	mode = ENVIRON["MODE"]
	map = "conformance/clauses.tsv"
	most_words = 90
	split("judged unoffered unseen broken unbreakable permits unaccounted", hows, " ")
	split("id party keyword section since words how by", columns, " ")
	# Which words `how` may be, by party; permits is what a MAY has instead.
	may_be = " device:judged driver:broken driver:unbreakable "
}

FILENAME == work "scripts" { is_script[$0] = ++scripts; script_at[scripts] = $0; next }
FILENAME == work "zoo" { is_zoo[$0] = 1; next }
FILENAME == work "cited" { read_cited($0); next }
FILENAME == work "bugs" { read_bug($0); next }
FILENAME ~ /rules\.h$/ { read_rules($0); next }
FILENAME ~ /sections\.txt$/ { if ($0 !~ /^#/) is_section[$1] = 1; next }
FNR == 1 { check_head(); next }
{ read_row() }

END {
	if (mode == "candidates")
		print_candidates()
	else
		check_all()
	exit mode == "candidates" ? 0 : claims_false ? 2 : left_over && mode == "all"
}

function wrong(file, line, column, what) {
	print file ":" line ":" column ": " what
	claims_false++
}

# `FILE:LINE:clause ID...`
function read_cited(text,    file, line, at, column, word) {
	file = text
	sub(/:.*/, "", file)
	line = text = substr(text, length(file) + 2)
	sub(/:.*/, "", line)
	text = substr(text, length(line) + 2)
	sub(/#.*/, "", text)
	column = 1
	cites_any[file] = 1
	while (match(text, /[^ \t]+/)) {
		word = substr(text, RSTART, RLENGTH)
		column += RSTART - 1
		if (word != "clause") {
			cites[file, word] = 1
			cited_by[word] = cited_by[word] " " file
			citation[++citations] = word
			citation_at[citations] = file "\t" line "\t" column
		}
		column += RLENGTH
		text = substr(text, RSTART + RLENGTH)
	}
}

# `fuzzers/bugs/NAME.patch:LINE:Rule: ID...`, or `Script:`.  It is caught by each of these.
function read_bug(text,    name, part, n, i) {
	name = text
	sub(/^fuzzers\/bugs\//, "", name)
	sub(/\.patch:.*/, "", name)
	is_bug[name] = 1
	sub(/^[^:]*:[0-9]*:[A-Za-z]*:/, "", text)
	n = split(text, part, " ")
	for (i = 1; i <= n; i++) {
		sub(/,$/, "", part[i])
		caught_by[name, part[i]] = 1
		catches[part[i]] = catches[part[i]] " " name
	}
}

# The id is the first string of a row, its clause the second, perhaps a line later.
function read_rules(text,    string) {
	if (text ~ /^\tX\(/) {
		match(text, /"[^"]*"/)
		rule = substr(text, RSTART + 1, RLENGTH - 2)
		is_rule[rule] = 1
		text = substr(text, RSTART + RLENGTH)
		clause_due = 1
	}
	if (!clause_due || !match(text, /"[^"]*"/))
		return
	string = substr(text, RSTART + 1, RLENGTH - 2)
	clause_due = 0
	rules_of[string] = rules_of[string] " " rule
	citation[++citations] = string
	citation_at[citations] = FILENAME "\t" FNR "\t" (index($0, "\"" string "\"") + 1)
}

function check_head(    i) {
	for (i = 1; i <= 8; i++)
		if ($i != columns[i] || NF != 8)
			return wrong(map, 1, 1, "the columns are not the map's, expected id, party, keyword, section, since, words, how, by")
}

function column_of(field,    i, at) {
	at = 1
	for (i = 1; i < field; i++)
		at += length($i) + 1
	return at
}

function at_field(field, what) {
	wrong(map, FNR, column_of(field), what)
}

function read_row(    id, area, how) {
	id = $1
	if (NF != 8)
		return wrong(map, FNR, 1, NF " columns, expected 8 with a tab between each two")
	if (id in line_of)
		at_field(1, id " is there twice, the first time in line " line_of[id])
	line_of[id] = FNR
	ids[++rows] = id
	if ((substr(id, 1, 4) == "dev.") != ($2 == "device"))
		at_field(2, "'" $2 "' is not the party of " id)
	if (!($4 in is_section))
		at_field(4, "there is no section " $4 ", expected one of sections.txt")
	if ($5 !~ /^1\.[234]$/)
		at_field(5, "since '" $5 "', expected 1.2, 1.3 or 1.4")
	if (length($6) > most_words)
		at_field(6, length($6) " characters, expected at most " most_words)
	how = $7
	check_by(how, id)
	if (how != "" && $6 == "")
		at_field(6, "no words, expected our own few words on " id)
	if (how == "")
		how = "unaccounted"
	area = id
	sub(/^d[re]v\./, "", area)
	sub(/\..*/, "", area)
	if (how == "unaccounted")
		left[++left_over] = map ":" FNR ":1: " id " is not accounted for, expected judged, broken, ... in the column how"
	if (!((area, "seen") in count)) {
		count[area, "seen"] = 1
		areas[++area_count] = area
	}
	count[area, $2]++
	count[area, $2, how]++
	count[$2, $3]++
	count[$2, $3, how]++
	count["all", $2]++
	count["all", $2, how]++
}

# The column `by`: rule:, script:, bug: and zoo: as one word each, and words.
function check_by(how, id,    part, n, i, at, kind, name, has, prose) {
	if (how == "") {
		if ($8 != "")
			at_field(7, "nothing, expected judged, broken, ... since there is something behind it")
		return
	}
	if (!index(" judged unoffered unseen broken unbreakable permits ", " " how " ")) {
		at_field(7, "'" how "', expected judged, unoffered, unseen, permits, broken or unbreakable")
		return
	}
	if (how == "judged" && $2 != "device" || how ~ /break|broken/ && $2 != "driver")
		at_field(7, "'" how "' of a statement about the " $2 ", expected " \
			($2 == "device" ? "judged, unoffered, unseen or permits" : "broken, unbreakable, unoffered or permits"))
	if (how == "unseen" && $2 == "driver")
		at_field(7, "'unseen' of a statement about the driver, expected unbreakable")
	if (how == "permits" && $3 != "MAY")
		at_field(7, "'permits' of a " $3 ", expected that of a MAY only")
	if (how ~ /judged|broken|unbreakable/ && $3 == "MAY")
		at_field(7, "'" how "' of a MAY, which nobody can break, expected permits, unoffered or unseen")
	n = split($8, part, " ")
	at = column_of(8)
	for (i = 1; i <= n; i++) {
		if (match(part[i], /^(rule|script|bug|zoo):/)) {
			kind = substr(part[i], 1, RLENGTH - 1)
			name = substr(part[i], RLENGTH + 1)
			sub(/[,;.]$/, "", name)
			has[kind]++
			check_claim(kind, name, id, at)
			named[kind, has[kind]] = name
		} else if (part[i] != "-") {
			prose++
		} else
			has["-"] = 1
		at += length(part[i]) + 1
	}
	if (how == "judged") {
		if (!has["rule"] && !has["script"])
			at_field(8, "nobody judges it, expected rule:NAME or script:PATH")
		if (!has["bug"])
			at_field(8, "no planted bug, expected bug:NAME that breaks this statement")
		check_caught(has)
	}
	if (how == "broken" && !has["script"])
		at_field(8, "no script breaks it, expected script:PATH")
	if (how ~ /unoffered|unseen|unbreakable/ && prose < 3)
		at_field(8, "no reason, expected why in a few words")
	if (how == "permits" && !has["script"] && !has["zoo"] && !has["-"])
		at_field(8, "expected script:PATH or zoo:NAME that does it, or -")
	for (kind in has)
		if (kind != "-")
			claimed[how, kind] += has[kind]
}

function check_claim(kind, name, id, at) {
	if (kind == "rule" && !(name in is_rule))
		wrong(map, FNR, at, "there is no rule " name ", expected one of harness/rules/rules.h")
	else if (kind == "bug" && !(name in is_bug))
		wrong(map, FNR, at, "there is no bug " name ", expected fuzzers/bugs/" name ".patch")
	else if (kind == "zoo" && !(name in is_zoo))
		wrong(map, FNR, at, "there is no device " name " in harness/test/zoo/")
	else if (kind == "script" && !(name in is_script))
		wrong(map, FNR, at, "there is no script " name ", expected a .vr below conformance/ or corpus/")
	else if (kind == "script" && !((name, id) in cites))
		wrong(map, FNR, at, name " does not cite " id ", expected it in its line clause")
}

# What a bug is caught by (the head of its patch) must be what judges the statement.
function check_caught(has,    b, i, by) {
	for (b = 1; b <= has["bug"]; b++) {
		by = 0
		for (i = 1; i <= has["rule"]; i++)
			by += ((named["bug", b], named["rule", i]) in caught_by)
		for (i = 1; i <= has["script"]; i++)
			by += ((named["bug", b], named["script", i]) in caught_by)
		if (!by && (named["bug", b] in is_bug))
			at_field(8, "the bug " named["bug", b] " is caught by nobody who is named here, expected the Script: or a Rule: of its patch")
	}
}

# A section `N.N.*` stands for all below N.N.
function is_known(word,    top) {
	top = word
	sub(/\.[0-9]+/, "&.*", top)
	sub(/\*.*/, "*", top)
	return word == "policy" || (word in line_of) || (word in is_section) && word !~ /\*/ || (top in is_section)
}

function check_all(    i, at, lacking) {
	for (i = 1; i <= citations; i++)
		if (!is_known(citation[i])) {
			split(citation_at[i], at, "\t")
			wrong(at[1], at[2], at[3], "'" citation[i] "' is not in the map, expected an id of " map ", a section of sections.txt, or policy")
		}
	if (mode == "check")
		return
	for (i = 1; i <= left_over; i++)
		print left[i]
	for (i = 1; i <= scripts; i++)
		if (script_at[i] ~ /^conformance/ && !(script_at[i] in cites_any)) {
			lacking++
			print script_at[i] ":1:1: no clause, expected an id, a section, or policy"
		}
	print_counts()
	print "scripts of conformance/ without a clause: " lacking + 0
	print "rows: " rows ", not accounted for: " left_over + 0 ", false: " claims_false + 0
	left_over += lacking
}

function print_line(name, party, key,    i) {
	printf "%-10s %-8s %5d", name, party, count[key]
	for (i = 1; i in hows; i++)
		printf " %11s", ((key, hows[i]) in count) ? count[key, hows[i]] : "."
	print ""
}

function print_counts(    p, party, i, k, keywords) {
	split("device driver", party, " ")
	split("MUST/MUST NOT/SHOULD/SHOULD NOT/MAY", keywords, "/")
	printf "\n%-10s %-8s %5s", "", "", "rows"
	for (i = 1; i in hows; i++)
		printf " %11s", hows[i]
	print ""
	for (i = 1; i <= area_count; i++)
		for (p = 1; p <= 2; p++)
			if ((areas[i], party[p]) in count)
				print_line(areas[i], party[p], areas[i] SUBSEP party[p])
	for (p = 1; p <= 2; p++)
		for (k = 1; k <= 5; k++)
			print_line(keywords[k], party[p], party[p] SUBSEP keywords[k])
	for (p = 1; p <= 2; p++)
		print_line("all", party[p], "all" SUBSEP party[p])
	print ""
}

# One line for each statement.
function print_candidates(    i, id, n, part, k, bugs, have) {
	print "id\tscripts\trules\tbugs"
	for (i = 1; i <= rows; i++) {
		id = ids[i]
		n = split(cited_by[id] " " rules_of[id], part, " ")
		bugs = ""
		split("", have)
		for (k = 1; k <= n; k++)
			bugs = bugs bugs_of(part[k], have)
		printf "%s\t%s\t%s\t%s\n", id, substr(cited_by[id], 2), substr(rules_of[id], 2), substr(bugs, 2)
	}
}

function bugs_of(judge, have,    n, part, i, out) {
	n = split(catches[judge], part, " ")
	for (i = 1; i <= n; i++)
		if (!have[part[i]]++)
			out = out " " part[i]
	return out
}
