/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of received packets, of frames on their way, and of the host memory that
 * they wait in, each broken once, and kept once next to it.  See ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "ledger_cases.h"
#include "ledger_rig.h"

#define MTU 68u

/* A packet of `len` bytes behind that header. */
static void receive(const struct virtio_net_hdr_v1 *header, uint32_t len)
{
	uint8_t bytes[sizeof(*header) + 200] = { 0 };
	uint32_t all = (uint32_t)sizeof(*header) + len;

	rig_target.device_id = VIRTIO_ID_NET;
	rig_live(8);
	ledger.net.mtu = MTU;
	negotiate(VIRTIO_NET_F_MTU);
	assert_true(all <= sizeof(bytes));
	memcpy(bytes, header, sizeof(*header));
	on = RX;
	notify();
	avail_idx(1);
	take(0, 0, all, F_WRITE);
	payload_bytes(0, true, BUFFER, bytes, all);
	return_chain(0, 0, 0, all);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_header_counts_none(void)
{
	receive(&(struct virtio_net_hdr_v1){ .num_buffers = 0 }, 60);
}

void case_header_counts_one(void)
{
	receive(&(struct virtio_net_hdr_v1){ .num_buffers = 1 }, 60);
}

void case_header_left_over(void)
{
	receive(&(struct virtio_net_hdr_v1){ .num_buffers = 1, .gso_size = 1 }, 60);
}

void case_header_cleared(void)
{
	receive(&(struct virtio_net_hdr_v1){ .num_buffers = 1 }, 0);
}

void case_packet_over_the_mtu(void)
{
	receive(&(struct virtio_net_hdr_v1){ .num_buffers = 1 }, 14 + MTU + 1);
}

void case_packet_at_the_mtu(void)
{
	receive(&(struct virtio_net_hdr_v1){ .num_buffers = 1 }, 14 + MTU);
}

/* The driver sends a frame with that gso_type, and it comes out. */
static void send(uint8_t gso_type)
{
	static const struct target_stream stream = { .from = TX,
						     .to = END_AWAY,
						     .skip = sizeof(struct virtio_net_hdr_v1) };
	uint8_t bytes[sizeof(struct virtio_net_hdr_v1) + 60] = { VIRTIO_NET_HDR_F_NEEDS_CSUM,
								 gso_type };

	rig_target.device_id = VIRTIO_ID_NET;
	rig_target.stream_count = 1;
	rig_target.streams = &stream;
	rig_live(8);
	notify();
	avail_idx(1);
	take(0, 0, sizeof(bytes), 0);
	payload_bytes(0, false, BUFFER, bytes, sizeof(bytes));
	ledger_frame(&ledger, END_AWAY, bytes + stream.skip, sizeof(bytes) - stream.skip);
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_two_tunnels_passed_on(void)
{
	send(VIRTIO_NET_HDR_GSO_TCPV4 | 0x60);
}

void case_no_tunnel_passed_on(void)
{
	/* Of ours it would be an offload that was not negotiated. */
	rig_target.model = false;
	send(VIRTIO_NET_HDR_GSO_TCPV4);
}

/* A frame waits in the device; `looks`: at a queue that is empty. */
static void wait_for_a_chain(bool looks)
{
	static const struct target_stream stream = {
		.from = TX, .to = RX, .skip = 4, .waiting = "in"
	};

	rig_target.stream_count = 1;
	rig_target.streams = &stream;
	rig_live(8);
	rig_counters[1] = 1;
	on = RX;
	notify();
	if (looks)
		avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

void case_frame_waits_in_vain(void)
{
	wait_for_a_chain(false);
}

void case_frame_waits_for_a_chain(void)
{
	wait_for_a_chain(true);
}

static void have_blocks(unsigned live)
{
	rig_target.blocks_kept = 2;
	rig_live(8);
	ledger.device.heap_base = 1;
	rig_heap.peak_blocks = 9;
	rig_heap.live_blocks = live;
	serve(0);
}

void case_block_given_back(void)
{
	have_blocks(2);
}

void case_block_kept(void)
{
	have_blocks(3);
}

void case_filter_finds_fault(void)
{
	rig_live(8);
	ledger_fault(&ledger, "what it was to pass on it keeps");
}

void case_filter_finds_none(void)
{
	rig_live(8);
	serve(0);
}

/* A frame of 12 bytes; `more` bytes of the chain are the device's to write. */
static void read_frame(uint32_t more)
{
	rig_target.stream_count = 1;
	rig_target.streams = &rig_stream;
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, F_NEXT, 1);
	desc(0, 1, BUFFER + 4096, more, F_WRITE, 0);
	payload_bytes(0, false, BUFFER, "HEADtwelve bytes", 16);
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_frame_from_a_mixed_chain(void)
{
	read_frame(1);
}

/* Of no bytes it is no buffer. */
void case_frame_from_a_plain_chain(void)
{
	read_frame(0);
}
