# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The C table of harness/program/clause.h, of sorted lines `id TAB party TAB keyword TAB
# section TAB since TAB words TAB how TAB by`, the last four of which may be empty.  What is no
# id, no section number, or not in order, ends the build: the table is searched by halves.
BEGIN {
	FS = "\t"
	print "/* Made by harness/program/clause_table.awk; do not edit. */"
	print "#include \"harness/program/clause.h\"\n"
	print "const struct clause clause_table[] = {"
}

function wrong(why) {
	print "clause_table.awk: " $1 ": " why >"/dev/stderr"
	failed = 1
	exit 1
}

$1 !~ /^((dev|drv)\.[a-z0-9.-]+\.[0-9]+[a-z]?|[0-9]+(\.[0-9]+)+(\.\*)?)$/ || length($1) > 47 { wrong("no id, no section") }
$1 == last { wrong("is there twice") }
# As strings, whatever they look like.
(last "") > ($1 "") { wrong("out of order behind " last) }
$1 ~ /^d/ && ($2 !~ /^(device|driver)$/ || $3 !~ /^(MUST|SHOULD)( NOT)?$|^MAY$/ || $4 !~ /^[0-9.]+$/) {
	wrong("expected party, keyword and section")
}

# A string of C, of any bytes.
function string(text) {
	gsub(/\\/, "&&", text)
	gsub(/"/, "\\\"", text)
	gsub(/\?/, "\\?", text)
	return "\"" text "\""
}

{
	printf "\t{ \"%s\", \"%s\", \"%s\", \"%s\", %s, %s, %s, %s },\n", $1, $2, $3, $4,
		string($5), string($6), string($7), string($8)
	last = $1
}

END {
	if (failed)
		exit 1
	print "};"
	print "const size_t clause_count = sizeof(clause_table) / sizeof(clause_table[0]);"
}
