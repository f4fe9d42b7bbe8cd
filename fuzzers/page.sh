# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The page of results of all runs in this tree, or of a user's folder: $pages/index.html.  For
# both engines, and for a user's own program.  Source it after findings.sh and campaign.sh,
# whose variables it takes, and set besides
#
#   pages      the folder for it; build/campaign if it is not set
#   parts      where page.awk and the like are; fuzzers if it is not set
#
# A run keeps what it tells of itself in $pages/runs, so that the page has those of before
# too: `about`, lines NAME VALUE, and `status`, as campaign.sh writes it but thinned.
# $pages/found has a line for each signature: target, engine, when it was first and last
# found, commit, state (running, final or known), script, note, and the line of `triage`.
#
# It only reads what the run has, and never ends it: a page that cannot be written is told
# of, once, and the last one stays.
#
# VRINGER_PAGE changes how often it is written, for tests.
# shellcheck disable=SC2154

page_every=${VRINGER_PAGE:-60} # seconds between two pages
page_runs=10		       # runs of one target and engine that are kept
page_written=0

# Each engine has its own logs.
page_engine() {
	case $logs in
	build/afl-logs/* | */afl/logs) echo AFL++ ;;
	*) echo libFuzzer ;;
	esac
}

page_target() {
	printf '%s%s\n' "${VRINGER_PEER:+peer:}" "$target" | tr '\t' ' '
}

# How the run is: $1, or if it is over how it ended.
page_state() {
	if [ "$1" = running ]; then
		echo running
	elif [ -f "$logs/full" ]; then
		echo 'ended: the disk was full'
	elif [ -f "$logs/interrupted" ]; then
		echo 'stopped'
	else
		echo 'done'
	fi
}

# put FILE: what comes on standard input, whole or not at all.
put() {
	if cat >"$1.new"; then
		mv "$1.new" "$1"
	else
		rm -f "$1.new"
		return 1
	fi
}

# What was built may have changed when it ends: the commit is the one of its beginning.
page_about() {
	[ -f "$record/commit" ] || {
		git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || echo
	} | put "$record/commit"
	{
		echo "target $(page_target)"
		echo "engine $(page_engine)"
		echo "begun $begun"
		echo "updated $(date +%s)"
		echo "seconds $seconds"
		echo "jobs $jobs"
		echo "commit $(cat "$record/commit")"
		echo "state $(page_state "$1")"
		echo "logs $logs"
		echo "died $(find "$logs" -name '*.died' | wc -l)"
		[ "$1" = running ] || {
			echo "executions ${executions:-}"
			echo "peak ${peak:-}"
		}
	} | put "$record/about"
}

# 300 lines of a month are enough, and the last.
page_status() {
	[ -f "$logs/status" ] || return 0
	awk -v lines="$(wc -l <"$logs/status")" '
		lines <= 300 || NR == 1 || NR == lines || int(NR * 300 / lines) != int((NR - 1) * 300 / lines)' \
		"$logs/status" | put "$record/status"
}

# What was found and is not sorted yet, as scripts: of each signature one, fifty at most.
page_as_found() {
	[ -s "$logs/taken" ] || return 0
	! is_parser "$target" || return 0
	"$vringer" rules 2>/dev/null | put "$pages/rules"
	awk '!seen[$1]++ && ++n <= 50 { print $NF }' "$logs/taken" | while read -r input; do
		script=$record/${input##*/}.vr
		[ -f "$script" ] || [ ! -f "$input" ] ||
			timeout 10 "$vringer" show -t "$device" "$input" 2>/dev/null | head -c 65536 | put "$script"
	done
}

# Add to $pages/found what this run has sorted, or has come by; the newest first.
page_found() {
	lines=$logs/findings
	[ "$1" != running ] || lines=$logs/taken
	scripts=$record
	! is_parser "$target" || scripts=
	touch "$pages/found"
	PAGE_OLD=$pages/found PAGE_LINES=$lines PAGE_STATE=$1 PAGE_NOW=$(date +%s) \
		PAGE_TARGET=$(page_target) PAGE_ENGINE=$(page_engine) PAGE_COMMIT=$(cat "$record/commit") \
		PAGE_SCRIPTS=$scripts PAGE_FINDINGS=$findings \
		awk -f "$page_parts/page_found.awk" | sort -t "$(printf '\t')" -k3,3nr -k9 | put "$pages/found"
}

# The oldest runs of a target and engine go.
page_forget() {
	find "$pages/runs" -name about | sort -r | awk -v most="$page_runs" '
		{
			about = $0
			target = engine = ""
			while ((getline < about) > 0) {
				if ($1 == "target")
					target = $0
				if ($1 == "engine")
					engine = $0
			}
			close(about)
			if (++runs[target, engine] > most) {
				sub(/\/about$/, "", about)
				print about
			}
		}' | xargs -r -d '\n' rm -rf --
}

page_html() {
	find "$pages/runs" -name about | sed 's|/about$||' | sort | PAGE_NOW=$(date +%s) \
		PAGE_FOUND=$pages/found PAGE_RULES=$pages/rules PAGE_CLAUSES=${installed:-conformance}/clauses.tsv \
		PAGE_CSS=$page_parts/page.css PAGE_FINDINGS=${findings%/"$target"} awk -f "$page_parts/page_text.awk" -f "$page_parts/page_chart.awk" \
		-f "$page_parts/page.awk" >"$pages/index.html.new" &&
		[ "$(tail -n 1 "$pages/index.html.new")" = '</body></html>' ] &&
		mv "$pages/index.html.new" "$pages/index.html"
}

# What write_page does where no other run writes it at that time.
page_parts_of() {
	record=$pages/runs/$begun.$(printf %s "$logs" | cksum | sed 's/ .*//')
	mkdir -p "$record" && page_about "$1" && page_status && page_as_found && page_found "$1" &&
		page_forget && page_html || return 1
	[ "$1" = running ] || rm -f "$record"/*.vr
}

# write_page STATE: the page, of a run that is running or over.
write_page() {
	pages=${pages:-build/campaign} page_parts=${parts:-fuzzers}
	page_written=$(date +%s)
	mkdir -p "$pages" 2>/dev/null && (
		LC_ALL=C
		export LC_ALL
		flock -w 20 8 && page_parts_of "$1"
	) 8>>"$pages/lock"
}

# page_now_and_then: while it runs, once a minute at most.
page_now_and_then() {
	[ $(($(date +%s) - page_written)) -lt "$page_every" ] || write_page running 2>/dev/null || :
}

# page_at_end: and say where it is.
page_at_end() {
	if write_page over; then
		echo "   page: $pages/index.html"
	else
		echo "   page: $pages/index.html cannot be written"
	fi
}
