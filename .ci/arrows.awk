# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# arrows.awk: does each C file include only what .ci/arrows allows?
#
#   awk -f .ci/arrows.awk .ci/arrows FILE...           a line for each include that it does not
#   awk -v folder=F -f .ci/arrows.awk .ci/arrows       the folders that F may include, in order
#
# A name in quotes without a folder is of the includer's own, `../` of the one above.

function wrong(text) {
	print FILENAME ":" FNR ": " text
	failed = 1
}

# May `from` include what is in `to`?
function allows(from, to,    names, n, i) {
	n = split(direct[from], names, " ")
	for (i = 1; i <= n; i++)
		if (names[i] == to || allows(names[i], to))
			return 1
	return 0
}

function dirname(path) {
	return sub(/\/[^\/]*$/, "", path) ? path : "."
}

FILENAME == ARGV[1] {
	if (/^#/ || NF == 0)
		next
	if (!sub(/:/, ""))
		wrong("no ':', expected FOLDER: FOLDER...")
	row = $1
	if (row in direct)
		wrong(row " has a row already")
	for (i = 2; i <= NF; i++)
		if (!($i in direct))
			wrong(row " may include " $i ", which has no row above")
	order[++rows] = row
	$1 = ""
	direct[row] = $0
	next
}

FNR == 1 {
	from = dirname(FILENAME)
	if (!(from in direct))
		wrong(from " has no row in .ci/arrows")
}

# Of a name in angle brackets, what is the tree's.
match($0, /^[ \t]*#[ \t]*include[ \t]*("[^"]*"|<(devices|harness|fuzzers)\/[^>]*>)/) {
	split($0, quoted, /["<>]/)
	name = quoted[2]
	to = dirname(name)
	if (to == "..")
		to = dirname(from)
	if (to == "." || to == from)
		next
	if (!(to in direct))
		wrong(from " includes " name ", expected a folder of .ci/arrows in front")
	else if (!allows(from, to))
		wrong(from " includes " to ", which .ci/arrows does not allow")
}

END {
	for (i = 1; folder != "" && i <= rows; i++)
		if (allows(folder, order[i]))
			print order[i]
	exit failed
}
