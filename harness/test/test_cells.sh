#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# No blind spot of a kind: each queue of each device is put to each family of
# cells.tsv, by a script that is for that device and does it to that queue, or the
# table says why not.  That the scripts pass is the affair of `run conformance`, and
# that they can fail that of the planted bugs.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

table=${0%/*}/cells.tsv

# What a script of a family has, Q for the queue or `q`: extended patterns, one a line.
families() {
	cat <<'END'
no-interrupt ^avail_flags Q 1$
no-interrupt ^> interrupts$
no-interrupt ^> interrupts used=1$
queue-size-1 ^start .*size=1$
queue-size-1 ^> used_idx Q [2-9]$
bad-head ^publish Q [1-9]
bad-head ^> (model )?used Q none$
bad-head ^> (model )?status \+NEEDS_RESET$
index-wrap ^> used_idx Q 65535$
index-wrap ^> used_idx Q [1-9]$
reset-with-work ^> state work$
reset-with-work ^(reset|start driver_ok.*)$
reset-with-work ^> used_idx Q 0$
queue-reset ^reset_queue Q$
queue-reset ^queue Q size=
queue-reset ^> (used_idx Q 1|answered Q [1-9])$
order-of-signals ^publish Q [1-9]
order-of-signals ^> order used config$
END
}

# Lines `device queue` of the models that there are.
queues() {
	"$VRINGER" targets | awk '
		/^[a-z]/ { device = substr($1, 1, length($1) - 1) }
		/queues:/ {
			sub(/.*queues:/, "")
			for (i = 1; i <= NF; i++)
				print device, substr($i, 1, index($i, "=") - 1)
		}'
}

# cell FAMILY DEVICE QUEUE SCRIPT: what is wrong with it, if anything.
cell() {
	case $4 in
	'- '?*) return ;;
	esac
	[ -f "$4" ] || {
		echo "$1 $2 $3: no script '$4'"
		return
	}
	grep -qE "^device ($2|any)( |\$)" "$4" || echo "$1 $2 $3: $4 is not for $2"
	# A portable script runs on the queues that have a request, and as it needs.
	if grep -qE '^[a-z].* q( |$)' "$4" && ! "$VRINGER" run -t "$2" "$4" 2>&1 |
		grep -v '# SKIP' | grep -qE "^(not )?ok .*\[$2 q$3[] ]"; then
		echo "$1 $2 $3: $4 does not run on that queue"
		return
	fi
	families | sed -n "s/^$1 //p" | sed "s/Q/($3|q)/" | while read -r pattern; do
		grep -qE -- "$pattern" "$4" || echo "$1 $2 $3: $4 has no line like $pattern"
	done
}

# check TABLE: what is wrong with it, a line each; 1 if anything is.
check() {
	grep -v '^#' "$1" | awk -F '\t' '{
		n = split($3, queue, ",")
		for (i = 1; i <= n; i++)
			print $1 "\t" $2 "\t" queue[i] "\t" $4
	}' >"$work/cells"
	families | cut -d ' ' -f 1 | sort -u | while read -r family; do
		queues | while read -r device queue; do
			printf '%s\t%s\t%s\t\n' "$family" "$device" "$queue"
		done
	done | sort >"$work/wanted"
	{
		cut -f 1-3 "$work/cells" | sort | uniq -d | sed 's/$/: there twice/'
		sed 's/[^	]*$//' "$work/cells" | sort -u | comm -13 - "$work/wanted" | sed 's/$/: empty/'
		sed 's/[^	]*$//' "$work/cells" | sort -u | comm -23 - "$work/wanted" |
			sed 's/$/: no such cell/'
		while IFS='	' read -r family device queue script; do
			cell "$family" "$device" "$queue" "$script"
		done <"$work/cells"
	} >"$work/wrong"
	cat "$work/wrong"
	[ ! -s "$work/wrong" ]
}

queues >"$work/queues"
[ "$(wc -l <"$work/queues")" -ge 15 ]
tap 'there are queues' $?
gives 0 'every cell has its script' check "$table"

# fails NAME PATTERN EDIT: so edited, the table is told to be wrong.
fails() {
	sed "$3" "$table" >"$work/table"
	gives 1 "$1" check "$work/table"
	shows "$1: which" "$2"
}

fails 'a cell that is empty' 'bad-head	fs	1	: empty' '/^bad-head	fs/s/0,1,2/0,2/'
fails 'a reason that is none' "no script '-'" '/^bad-head	fs/s/conformance.*/-/'
fails 'a script that is not there' "no script 'conformance/x.vr'" 's|conformance/fs/bad-head|conformance/x|'
fails 'a script of another device' 'is not for fs' 's|conformance/fs/bad-head|conformance/balloon/bad-head|'
fails 'a script for another queue' 'index-wrap net-loopback 0: .* has no line like' 's|index-wrap-rx|index-wrap-tx|'
fails 'a portable script that leaves the queue out' 'bad-head console 2: .* does not run on that queue' 's|console/bad-head|ring/head-out-of-range|'
fails 'a cell there twice' 'bad-head	fs	1: there twice' '/^bad-head	fs/p'
fails 'a queue that is not there' 'bad-head	fs	3	: no such cell' '/^bad-head	fs/s/0,1,2/0,1,2,3/'

# Whoever encodes the scripts for any device into one folder, as the READMEs do, needs
# a name for each.
same_names() {
	grep -lrE --include='*.vr' '^device +any' conformance | sed 's|.*/||' | sort | uniq -d >"$work/same"
	cat "$work/same"
	[ ! -s "$work/same" ]
}
gives 0 'no two scripts for any device have the same name' same_names

tap_end
