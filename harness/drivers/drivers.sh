#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What `make drivers` does: have real drivers drive our models, which `vringer serve` serves,
# check at the driver's end that what came back is what was sent, and print a table.
#
#   drivers.sh check DRIVER     is there such a driver?  Exit 2: no
#   drivers.sh run [DRIVER]     its sessions, or those of all that are installed
#
#   DEVICE=name     only sessions of that device
#   QUICK=1         only the first session of each driver
#   RECORD=folder   record each session there, as DRIVER-DEVICE-WITH.vr
#   SHORT=1         little traffic: for a recording that is to be read
#   KERNEL=folder   for the driver qemu: what a Debian package of a kernel unpacks to
#
# VRINGER is the command that serves, TRAFFIC what was built of traffic.c.
#
# A session has a folder of its own, named on the command line of each of its processes: none
# outlives this script.  Exit 0: all is well; 1: a session failed, or a rule was broken; 2: no
# driver is installed, or not the one that was asked for.
set -eu

here=$(dirname "$0")
vringer=${VRINGER:-build/vringer}
export TRAFFIC="${TRAFFIC:-build/drivers/traffic}"
fetched=build/drivers/kernel

# driver | device | with | its script's arguments after SOCKET FOLDER | options of serve
#
# with: what differs between sessions of a driver and a device.  split: the device offers no packed
# ring, which Linux takes where it is offered.  snapshot: in the middle of the traffic the device is
# saved and restored into a new one.
sessions='uml|net-loopback|split|1 virtio_net net|
uml|net-loopback|packed|1 virtio_net net|
uml|net-loopback|split,snapshot|1 virtio_net net SNAPSHOT=1|
uml|net-loopback|packed,snapshot|1 virtio_net net SNAPSHOT=1|
uml|net-host|split|1 virtio_net net_host|--echo
uml|net-host|packed|1 virtio_net net_host|--echo
uml|console|split|3 virtio_console console|--echo
uml|console|packed|3 virtio_console console|--echo
uml|console|split,snapshot|3 virtio_console console SNAPSHOT=1|--echo
uml|console|packed,snapshot|3 virtio_console console SNAPSHOT=1|--echo
uml|balloon|split|5 virtio_balloon balloon|
uml|balloon|packed|5 virtio_balloon balloon|
uml|balloon|split,snapshot|5 virtio_balloon balloon SNAPSHOT=1|
uml|balloon|packed,snapshot|5 virtio_balloon balloon SNAPSHOT=1|
uml|fs|split|26 virtiofs fs TAG=vringer|
uml|fs|packed|26 virtiofs fs TAG=vringer|
dpdk|net-loopback|split|packed_vq=0,in_order=0,mrg_rxbuf=0|
dpdk|net-loopback|split,mrg_rxbuf|packed_vq=0,in_order=0,mrg_rxbuf=1|
dpdk|net-loopback|split,in_order|packed_vq=0,in_order=1,mrg_rxbuf=0|
dpdk|net-loopback|split,in_order,mrg_rxbuf|packed_vq=0,in_order=1,mrg_rxbuf=1|
dpdk|net-loopback|packed|packed_vq=1,in_order=0,mrg_rxbuf=0|
dpdk|net-loopback|packed,mrg_rxbuf|packed_vq=1,in_order=0,mrg_rxbuf=1|
dpdk|net-loopback|packed,in_order|packed_vq=1,in_order=1,mrg_rxbuf=0|
dpdk|net-loopback|packed,in_order,mrg_rxbuf|packed_vq=1,in_order=1,mrg_rxbuf=1|
dpdk|net-host|split|packed_vq=0,in_order=0,mrg_rxbuf=0|--echo
dpdk|net-host|packed|packed_vq=1,in_order=0,mrg_rxbuf=0|--echo
qemu|net-loopback|split|net virtio_net net|
qemu|net-host|split|net virtio_net net_host|--echo
qemu|fs|split|fs virtiofs fs TAG=vringer|'

fail() {
	echo "make drivers: $1" >&2
	exit 2
}

drivers() {
	echo "$sessions" | cut -d '|' -f 1 | uniq
}

