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
gives 0 'a path with a space: suites run' harness/test/run_tests.sh test_golden
shows 'and find what they test' '^2 passed, 0 failed$'

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
