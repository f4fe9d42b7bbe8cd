# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# page.css and page.js as strings of C, and the hash of page.js as a Content Security Policy
# names it.
#
#   sha256sum page.js | awk -f page_assets.awk - page.css page.js
BEGIN {
	print "/* Made by harness/page/page_assets.awk; do not edit. */"
	print "#include \"harness/page/page_internal.h\""
	digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
}

# base64 of a number in hex: 24 bits at a time.
function base64(hex,    text, group, n, i) {
	for (; hex != ""; hex = substr(hex, 7)) {
		group = substr(hex, 1, 6)
		n = 0
		for (i = 1; i <= 6; i++)
			n = n * 16 + (i <= length(group) ? index("0123456789abcdef", substr(group, i, 1)) - 1 : 0)
		for (i = 0; i < 4; i++)
			text = text (i * 6 < length(group) * 4 ? substr(digits, int(n / 64 ^ (3 - i)) % 64 + 1, 1) : "=")
	}
	return text
}

FILENAME == "-" && length($1) == 64 {
	hash = base64($1)
	next
}

FNR == 1 {
	if (open)
		print "\t;"
	print "\nconst char page_" (FILENAME ~ /css$/ ? "style" : "script") "[] ="
	open = 1
}

{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	gsub(/\?/, "\\?")
	gsub(/\t/, "\\t")
	print "\t\"" $0 "\\n\""
}

END {
	if (hash == "") {
		print "page_assets.awk: no hash" >"/dev/stderr"
		exit 1
	}
	print "\t;"
	print "\nconst char page_script_hash[] = \"sha256-" hash "\";"
}
