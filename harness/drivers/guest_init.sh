#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The first process of the guest that uml.sh boots, under busybox: loads the driver, moves
# traffic through it that is checked, and halts.  CHECK, of the kernel's command line, is
# what to do; /modules has the modules to load.
#
# What it prints:
#
#   driver: features MASK      what the driver and the device agreed on
#   driver: ok: WHAT           all is well
#   driver: failed: WHAT
#   host: OPERATION            uml.sh has the device's host do this
#
# Each waits for what it needs at most 10 s.

fail() {
	echo "driver: failed: $1"
	poweroff -f
}

# How much traffic.
frames=200 lines=40 pages=2048
[ -z "${SHORT:-}" ] || frames=8 lines=4 pages=16

# The device of the driver.
sysfs=/sys/bus/virtio/devices/virtio0

# ask TEXT COMMAND...: tries once in 0.1 s until it succeeds.
until_true() {
	text=$1 tries=0
	shift
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || fail "$text"
		usleep 100000
	done
}

# ok WHAT COMMAND...: its last line says how it went.
ok() {
	what=$1
	shift
	said=$("$@") || fail "$what: $said"
	echo "driver: ok: $what: $said"
}

# Linux lists the bits, bit 0 first.
features() {
	bits=$(cat $sysfs/features) bit=0 value=0
	while [ -n "$bits" ]; do
		case $bits in 1*) value=$((value | 1 << bit)) ;; esac
		bits=${bits#?} bit=$((bit + 1))
	done
	printf 'driver: features 0x%x\n' "$value"
}

# MemTotal in KiB: what the balloon holds is not in it.
memory() {
	awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo
}

at_most() { [ "$(memory)" -le "$1" ]; }
at_least() { [ "$(memory)" -ge "$1" ]; }

# The link of a network card, without what Linux sends by itself.
net_up() {
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null
	until_true "no interface eth0" [ -e /sys/class/net/eth0 ]
	ip link set eth0 up || fail "eth0 is not up"
}

net() {
	net_up
	mtu=$(cat /sys/class/net/eth0/mtu)
	ok eth0 traffic frames eth0 "$((mtu + 14))" "$frames"
}

# Behind net-host is the metadata service too, which answers at this address.
net_host() {
	net
	ip addr add 169.254.169.2/16 dev eth0
	said=$(arping -f -c 3 -w 5 -I eth0 169.254.169.254) || fail "arp: $said"
	echo "driver: ok: arp: 169.254.169.254 answered"
}

console() {
	until_true "no /dev/hvc0" [ -c /dev/hvc0 ]
	ok hvc0 traffic lines /dev/hvc0 "$lines"
	# The other ports are of the multiport feature, bit 1.
	case $(cat $sysfs/features) in
	?1*) ;;
	*) return ;;
	esac
	until_true "no port 1" [ -c /dev/vport0p1 ]
	ok vport0p1 traffic lines /dev/vport0p1 "$lines"
}

# Pages are taken, half of them given back, and then the rest.  KiB of a page: 4.
balloon() {
	all=$(memory)
	echo "host: set_num_pages $pages"
	until_true "not inflated: $(memory) KiB of $all" at_most "$((all - 4 * pages))"
	low=$(memory)
	[ -z "${SNAPSHOT:-}" ] || echo "host: snapshot"
	echo "host: set_num_pages $((pages / 2))"
	until_true "not deflated: $(memory) KiB of $all" at_least "$((all - 2 * pages))"
	echo "host: set_num_pages 0"
	until_true "not deflated: $(memory) KiB of $all" at_least "$all"
	echo "driver: ok: balloon: MemTotal fell from $all to $low KiB and came back to $(memory)"
}

# A file system of INIT alone is mounted, and says that it has nothing else.  One with
# files has /digests, as sha256sum writes it.
fs() {
	# The kernel names it by what its configuration says.
	mkdir /mnt
	mount -t virtiofs "$TAG" /mnt || fail "mount of '$TAG'"
	if said=$(cat /mnt/digests 2>&1); then
		cd /mnt || fail "cd /mnt"
		said=$(sha256sum -c digests 2>&1) || fail "files: $said"
		cd /
		echo "driver: ok: fs: mounted, $(wc -l </mnt/digests) files are as they were"
	else
		case $said in
		*"not implemented"*) echo "driver: ok: fs: mounted, reads are not implemented" ;;
		*) fail "read: $said" ;;
		esac
	fi
	umount /mnt || fail "umount"
}

# 1 MiB, written and then read past the cache.
blk() {
	until_true "no /dev/vda" [ -b /dev/vda ]
	dd if=/dev/urandom of=/pattern bs=64k count=16 2>/dev/null
	dd if=/pattern of=/dev/vda bs=64k conv=fsync 2>/dev/null || fail "write: /dev/vda"
	echo 3 >/proc/sys/vm/drop_caches
	said=$(dd if=/dev/vda bs=64k count=16 2>/dev/null | cmp - /pattern 2>&1) ||
		fail "vda: read otherwise than written: $said"
	echo "driver: ok: vda: $(wc -c </pattern) bytes were written and read"
}

# Bytes come; of what they are nobody may be sure.
rng() {
	until_true "no /dev/hwrng" [ -c /dev/hwrng ]
	case $(cat /sys/class/misc/hw_random/rng_current) in
	virtio*) ;;
	*) fail "hwrng: it is not the device's" ;;
	esac
	dd if=/dev/hwrng of=/bytes bs=64 count=16 iflag=fullblock 2>/dev/null || fail "read: /dev/hwrng"
	[ "$(wc -c </bytes)" = 1024 ] || fail "hwrng: $(wc -c </bytes) bytes of 1024"
	echo "driver: ok: hwrng: $(wc -c </bytes) bytes"
}

# Where traffic says what it wants of the host.
exec 3>&1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do
	modprobe "$module" || fail "modprobe $module"
done </modules
until_true "no virtio device: the kernel and the device did not come to terms" [ -e $sysfs ]
until_true "no driver took the device" [ -e $sysfs/driver ]
features
case $CHECK in
net | net_host | console | balloon | fs | blk | rng) "$CHECK" ;;
*) fail "CHECK: '$CHECK'" ;;
esac
# What was asked of the host late may be under way yet.
[ -z "${SNAPSHOT:-}" ] || sleep 1
poweroff -f
