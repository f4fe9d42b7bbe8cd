#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# dpdk.sh SOCKET FOLDER PARAMETERS: have DPDK's virtio-user driver send frames through the
# vhost-user network card at SOCKET, which sends them back, and compare.  PARAMETERS are the
# driver's: packed_vq=1,in_order=1,mrg_rxbuf=1.
#
# dpdk-testpmd forwards what it reads of a file of packets to the card, and what comes from the
# card to another; both ends are bounded by the file.  It polls: the files end up whole
# long before it is told to stop.  FOLDER gets the log and the files.
#
# A `driver:` line on stderr says how it went.  Exit 0: all frames came back, in order; 1:
# they did not.
#
# TRAFFIC=FILE is what was built of traffic.c.  SECONDS_MAX=30, SHORT=1: few frames
set -eu

socket=$1 folder=$2 parameters=$3
# A card without mergeable buffers and offers of larger frames takes such.
bytes=1514 count=1000
[ -z "${SHORT:-}" ] || count=8

"$TRAFFIC" write "$folder/in.pcap" "$bytes" "$count"

# Commands of testpmd: it is stopped once nothing is missing, or after 10 s.
commands() {
	# Frames that the card has no room for yet are tried again.
	echo 'set fwd io retry'
	echo 'set burst tx delay 50 retry 20000'
	echo start
	tries=0
	until "$TRAFFIC" read "$folder/out.pcap" "$bytes" "$count" >/dev/null 2>&1 || [ "$tries" = 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	echo stop
	echo 'show port stats all'
	echo quit
}

# Few descriptors of transmission: what is under way then fits into the receive ring.
rc=0
commands | timeout -k 2 "${SECONDS_MAX:-30}" dpdk-testpmd --no-huge --no-pci --no-shconf --no-telemetry -m 64 \
	--lcores '(0,1)@0' --main-lcore 0 \
	--vdev "net_pcap0,rx_pcap=$folder/in.pcap,tx_pcap=$folder/out.pcap" \
	--vdev "net_virtio_user0,path=$socket,$parameters" \
	-- --interactive --no-flush-rx --disable-link-check --total-num-mbufs=4096 --nb-cores=1 --txd=64 \
	>"$folder/log" 2>&1 || rc=$?
if [ "$rc" != 0 ]; then
	echo "driver: failed: dpdk-testpmd: exit status $rc; see $folder/log" >&2
	exit 1
elif said=$("$TRAFFIC" read "$folder/out.pcap" "$bytes" "$count"); then
	echo "driver: ok: virtio-user: $said" >&2
else
	echo "driver: failed: virtio-user: $said" >&2
	exit 1
fi
