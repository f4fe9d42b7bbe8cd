#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Every kind of result in every form that `run` and `replay` have for it: what is
# printed is valid, says what the result is, has no report of a sanitizer but the
# device's own, and the exit status is right.  Devices that ours cannot stand for
# (warnings, hangs, exits, facts that are missing) are harness/test/foreign/odd.c,
# built against build/installed; of those once, with gcc.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

len=$BUILD/bugs/rule-completion-len/vringer
slots=$BUILD/bugs/n1-header-slots/vringer
odd=$work/odd

cat >"$work/pass.vr" <<'END'
device net-loopback
start driver_ok
offer 0 b9:w
send 1 b3
> used 1 id=0 len=0
END
printf 'device net-loopback\nreset\n> status DRIVER\n' >"$work/demand.vr"
printf 'device net-loopback\nneeds queues=8\nreset\n' >"$work/skip.vr"
printf 'device net-loopback\nreset\nnonsense\n' >"$work/bad.vr"
printf 'device any\nstart driver_ok\nsend 0 b1\nsettle\n' >"$work/odd.vr"
cat >"$work/frames.vr" <<'END'
device net-host
start driver_ok
offer 0 b9:w
pattern b3 len=76
send 1 b3
take_output 0
type 0 len=64 seed=3
END
printf 'completion.len:notify  # <known> & "said"\n' >"$work/known"
cp conformance/net/tx-header-split.vr "$work/rule.vr"
cp "$work/rule.vr" "$work/known.vr"
cp "$(sed -n 's/^Script:[[:space:]]*\([^[:space:]]*\).*/\1/p' fuzzers/bugs/n1-header-slots.patch)" \
	"$work/crash.vr"
for kind in warning exit hang not-judged; do
	cp "$work/odd.vr" "$work/$kind.vr"
done

# is_tap RESULTS: is standard output that?
is_tap() {
	awk -v results="$1" '
		NR == 1 { good = $0 == "TAP version 13"; next }
		NR == 2 { good = good && $0 == "1.." results; next }
		/^(not )?ok [0-9]+ - / { good = good && ++seen == ($1 == "not" ? $3 : $2); next }
		!/^#/ { good = 0 }
		END { exit !(good && seen == results) }' "$out"
}

# Lines of one JSON object each.
is_json() {
	[ -s "$out" ] && jq -es "length == $(wc -l <"$out")" "$out" >/dev/null 2>>"$err"
}

# Only what crashes has a report, and only where text is shown.
no_report() {
	[ "$kind" = crash ] || ! grep -qE 'runtime error|Sanitizer' "$out" "$err"
}

# checked NAME STATUS CHECK...: of the command last run.
checked() {
	name=$1 status=$2
	shift 2
	result=0
	[ "$rc" = "$status" ] || result=1
	no_report || result=1
	"$@" || result=1
	tap "$kind: $name" "$result"
}

# The one result is that, with that signature, and nothing else was found.
json_result() {
	jq -es --arg result "$result_is" --arg signature "$signature" 'length == 1 and
		(.[0].results | length == 1) and .[0].results[0].result == $result and
		([.[0].results[0].findings[].signature] ==
			if $signature == "" then [] else [$signature] end)' "$out" >/dev/null 2>>"$err"
}

junit_result() {
	xmllint --noout --schema harness/test/junit.xsd "$out" 2>>"$err" || return
	case $result_is in
	fail) grep -q '<failure ' "$out" ;;
	skip | known) grep -q '<skipped ' "$out" ;;
	pass) ! grep -qE '<failure|<skipped' "$out" ;;
	esac && { [ -z "$signature" ] ||
		xmllint --xpath 'string(/)' "$out" | grep -qF "$signature"; }
}

tap_result() {
	is_tap 1 || return
	case $result_is in
	fail) grep -q '^not ok 1 - [^#]*$' "$out" ;;
	known) grep -q '^not ok 1 - .* # TODO known: ' "$out" ;;
	skip) grep -q '^ok 1 - .* # SKIP ' "$out" ;;
	pass) grep -q '^ok 1 - [^#]*$' "$out" ;;
	esac && { [ -z "$signature" ] || grep -qF "$signature" "$out"; }
}

# With the events of the run before it, and every one of them is named.
json_replay() {
	is_json || return
	jq -es --arg signature "$signature" 'all(.[]; .event | type == "string") and
		.[-1].event == "result" and ([.[].event] | index("result")) == length - 1 and
		([.[-1].findings[].signature] == if $signature == "" then [] else [$signature] end)' \
		"$out" >/dev/null 2>>"$err"
}

json_replay_alone() {
	json_replay && [ "$(wc -l <"$out")" = 1 ]
}

text_replay() {
	grep -qE "^.*/$kind\\.vr: [a-z-]+: [0-9]+ operations, " "$out" &&
		{ [ -z "$signature" ] || grep -qF "finding: $signature" "$out"; }
}

