#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# drivers.sh: what `make drivers` says of drivers and devices, by stand-ins for both: no
# driver has to be installed.  A stand-in of dpdk-testpmd hands frames back or loses them; one
# of `vringer serve` ends well, with a finding, with an error, or not at all.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

drivers=harness/drivers/drivers.sh
traffic=build/drivers/traffic
bin=$work/bin
mkdir "$bin"

cat >"$bin/dpdk-testpmd" <<'END'
#!/bin/sh
# What it is to do: all, cut (the last byte is missing), flip (a byte is another), none,
# stay (it does not end).
for word; do
	case $word in
	net_pcap0,*) in=${word#*rx_pcap=} out=${in#*tx_pcap=} in=${in%%,*} ;;
	net_virtio_user0,*) socket=${word#*path=} socket=${socket%%,*} ;;
	esac
done
case $FRAMES in
all | stay) cp "$in" "$out" ;;
cut) head -c -1 "$in" >"$out" ;;
flip) { head -c -1 "$in" && printf x; } >"$out" ;;
esac
while read -r command && [ "$command" != quit ]; do :; done
: >"$socket.closed"
[ "$FRAMES" != stay ] || exec sleep 300
END

cat >"$bin/vringer" <<'END'
#!/bin/sh
# SERVES: the exit status, or `stays`: for ever, or `dies`: before it listens.
[ "$1" != targets ] || {
	echo 'net-loopback: a stand-in'
	echo '    device id 1, features 0x100000020, queues: 0=rx(256) 1=tx(256)'
	exit
}
[ "$SERVES" != dies ] || exit 2
socket=$4
echo "serve: net-loopback: listening on $socket" >&2
until [ -e "$socket.closed" ] && [ "$SERVES" != stays ]; do sleep 0.05; done
echo "served: net-loopback features=0x100000000 chains=2 interrupts=1 findings=$SERVES programs=0"
exit "$SERVES"
END
chmod +x "$bin"/*

# Processes of a session, by the stand-ins that they are.
left() {
	! grep -lsF "$bin/" /proc/[0-9]*/cmdline
}

# session STATUS NAME FRAMES SERVES [NAME=VALUE]...
session() {
	status=$1 name=$2 frames=$3 serves=$4
	shift 4
	gives "$status" "$name" env FRAMES="$frames" SERVES="$serves" VRINGER="$bin/vringer" \
		PATH="$bin:$PATH" TRAFFIC="$traffic" DEVICE=net-loopback QUICK=1 SHORT=1 "$@" \
		"$drivers" run dpdk
	left >/dev/null && result=0 || result=1
	tap "$name: nothing is left" "$result"
}

row='dpdk +net-loopback +split +0x100000000 +2 +1'

session 0 "all comes back" all 0 QUICK=
shows "a row of the table" "^$row +0 +[0-9]+ +ok\$"
shows "what its device does not offer" '^dpdk net-loopback: .*not offer: in_order mrg_rxbuf packed$'
session 1 "the device breaks a rule" all 1
shows "its finding is in the table" "^$row +1 +[0-9]+ +failed\$"
session 1 "serve refuses the driver" all 2
session 1 "serve dies at once" all dies
session 1 "serve does not end" all stays
session 1 "a byte is lost" cut 0
shows "that fails, whatever serve says" "^$row +0 +[0-9]+ +failed\$"
grep -q 'driver: failed: virtio-user' "$err" && result=0 || result=1
tap "the driver's end says it" "$result"

# Killed in the middle, it takes its processes along.
env FRAMES=stay SERVES=stays VRINGER="$bin/vringer" PATH="$bin:$PATH" TRAFFIC="$traffic" \
	DEVICE=net-loopback QUICK=1 "$drivers" run dpdk >"$out" 2>"$err" &
script=$!
until grep -qs 'drivers: dpdk' "$err" && ! left >/dev/null; do sleep 0.1; done
kill "$script"
wait "$script" || true
left >"$out" && result=0 || result=1
tap "killed: nothing is left" "$result"

refuses "a driver that there is not" "no driver 'nobody', expected one of: uml dpdk qemu" \
	"$drivers" check nobody
refuses "a device that there is not" "no session has the device 'nothing'" \
	env DEVICE=nothing "$drivers" check ''
refuses "a driver without such a session" "no session of dpdk has the device 'fs'" \
	env DEVICE=fs PATH="$bin:$PATH" VRINGER="$bin/vringer" "$drivers" run dpdk

# Without any driver in PATH.
mkdir "$work/tools"
for tool in sh dirname awk cut uniq grep sed head tail tr sort cat mktemp rm mkdir env; do
	ln -s "$(command -v "$tool")" "$work/tools/$tool"
done
refuses "a driver that is not installed" 'dpdk: missing: dpdk-testpmd \(Debian: dpdk-dev\)' \
	env PATH="$work/tools" "$drivers" run dpdk
gives 2 "no driver is installed" env PATH="$work/tools" "$drivers" run
shows "each says what it lacks" '^uml: not run: missing: .*Debian'

# The judge of bytes.
"$traffic" write "$work/in" 200 5
gives 0 "frames that are there" "$traffic" read "$work/in" 200 5
gives 1 "one more than there should be" "$traffic" read "$work/in" 200 4
gives 1 "one is missing" "$traffic" read "$work/in" 200 6
# In the first frame: behind the head of the file and its own, 40 bytes.
{ head -c 90 "$work/in" && printf x && tail -c +92 "$work/in"; } >"$work/flipped"
gives 1 "a byte is another" "$traffic" read "$work/flipped" 200 5
gives 1 "no file of packets" "$traffic" read "$0" 200 5
gives 1 "frames that cannot be" "$traffic" write "$work/in" 59 5
gives 2 "no such words" "$traffic" write "$work/in"

tap_end