# What a driver lacks, and the packages that have it; nothing: it can run.
lacks() {
	case $1 in
	uml)
		guest_lacks
		lacks_command linux.uml user-mode-linux
		uml_lacks
		;;
	dpdk) lacks_command dpdk-testpmd dpdk-dev ;;
	qemu)
		guest_lacks
		lacks_command qemu-system-x86_64 qemu-system-x86
		[ -n "${KERNEL:-}" ] || [ -d "$fetched" ] ||
			echo "a kernel in $fetched or KERNEL=folder (Debian: linux-image-cloud-amd64, unpacked there)"
		;;
	esac
}

lacks_command() {
	command -v "$1" >/dev/null || echo "$1 (Debian: $2)"
}

guest_lacks() {
	lacks_command busybox busybox-static
	lacks_command cpio cpio
}

# A processor on which user-mode Linux boots and runs a process.  Where one has more registers
# than that kernel has room for (Intel's AMX), the first process dies of a signal, whatever it is.
uml_lacks() {
	for tool in linux.uml busybox cpio; do
		command -v "$tool" >/dev/null || return 0
	done
	mkdir -p "$tmp/probe/root"
	cp "$(command -v busybox)" "$tmp/probe/root/busybox"
	printf '#!/busybox sh\n/busybox poweroff -f\n' >"$tmp/probe/root/init"
	chmod +x "$tmp/probe/root/init"
	(cd "$tmp/probe/root" && find . | cpio --quiet -o -H newc >../initrd)
	! TMPDIR=$tmp/probe timeout 60 linux.uml mem=64M con=null con0=null,fd:1 \
		initrd="$tmp/probe/initrd" rdinit=/init 2>&1 </dev/null |
		grep -q 'Attempted to kill init! exitcode=0x0000000b' ||
		echo "a processor on which user-mode Linux runs processes (this one's registers are too many for it: AMX)"
	rm -rf "$tmp/probe"
}

# Bits of features, of which the words of `with` need some.
offers() {
	features=$("$vringer" targets | awk -v name="$1:" '
		$1 == name { on = 1 }
		on && sub(/.*features /, "") { sub(/,.*/, ""); print; exit }')
	case $2 in
	mrg_rxbuf) bit=15 ;;
	packed) bit=34 ;;
	in_order) bit=35 ;;
	*) return 0 ;;
	esac
	[ $((features >> bit & 1)) = 1 ]
}

# Those of a session's words that its device does not offer.
not_offered() {
	for word in $(echo "$2" | tr ',' ' '); do
		offers "$1" "$word" || echo "$word"
	done
}

tmp=$(mktemp -d)
# Whatever of a session is still there: its processes have its folder in their command lines.
sweep() {
	for process in /proc/[0-9]*; do
		grep -qsF "$tmp/" "$process/cmdline" && kill -9 "${process#/proc/}" 2>/dev/null
	done
	return 0
}
trap 'sweep; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP

# until_true COMMAND...: tries for 10 s.
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || return 1
		sleep 0.1
	done
}

listens() { grep -qs 'listening on' "$folder/serve.err" || ended "$serve"; }
ended() { ! kill -0 "$1" 2>/dev/null; }

# What the driver's end wants of the device's host: a signal, or a line of serve's input.
host() {
	while read -r order; do
		case $order in
		snapshot) kill -USR1 "$(cat "$folder/serve.pid")" ;;
		*) echo "$order" ;;
		esac
	done >"$folder/host"
}

# What drives, in words, for a recording.
described() {
	case $driver in
	uml) echo "Linux $(linux.uml --version), user mode, $(echo "$arguments" | cut -d ' ' -f 2), $with" ;;
	dpdk) echo "DPDK $(dpkg-query -W -f '${Version}' dpdk-dev 2>/dev/null || echo of this machine), virtio-user, $with" ;;
	*) echo "$driver, $arguments, $with" ;;
	esac
}

