# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The table of planted bugs, of lines with ROW COLUMN FOUND OF EXECUTIONS SECONDS
# BY NOTE (bugs_cell.sh), separated by tabs.  Exit 1 if something is found in the
# tree as it is, or if neither scripts nor corpus, where they were looked at,
# catch a bug.

BEGIN { FS = "\t" }

{
	row = $1
	column = $2
	if (!(row in known_row)) {
		known_row[row] = 1
		rows[++row_count] = row
	}
	if (!(column in known_column)) {
		known_column[column] = 1
		columns[++column_count] = column
	}
	scripted = column ~ /scripts|corpus/
	caught = scripted ? $3 > 0 : $5 != "-"
	if (scripted)
		text[row, column] = $3 > 0 ? $3 " of " $4 : "-"
	else
		text[row, column] = caught ? $5 " in " $6 " s" : $3 > 0 ? $3 " of " $4 " runs" : "-"
	if ($8 != "")
		notes[++note_count] = row ", " column ": " $8
	if ($3 > 0 && column ~ /^crash-/)
		crash_by[row] = $7
	else if ($3 > 0)
		ledger_by[row] = $7
	if (row ~ /^unpatched-/) {
		found_unpatched += $3
		next
	}
	count[column] += caught
	if (scripted && column !~ /^crash-/) {
		looked[row] = 1
		# A named script that misses it does not do what the bug is there for.
		seen[row] += caught && $8 == ""
		if ($8 != "")
			broken[row] = 1
	}
	if (column == "nothing" && !caught)
		hard = hard " " row
}

function line(text,    i) {
	sub(/ +$/, "", text)
	print text
}

END {
	for (c = 1; c <= column_count; c++) {
		width[c] = length(columns[c])
		for (r = 1; r <= row_count; r++)
			if (length(text[rows[r], columns[c]]) > width[c])
				width[c] = length(text[rows[r], columns[c]])
	}
	name = 3
	for (r = 1; r <= row_count; r++)
		if (length(rows[r]) > name)
			name = length(rows[r])
	out = sprintf("%-*s", name, "BUG")
	for (c = 1; c <= column_count; c++)
		out = out sprintf("  %-*s", width[c], columns[c])
	print out "  CAUGHT BY"
	for (r = 1; r <= row_count; r++) {
		row = rows[r]
		out = sprintf("%-*s", name, row)
		for (c = 1; c <= column_count; c++)
			out = out sprintf("  %-*s", width[c], text[row, columns[c]])
		by = row in ledger_by ? ledger_by[row] : "-"
		if (row in crash_by && crash_by[row] != by)
			by = by "; crash: " crash_by[row]
		line(out "  " by)
		if (row !~ /^unpatched-/) {
			bugs++
			if (row in looked && (!seen[row] || row in broken))
				missed = missed " " row
		}
	}
	print ""
	for (i = 1; i <= note_count; i++)
		print notes[i]
	out = bugs + 0 " bugs; caught in"
	for (c = 1; c <= column_count && bugs > 0; c++)
		out = out sprintf("%s %s %d", c > 1 ? "," : "", columns[c], count[columns[c]])
	print out
	if ("nothing" in known_column && bugs > 0)
		print "not found from nothing in " seconds " s:" (hard == "" ? " none" : hard)
	if (missed != "")
		print "missed by scripts and corpus:" missed
	if (found_unpatched)
		print "something is found in the tree as it is"
	exit missed != "" || found_unpatched > 0
}
