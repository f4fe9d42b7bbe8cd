# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Survivors and the table of `make mutants` (mutants.sh), from what `run` printed; with `list`,
# all mutants that there are, `equivalents` (fuzzers/mutants.tsv) and, in the folder `work`,
# corpus.tsv and fuzz.tsv, where there are some.
#
# Exit 1 if a mutant survives that is not argued to be equivalent, or an argument is wrong.

BEGIN {
	FS = "\t"
	while ((getline <list) > 0)
		there[$2 FS $4 FS $6] = 1
	while ((getline <equivalents) > 0) {
		row++
		if (/^#/ || NF == 0)
			continue
		if (NF != 4 || $4 == "")
			wrong(equivalents ":" row ": expected file, function, change and why, separated by tabs")
		else if (!(($1 FS $2 FS $3) in there))
			wrong(equivalents ":" row ": there is no such mutant: " $1 ": " $2 ": " $3)
		else if (($1 FS $2 FS $3) in argued)
			wrong(equivalents ":" row ": is there twice: " $1 ": " $2 ": " $3)
		else {
			argued[$1 FS $2 FS $3] = $4
			at[$1 FS $2 FS $3] = equivalents ":" row
		}
	}
	while ((getline <(work "/corpus.tsv")) > 0)
		by_corpus[$1] = $7
	while ((getline <(work "/fuzz.tsv")) > 0)
		by_fuzz[$1] = $2
}

function wrong(text) {
	print text
	failed = 1
}

{
	key = $2 FS $4 FS $6
	if (!($2 in mutants))
		order[++files] = $2
	mutants[$2]++
	alive = $7 == "survived" || $7 == "unreached"
	if (alive && key in argued) {
		equivalent[$2]++
	} else if (alive) {
		left[$2]++
		wrong($2 ":" $3 ": " $4 ": " $6 ($7 == "unreached" ? "  (no script reaches it)" : ""))
	} else {
		killed[$2]++
		if ($8 ~ /^corpus\//)
			only_corpus[$2]++
		if (key in argued)
			wrong(at[key] ": is killed, by " $8 " on " $9 ": " $2 ":" $3 ": " $6)
	}
	if ($1 in by_corpus && by_corpus[$1] != "survived" && by_corpus[$1] != "unreached")
		corpus[$2]++
	if ($1 in by_fuzz) {
		fuzzed[$2]++
		found[$2] += by_fuzz[$1] != "-"
		if (by_fuzz[$1] == "-" && !(key in argued))
			missed[++misses] = $2 ":" $3 ": " $4 ": " $6
	}
}

function share(part, whole) {
	return whole > 0 ? sprintf("%.1f %%", 100 * part / whole) : "-"
}

function line(name, n, k, c, e, l, b, f, o) {
	printf "%-30s %7d %7d %7d %7d %7d  %7s %7s", name, n, k, c, e, l, share(k, n), share(k, n - e)
	if (has_corpus)
		printf " %7s", share(b, n)
	if (has_fuzz)
		printf " %7d %7s", o, share(f, o)
	printf "\n"
}

END {
	for (i = 1; i <= misses; i++)
		print "fuzzing misses " missed[i]
	for (key in by_corpus)
		has_corpus = 1
	for (key in by_fuzz)
		has_fuzz = 1
	printf "%-30s %7s %7s %7s %7s %7s  %7s %7s", "", "mutants", "killed", "corpus", "equal", "survive",
		"killed", "unequal"
	printf "%s%s\n", has_corpus ? sprintf(" %7s", "corpus") : "", has_fuzz ? sprintf(" %7s %7s", "fuzzed", "found") : ""
	for (i = 1; i <= files; i++) {
		f = order[i]
		line(f, mutants[f], killed[f], only_corpus[f], equivalent[f], left[f], corpus[f], found[f], fuzzed[f])
		n += mutants[f]
		k += killed[f]
		c += only_corpus[f]
		e += equivalent[f]
		l += left[f]
		b += corpus[f]
		fo += found[f]
		fu += fuzzed[f]
	}
	line("all", n, k, c, e, l, b, fo, fu)
	exit failed
}
