# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# How soon fuzzing finds the planted bugs, as Markdown, of the lines that bugs_table.awk reads.
# A bug that is not found comes after all others.  Of n bugs the median is the n/2-th time, the
# 90th percentile the 0.9n-th, both rounded up.  Times are of CPU, of fuzzing alone where that
# was measured (bugs_run.sh).  Nothing is printed where nothing was fuzzed.

BEGIN { FS = "\t" }

$1 ~ /^unpatched-/ || $2 ~ /scripts|corpus/ { next }

{
	column = $2
	if (!(column in bugs))
		columns[++column_count] = column
	bugs[column]++
	if ($5 == "-") {
		missed[column] = missed[column] " " $1
		next
	}
	ms = $9 == "-" || $9 == "" ? 1000 * $6 : $9
	n = ++found[column]
	# In order, so far.
	for (i = n; i > 1 && time[column, i - 1] > ms; i--)
		time[column, i] = time[column, i - 1]
	time[column, i] = ms
}

# The time that `share` of the bugs are found within.
function quantile(column, share,    rank) {
	rank = int(share * bugs[column])
	rank += rank < share * bugs[column]
	return rank <= found[column] ? sprintf("%.0f", time[column, rank]) : "-"
}

function within(column, ms,    i, n) {
	for (i = 1; i <= found[column]; i++)
		n += time[column, i] <= ms
	return sprintf("%.0f %%", 100 * n / bugs[column])
}

END {
	if (column_count == 0)
		exit
	print "\n| column | bugs | found | median ms | 90th percentile ms | in 1 s | in 10 s | in 60 s |"
	print "|---|---|---|---|---|---|---|---|"
	for (c = 1; c <= column_count; c++) {
		column = columns[c]
		printf "| `%s` | %d | %d | %s | %s | %s | %s | %s |\n", column, bugs[column],
			found[column], quantile(column, 0.5), quantile(column, 0.9),
			within(column, 1000), within(column, 10000), within(column, 60000)
	}
	print ""
	for (c = 1; c <= column_count; c++)
		if (columns[c] !~ /^crash-/)
			print "Not found, `" columns[c] "`:" (missed[columns[c]] == "" ? " none" : missed[columns[c]])
}