# The driver at work; its exit status is in rc.
drive() {
	rc=0
	# Guests get it on the kernel's command line.
	[ -z "${SHORT:-}" ] || [ "$driver" = dpdk ] || arguments="$arguments SHORT=1"
	# shellcheck disable=SC2086  # words
	"$here/$driver.sh" "$folder/socket" "$folder" $arguments 2>>"$folder/driver" || rc=$?
	echo "$rc" >"$folder/rc"
}

# wait_for_driver PROCESS: it has an end of its own; but not all of a guest dies with it, and one
# whose device went away may wait for that for ever.
wait_for_driver() {
	tries=0 alone=0
	while ! ended "$1" && [ "$tries" -lt 900 ] && [ "$alone" -lt 100 ]; do
		tries=$((tries + 1))
		! ended "$serve" || alone=$((alone + 1))
		sleep 0.1
	done
	ended "$1" || {
		echo "driver: failed: it did not end" >>"$folder/driver"
		sweep
	}
	wait "$1" || true
}

# serve DEVICE..., in the background, its number in serve.  Its input has a writer from the
# beginning to the end.
serve() {
	mkfifo "$folder/host"
	exec 7<>"$folder/host"
	set --
	case $with in
	*split*) set -- --features 0xfffffffbffffffff ;;
	esac
	[ -z "${RECORD:-}" ] || set -- "$@" --note "$(described)" \
		--record "$RECORD/$driver-$device-$(echo "$with" | tr ',' '-').vr"
	# shellcheck disable=SC2016,SC2086  # of the shell that is started; words
	timeout -k 2 120 sh -c 'echo $$ >"$0/serve.pid"; exec "$@"' "$folder" \
		"$vringer" serve "$device" --socket "$folder/socket" $options "$@" \
		<&7 >"$folder/serve.out" 2>"$folder/serve.err" 7>&- &
	serve=$!
}

# The value of NAME= in serve's last line.
served() {
	sed -n "s/^served: .* $1=\([^ ]*\).*/\1/p" "$folder/serve.out"
}

# What went wrong, one line each; nothing: all is well.
wrong() {
	[ "$serve_rc" = 0 ] || echo "serve: exit status $serve_rc"
	[ -n "$(served features)" ] || {
		echo "serve: no line of what was served"
		return
	}
	grep '^driver: failed' "$folder/driver"
	[ "$(cat "$folder/rc")" = 0 ] || echo "driver: exit status $(cat "$folder/rc")"
	[ "$(served chains)" != 0 ] || echo "serve: no chain"
	case $with in
	*snapshot*) grep -q 'restored into a new device' "$folder/serve.err" || echo "serve: no snapshot" ;;
	esac
	said=$(sed -n 's/^driver: features //p' "$folder/driver")
	# QEMU offers its driver features of its own; the protocol's bit 30 is none of a device.
	other=$((${said:-0} ^ $(served features)))
	[ "$driver" != qemu ] || other=$((other & $(served features)))
	[ -z "$said" ] || [ $((other & ~(1 << 30))) = 0 ] ||
		echo "features: the driver says $said, serve $(served features)"
}

# session LINE: one row of the table into rows, what is wrong onto stderr.
session() {
	IFS='|' read -r driver device with arguments options <<-END
		$1
	END
	number=$((number + 1)) folder=$tmp/$number
	mkdir "$folder"
	echo "drivers: $driver, $device, $with" >&2
	begun=$(date +%s)
	serve
	serve_rc=0
	if until_true listens && ! ended "$serve"; then
		drive | host &
		wait_for_driver $!
		# It ends with the connection.
		until_true ended "$serve" || echo "serve: did not end with the driver" >>"$folder/serve.err"
	fi
	kill "$serve" 2>/dev/null || true
	wait "$serve" || serve_rc=$?
	exec 7>&-
	[ -f "$folder/rc" ] || {
		echo none >"$folder/rc"
		: >"$folder/driver"
	}
	faults=$(wrong || true)
	result=ok
	[ -z "$faults" ] || {
		result=failed
		failed=1
		printf '%s\n' "$faults" | sed 's/^/  /' >&2
		tail -n 20 "$folder/serve.err" "$folder/serve.out" >&2
		[ ! -f "$folder/log" ] || tail -n 10 "$folder/log" >&2
	}
	sed -n 's/^driver: ok: /  /p' "$folder/driver" >&2
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$driver" "$device" "$with" "$(served features)" \
		"$(served chains)" "$(served interrupts)" "$(served findings)" \
		"$(($(date +%s) - begun))" "$result" >>"$tmp/rows"
	sweep
}

