#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What the Makefile makes of the tree that it is in: a copy whose path has a space,
# and two commands at once.
# shellcheck disable=SC1091,SC2154
set -u
. "${0%/*}/tap.sh"

tree="$work/a tree"
mkdir "$tree"
cp -R Makefile .ci devices harness fuzzers conformance corpus "$tree"
cd "$tree" || exit

for flavour in gcc clang fuzz afl lib release; do
	run make -s "build/obj/$flavour/devices/fifo.o"
	[ "$rc" = 0 ] && [ -s "build/obj/$flavour/devices/fifo.o" ]
	tap "a path with a space: $flavour" $?
done
# Each of the tests' commands, with what it needs: a suite that does nothing but that.
cat >harness/test/test_golden.sh <<'END'
#!/bin/sh
[ -x "$VRINGER" ] && [ -d "$BUILD" ] && echo 'ok 1' || echo 'not ok 1'
echo 1..1
END
for flavour in gcc clang; do
	mkdir -p "build/obj/$flavour"
	printf '#!/bin/sh\n' >"build/obj/$flavour/vringer"
	chmod +x "build/obj/$flavour/vringer"
done
# With either compiler's command.
export FULL=1
gives 0 'a path with a space: suites run' harness/test/run_tests.sh test_golden
shows 'and find what they test' '^2 passed, 0 failed$'

# What failed is said at the end, whatever it is called.
cat >harness/test/test_golden.sh <<'END'
#!/bin/sh
[ "$FLAVOUR" = clang ] || exit 3
printf '%s\n' 'ok 1 - well' 'not ok 2 - 3 & \1 | more' '# why' 'not ok 3' 1..3
exit 1
END
ends_with() {
	tail -n "$(wc -l <expected)" "$out" | sort >ends
	sort expected | diff - ends >"$err" && result=0 || result=1
	tap "$1" "$result"
}
gives 1 'suites that fail' harness/test/run_tests.sh test_golden
cat >expected <<'END'
failed: clang harness/test/test_golden: 
failed: clang harness/test/test_golden: 3 & \1 | more
failed: gcc harness/test/test_golden: no plan (exit 3)
1 passed, 3 failed
END
ends_with 'end with what failed'
# Its parent's parent is what runs suites.
cat >harness/test/test_golden.sh <<'END'
#!/bin/sh
pid=$$
until grep -q suite.sh "/proc/$pid/cmdline" && ! grep -q timeout "/proc/$pid/cmdline"; do
	pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
done
kill -s KILL "$pid"
END
gives 1 'suites that are killed' harness/test/run_tests.sh test_golden
cat >expected <<'END'
failed: clang harness/test/test_golden: did not run to its end
failed: gcc harness/test/test_golden: did not run to its end
0 passed, 2 failed
END
ends_with 'end with which did not run'

# .ci/run ends with what failed, of all that it does.
mkdir -p ci/.ci
cp .ci/run ci/.ci
cat >ci/Makefile <<'END'
test:
	@echo 'failed: a suite: a test' && echo '7 passed, 1 failed' && false
lint:
	@seq 99 && echo 'lint: failed: .ci/arrows' && false
clauses:
	@echo 'rows: 1, not accounted for: 0, false: 0'
peers:
	@echo 'peers are well'
targets:
	@echo one two
fuzz:
	@[ $(T) = one ] || { echo '== two: 1 findings' && false; }
END
gives 1 '.ci/run with what fails' ci/.ci/run
[ "$(tail -n 1 "$out")" = '10 passed, 3 failed' ]
tap '... counts' $?
sed '1,/^=== what failed$/d; $d' "$out" | grep -v 'make: \*\*\*' >ends
{
	echo 'failed: a suite: a test'
	echo 'failed: make lint'
	seq 87 99 | sed 's/^/    /'
	echo '    lint: failed: .ci/arrows'
	echo 'failed: make fuzz T=two SECONDS=20'
	echo '    == two: 1 findings'
} | diff - ends >"$err"
tap '... and ends with what failed, and why' $?
printf 'test:\n\t@echo "deps: no compiler" && false\nlint clauses peers fuzz targets:\n' >ci/Makefile
gives 1 '.ci/run where nothing is built' ci/.ci/run
shows '... says so' '^failed: make test FULL=1, exit 2, before its tests$'
shows '... and why' '^    deps: no compiler$'
printf 'test:\n\t@echo "7 passed, 0 failed"\nlint clauses peers fuzz targets:\n' >ci/Makefile
gives 0 '.ci/run where all is well' ci/.ci/run
grep -q 'failed:\|what failed' "$out" && result=1 || result=0
tap '... ends with no failure' "$result"

# It says that it is there, and goes on when it is told to.
cat >slow <<'END'
#!/bin/sh
echo "$1 begins" >>order
until [ -e "$1.go" ]; do sleep 0.1; done
echo "$1 ends" >>order
END
chmod +x slow
until_there() {
	waited=0
	until grep -q "$2" "$1" 2>/dev/null || [ "$waited" = 3000 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
}
.ci/alone thing ./slow first &
until_there order 'first begins'
.ci/alone thing ./slow second 2>second.err &
until_there second.err waiting
cp second.err "$out"
shows 'the second says for whom it waits' "^make: waiting, 'thing' is already running in this tree: process [0-9]+ .*slow first"
.ci/alone other ./slow other &
until_there order 'other begins'
touch other.go first.go second.go
wait
grep -v '^other' order >"$out"
[ "$(tr '\n' ',' <"$out")" = 'first begins,first ends,second begins,second ends,' ]
tap 'the second begins when the first has ended, and not something else' $?
gives 0 'who has it may ask again' timeout 300 .ci/alone thing .ci/alone thing true
gives 3 'the status is that of the command' .ci/alone thing sh -c 'exit 3'

# make clean, while somebody waits.
rm -f first.go second.go order second.err
.ci/alone thing ./slow first &
until_there order 'first begins'
.ci/alone thing ./slow second 2>second.err &
until_there second.err waiting
rm -rf build/.locks
.ci/alone thing ./slow third 2>third.err &
until_there order 'third begins'
touch first.go
# It waits again, now for the third, or it does not.
waited=0
until [ "$(grep -c waiting second.err)" = 2 ] || grep -q 'second begins' order || [ "$waited" = 3000 ]; do
	sleep 0.1
	waited=$((waited + 1))
done
[ "$waited" != 3000 ] && ! grep -q 'second begins' order && result=0 || result=1
tap 'a lock that was taken away is taken anew' "$result"
touch second.go third.go
wait

# SIGTERM to make reaches what it runs, which ends in its own time.
printf '#!/bin/sh\n' >.ci/deps
cat >fuzzers/fuzz.sh <<'END'
#!/bin/sh
[ "$1" = run ] || exit 0
trap 'echo summary; exit 1' TERM
echo begins
while :; do sleep 0.1; done
END
make fuzz ALONE=true >fuzz.out 2>&1 &
pid=$!
until_there fuzz.out begins
kill -s TERM "$pid"
wait "$pid"
cp fuzz.out "$out"
shows 'make fuzz that is terminated shows its summary' '^summary$'

tap_end
