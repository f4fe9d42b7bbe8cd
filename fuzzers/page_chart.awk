# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The curves of the page of results (page.awk): of each target and engine its lines of status,
# one run after the other, as SVG.  Texts are HTML over it, so that they stay readable
# at any width.
#
#   points[g]                         how many group g has
#   px[g, i]                          seconds fuzzed until then, in all runs
#   value[kind, g, i]                 what had been reached
#   prun[g, i]                        the run that it is of

BEGIN {
	most_points = 300
	kinds["speed"] kinds["edges"] kinds["corpus"] kinds["findings"]
}

# A line of status: elapsed, executions a second, edges, files in corpus, findings.  One that
# was cut, by a disk that was full, is none.
function take_status(g, run, line,    part, n, i) {
	if (line !~ /^[0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+$/ || length(line) > 80)
		return
	split(line, part, " ")
	n = points[g]
	if (part[1] < last_elapsed[run])
		return
	last_elapsed[run] = part[1] + 0
	i = points[g] = n + 1
	px[g, i] = fuzzed[g] + part[1]
	value["speed", g, i] = part[2] + 0
	value["edges", g, i] = part[3] + 0
	value["corpus", g, i] = part[4] + 0
	value["findings", g, i] = part[5] + 0
	prun[g, i] = run
}

# The last of each small span of time stays, and the first of each run.
function thin(g,    i, n, m, kind, width) {
	n = points[g]
	m = 0
	if (n == 0)
		return
	width = px[g, n] / most_points
	for (i = 1; i <= n; i++) {
		if (i > 1 && i < n && prun[g, i] == prun[g, i - 1] && prun[g, i] == prun[g, i + 1] &&
		    int(px[g, i] / width) == int(px[g, i + 1] / width))
			continue
		m++
		px[g, m] = px[g, i]
		prun[g, m] = prun[g, i]
		for (kind in kinds)
			value[kind, g, m] = value[kind, g, i]
	}
	points[g] = m
}

# A step that people count in, for at most `count` steps to `range`.
function step_of(range, count,    step) {
	step = 1
	while (step * count < range) {
		if (step * 2 * count >= range)
			return step * 2
		if (step * 5 * count >= range)
			return step * 5
		step *= 10
	}
	return step
}

# The same for seconds.
function time_step(range, count,    steps, n, i) {
	n = split("1 2 5 10 15 30 60 120 300 600 900 1800 3600 7200 10800 21600 43200 86400", steps, " ")
	for (i = 1; i <= n; i++)
		if (steps[i] * count >= range)
			return steps[i]
	return 86400 * step_of(range / 86400, count)
}

# What is drawn of `kind`: from `low` to `high`.  Coverage of nothing is not known.
function set_range(g, kind,    i, v, some) {
	low = high = 0
	for (i = 1; i <= points[g]; i++) {
		v = value[kind, g, i]
		if (kind == "edges" && v == 0)
			continue
		if (!some || v < low)
			low = v
		if (!some || v > high)
			high = v
		some = 1
	}
	if (kind != "edges" || low < high / 2)
		low = 0
	y_step = step_of(high - low, 4)
	low = int(low / y_step) * y_step
	high = int((high + y_step - 1) / y_step) * y_step
	if (high == low)
		high = low + y_step
	return some
}

function x_of(g, x) {
	return sprintf("%.1f", (px[g, points[g]] > 0 ? 1000 * x / px[g, points[g]] : 0))
}

function y_of(v) {
	return sprintf("%.1f", 200 - 200 * (v - low) / (high - low))
}

# One path for each run, and a line where the next begins.
function print_lines(g, kind,    i, path, breaks) {
	for (i = 1; i <= points[g]; i++) {
		if (kind == "edges" && value[kind, g, i] == 0)
			continue
		if (i > 1 && prun[g, i] != prun[g, i - 1])
			breaks = breaks "M" x_of(g, px[g, i - 1]) " 0V200"
		if (path == "" || prun[g, i] != drawn) {
			# Of a run with one point something is to be seen, too.
			path = path "M" x_of(g, px[g, i]) " " y_of(value[kind, g, i]) "h.1"
			drawn = prun[g, i]
		} else {
			path = path "L" x_of(g, px[g, i]) " " y_of(value[kind, g, i])
		}
	}
	if (breaks != "")
		printf "<path class=\"break\" d=\"%s\"/>", breaks
	printf "<path class=\"line\" d=\"%s\"/>", path
}

function print_axes(g, kind,    v, x, step, end) {
	for (v = low; v <= high; v += y_step)
		printf "<span class=\"y\" style=\"top:%.1f%%\">%s</span>", 100 - 100 * (v - low) / (high - low), thousands(v)
	end = px[g, points[g]]
	step = time_step(end, kind == "edges" ? 4 : 2)
	for (x = 0; x <= end; x += step)
		printf "<span class=\"x\" style=\"left:%.1f%%\">%s</span>", x_of(g, x) / 10, (x ? span(x) : "0")
	print ""
}

# One curve, with its last value.
function print_chart(g, kind, title,    v, last) {
	last = value[kind, g, points[g]]
	printf "<figure class=\"%s\"><figcaption>%s", kind, title
	if (!set_range(g, kind)) {
		print "</figcaption><p class=\"none\">The engine told of none.</p></figure>"
		return
	}
	for (v = points[g]; kind == "edges" && last == 0; v--)
		last = value[kind, g, v]
	printf " <b>%s</b></figcaption>\n<div class=\"plot\"><svg viewBox=\"0 0 1000 200\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s over %s: last %s\">",
		thousands(last), title, span(px[g, points[g]]), thousands(last)
	printf "<path class=\"grid\" d=\""
	for (v = low; v <= high; v += y_step)
		printf "M0 %sH1000", y_of(v)
	printf "\"/>"
	print_lines(g, kind)
	print "</svg>"
	print_axes(g, kind)
	print "</div></figure>"
}

# Some of the same in numbers, for those who see no picture.
function print_points(g,    i, n, some, last) {
	n = points[g]
	some = n < 12 ? n : 12
	print "<details><summary>in numbers</summary><div class=\"wide\" tabindex=\"0\"><table><thead><tr><th>Fuzzed</th><th>Edges</th><th>Corpus</th><th>Executions a second</th><th>Findings</th></tr></thead><tbody>"
	for (i = 1; i <= some; i++) {
		last = some == 1 ? n : 1 + int((i - 1) * (n - 1) / (some - 1))
		printf "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>\n", span(px[g, last]),
			(value["edges", g, last] ? thousands(value["edges", g, last]) : "-"), thousands(value["corpus", g, last]),
			thousands(value["speed", g, last]), thousands(value["findings", g, last])
	}
	print "</tbody></table></div></details>"
}
