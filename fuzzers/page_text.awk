# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Text, numbers and times as the page of results (page.awk) shows them.  In the C locale:
# text is bytes here.

BEGIN {
	for (i = 0; i < 256; i++)
		byte_name[sprintf("%c", i)] = sprintf("\\x%02x", i)
	split("s min h d", unit_name, " ")
	split("1 60 3600 86400", unit_seconds, " ")
}

# A character that is none, or that hides or turns round what stands beside it.
function is_hidden(c) {
	return c ~ /^(\302[\200-\237]|\342\200[\213-\217\250-\256]|\342\201[\240-\257]|\357\273\277|\357\277[\276\277])/
}

# Bytes that are no text, by their numbers.
function readable(s,    out, c) {
	out = ""
	while (s != "") {
		if (match(s, /^[\011\040-\176]+/))
			out = out substr(s, 1, RLENGTH)
		else if (match(s, /^([\302-\337]|\340[\240-\277]|[\341-\354\356\357][\200-\277]|\355[\200-\237]|\360[\220-\277][\200-\277]|[\361-\363][\200-\277][\200-\277]|\364[\200-\217][\200-\277])[\200-\277]/)) {
			c = substr(s, 1, RLENGTH)
			out = out (is_hidden(c) ? byte_names(c) : c)
		} else {
			out = out byte_name[substr(s, 1, 1)]
			RLENGTH = 1
		}
		s = substr(s, RLENGTH + 1)
	}
	return out
}

function byte_names(s,    out, i) {
	for (i = 1; i <= length(s); i++)
		out = out byte_name[substr(s, i, 1)]
	return out
}

# Anything that comes from a device, a script or the name of a file, as text or as the value
# of an attribute in quotes.  What is longer than any line that we write is cut.
function escape(s) {
	if (length(s) > 2000)
		s = substr(s, 1, 2000) "..."
	if (s ~ /[^\011\040-\176]/)
		s = readable(s)
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	gsub(/"/, "\\&quot;", s)
	gsub(/'/, "\\&#39;", s)
	return s
}

# 1234567 as 1,234,567.
function thousands(n,    s, out) {
	s = sprintf("%d", n)
	while (length(s) > 3) {
		out = "," substr(s, length(s) - 2) out
		s = substr(s, 1, length(s) - 3)
	}
	return s out
}

function counted(n, what) {
	return thousands(n) " " what (n == 1 ? "" : "s")
}

# So many seconds: 42 s, 1 min 5 s, 3 h, 5 d 2 h.
function span(seconds,    i, big, rest) {
	seconds += 0
	for (i = 4; i > 1 && seconds < unit_seconds[i];)
		i--
	big = int(seconds / unit_seconds[i])
	if (i == 1)
		return big " s"
	rest = int((seconds - big * unit_seconds[i]) / unit_seconds[i - 1])
	return big " " unit_name[i] (rest > 0 ? " " rest " " unit_name[i - 1] : "")
}

# Seconds since 1970 as a date and time, UTC.
function moment(t,    days, era, doe, yoe, doy, mp, day, month) {
	days = int(t / 86400)
	t -= days * 86400
	days += 719468
	era = int(days / 146097)
	doe = days - era * 146097
	yoe = int((doe - int(doe / 1460) + int(doe / 36524) - int(doe / 146096)) / 365)
	doy = doe - (365 * yoe + int(yoe / 4) - int(yoe / 100))
	mp = int((5 * doy + 2) / 153)
	day = doy - int((153 * mp + 2) / 5) + 1
	month = mp < 10 ? mp + 3 : mp - 9
	return sprintf("%04d-%02d-%02d %02d:%02d", yoe + era * 400 + (month <= 2), month, day,
		int(t / 3600), int(t / 60) % 60)
}