# Is it in the file, the same as on standard output, which has nothing then?  But for
# the frames of a crash, which are not the same, and process numbers.
same_as_file() {
	for file in shown file; do
		sed -E '/^(# )? *#[0-9]+ 0x/d; s/==[0-9]+==//g' "$work/$file" >"$work/$file.plain"
	done
	[ ! -s "$out" ] && cmp -s "$work/shown.plain" "$work/file.plain"
}

# a KIND RESULT RUN-STATUS REPLAY-STATUS SIGNATURE COMMAND [OPTION...]
a() {
	kind=$1 result_is=$2 run_status=$3 replay_status=$4 signature=$5 command=$6
	shift 6
	for form in '' --json --junit; do
		case $form in
		'') check=tap_result ;;
		--json) check=json_result ;;
		--junit) check=junit_result ;;
		esac
		# shellcheck disable=SC2086
		run "$command" run --split $form "$@" "$work/$kind.vr"
		checked "run $form" "$run_status" "$check"
		cp "$out" "$work/shown"
		rm -f "$work/file"
		# shellcheck disable=SC2086
		run "$command" run --split $form -o "$work/file" "$@" "$work/$kind.vr"
		checked "run $form -o" "$run_status" same_as_file
	done
	run "$command" replay "$@" "$work/$kind.vr"
	checked "replay" "$replay_status" text_replay
	run "$command" replay -v "$@" "$work/$kind.vr"
	checked "replay -v" "$replay_status" text_replay
	run "$command" replay --json "$@" "$work/$kind.vr"
	checked "replay --json" "$replay_status" json_replay_alone
	run "$command" replay -v --json "$@" "$work/$kind.vr"
	checked "replay -v --json" "$replay_status" json_replay
}

a pass pass 0 0 '' "$VRINGER"
a demand fail 1 1 '' "$VRINGER"
a skip skip 0 0 '' "$VRINGER"
a frames pass 0 0 '' "$VRINGER"
jq -es 'any(.[]; .event == "frame")' "$out" >/dev/null
tap 'frames: are there, by their name' "$?"

rm -f "$work/file"
for form in '' --json --junit; do
	# shellcheck disable=SC2086
	refuses "bad: run $form" 'bad.vr:3:1: ' "$VRINGER" run $form "$work/bad.vr"
	# shellcheck disable=SC2086
	refuses "bad: run $form -o" 'bad.vr:3:1: ' "$VRINGER" run $form -o "$work/file" "$work/bad.vr"
done
[ ! -e "$work/file" ]
tap 'bad: no file is written' "$?"
for form in '' -v --json '-v --json'; do
	# shellcheck disable=SC2086
	refuses "bad: replay $form" 'bad.vr:3:1: ' "$VRINGER" replay $form "$work/bad.vr"
done
[ "${FLAVOUR:-gcc}" = gcc ] || {
	tap_end
	exit
}

a rule fail 1 1 completion.len:notify "$len"
a known known 0 0 completion.len:notify "$len" --known "$work/known"
run "$slots" replay --json "$work/crash.vr"
a crash fail 1 1 "$(jq -r '.findings[0].signature' "$out")" "$slots"
case $signature in
asan:*virtqueue* | asan:*net* | ubsan:*) result=0 ;;
*) result=1 ;;
esac
tap "crash: is the device's: $signature" "$result"

PKG_CONFIG_PATH=$BUILD/installed/lib/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
gives 0 'odd devices build' gcc -std=gnu11 -g -O1 -fsanitize=address,undefined \
	$(pkg-config --cflags vringer) -o "$odd" harness/test/foreign/odd.c $(pkg-config --libs vringer)
a warning pass 0 0 stuck.available:send "$odd" -t odd-flat
a exit fail 1 1 exit:3:send "$odd" -t odd-exit
# One that sleeps: what one that loops shows is the same, and takes a processor that long.
a hang fail 1 1 hang:send "$odd" -t odd-sleep --timeout 1
a not-judged pass 0 0 '' "$odd" -t odd-plain
run "$odd" run --json -t odd-plain "$work/not-judged.vr"
jq -es '.[0].not_judged | length > 0' "$out" >/dev/null
tap 'not judged: and what, as JSON' "$?"
run "$odd" run -t odd-plain "$work/not-judged.vr"
shows 'not judged: and what, as TAP' '^# not judged, for want of facts: .'
run "$odd" run -t odd-flat "$work/warning.vr"
shows 'warning: counted' ', 1 with warnings$'
run "$odd" minimize -t odd-flat "$work/warning.vr"
grep -q ': warning: stuck.available:send: ' "$err"
tap 'warning: minimize shows it' "$?"
mkdir "$work/files" && cp "$work/warning.vr" "$work/files/input"
run "$odd" triage -t odd-flat "$work/files"
shows 'warning: triage shows it' '^# warning: stuck.available:send  # .*, 1 file: '
run "$odd" triage --json -t odd-flat "$work/files"
jq -es '.[0].warnings[0].finding.signature == "stuck.available:send"' "$out" >/dev/null
tap 'warning: triage shows it, as JSON' "$?"
tap_end