# The sessions of DRIVER that are to be run; a line for those whose device does not offer
# what they need.
chosen() {
	echo "$sessions" | awk -F '|' -v driver="$1" -v device="${DEVICE:-}" -v quick="${QUICK:-}" '
		$1 == driver && (device == "" || $2 == device) && !(quick != "" && n++)'
}

table() {
	[ ! -s "$tmp/rows" ] || awk -F '\t' '
		BEGIN { split("driver device with features chains interrupts findings seconds result", head, " ") }
		function put(r, i, text) {
			cell[r, i] = text == "" ? "-" : text
			if (length(cell[r, i]) > wide[i]) wide[i] = length(cell[r, i])
		}
		NR == 1 { for (i = 1; i <= 9; i++) put(0, i, head[i]) }
		{ for (i = 1; i <= 9; i++) put(NR, i, $i) }
		END {
			for (r = 0; r <= NR; r++) {
				line = ""
				for (i = 1; i <= 8; i++)
					line = line sprintf(i > 3 ? "%*s  " : "%-*s  ", wide[i], cell[r, i])
				print line cell[r, 9]
			}
		}' "$tmp/rows"
	sort -u "$tmp/not-offered" | awk '
		!(($1, $2) in words) { order[++n] = $1 " " $2 }
		{ words[$1, $2] = words[$1, $2] " " $3; text[$1 " " $2] = words[$1, $2] }
		END {
			for (i = 1; i <= n; i++)
				print order[i] ": sessions not run for what the device does not offer:" text[order[i]]
		}'
	cat "$tmp/skipped"
}

check() {
	[ -z "$1" ] || drivers | grep -qx "$1" ||
		fail "there is no driver '$1', expected one of: $(drivers | tr '\n' ' ')"
	[ -z "${DEVICE:-}" ] || echo "$sessions" | cut -d '|' -f 2 | grep -qx "$DEVICE" ||
		fail "no session has the device '$DEVICE', expected one of: $(
			echo "$sessions" | cut -d '|' -f 2 | sort -u | tr '\n' ' ')"
}

# run_driver DRIVER: its sessions.
run_driver() {
	chosen "$1" >"$tmp/chosen"
	while read -r line; do
		IFS='|' read -r _ device with _ <<-END
			$line
		END
		lack=$(not_offered "$device" "$with" | tr '\n' ' ')
		if [ -n "$lack" ]; then
			for word in $lack; do
				echo "$1 $device $word"
			done >>"$tmp/not-offered"
		else
			session "$line"
		fi
	done <"$tmp/chosen"
}

check "${2:-}"
case $1 in
check) exit ;;
run) ;;
*) fail "'$1': expected check or run" ;;
esac

[ -n "${KERNEL:-}" ] || [ ! -d "$fetched" ] || KERNEL=$fetched
export KERNEL="${KERNEL:-}"
[ -z "${RECORD:-}" ] || mkdir -p "$RECORD"
: >"$tmp/rows"
: >"$tmp/skipped"
: >"$tmp/not-offered"
failed=0 number=0 found=0
for name in ${2:-$(drivers)}; do
	lack=$(lacks "$name" | head -n 1)
	if [ -z "$lack" ]; then
		found=1
		run_driver "$name"
	elif [ -n "${2:-}" ]; then
		fail "$name: missing: $lack"
	else
		echo "$name: not run: missing: $lack" >>"$tmp/skipped"
	fi
done
[ -s "$tmp/rows" ] || [ -s "$tmp/skipped" ] || [ -s "$tmp/not-offered" ] ||
	fail "no session of ${2:-any driver that is installed} has the device '${DEVICE:-}'"
table
[ "$found" = 1 ] || fail "no driver is installed"
[ "$failed" = 0 ]
