/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * net-loopback with a driver that keeps the rules, in every way that the rules
 * allow: framing, sizes, interrupts, left-over work, host memory.  VIRTIO 1.4, 5.1.
 */
#include <string.h>

#include "net_guest.h"

static void identity(void **state)
{
	static const uint8_t config[12] = NET_MAC;
	uint8_t buf[16];
	uint32_t i;

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_ID), 1);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)VIRTQUEUE_FEATURES | 1u << 5);
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)((VIRTQUEUE_FEATURES | MMIO_FEATURES) >> 32) | 1);
	assert_int_equal(net_loopback_ops.queue_count, 2);
	assert_int_equal(net_loopback_ops.queues[NET_RX].size_max, 256);
	assert_int_equal(net_loopback_ops.queues[NET_TX].size_max, 256);
	assert_false(net_loopback_ops.queues[NET_RX].driver_initiated);
	assert_true(net_loopback_ops.queues[NET_TX].driver_initiated);
	assert_string_equal(net_loopback_ops.name, "net-loopback");
	for (i = 0; i < 64; i++) {
		mmio_read(m, 0x100 + i, buf, 1);
		assert_int_equal(buf[0], i < 12 ? config[i] : 0);
	}
	memset(buf, 0xff, sizeof(buf));
	mmio_write(m, 0x100, buf, 8);
	mmio_read(m, 0x100, buf, 8);
	assert_memory_equal(buf, config, 8);
	mmio_read(m, 0x104, buf, 8);
	assert_memory_equal(buf, config + 4, 8);
	mmio_read(m, UINT64_MAX - 7, buf, 8);
	assert_int_equal(buf[0] | buf[7], 0);
	assert_int_equal(NET_FRAME_MAX, 65557);
	expect_none();
}

static void loopback(void **state)
{
	(void)state;
	chain(&rx, 3, RX_DATA, 2048);
	chain(&tx, 5, TX_DATA, 112);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 100 }, { "rx_packets", 1 }, { "rx_bytes", 100 });
	assert_used(&tx, 1, 5, 0);
	assert_used(&rx, 1, 3, 112);
	assert_received(RX_DATA, TX_DATA + 12, 100);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	/* With nothing new there is nothing to say. */
	net_kick();
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, NET_RX);
	mmio_work(m);
	expect_none();
	assert_interrupts(0, 0);
}

static void accesses(void **state)
{
	static const enum guest_purpose order[] = {
		GUEST_AVAIL_IDX, GUEST_AVAIL_ENTRY, GUEST_DESC,	      /* TX chain */
		GUEST_PAYLOAD,	 GUEST_PAYLOAD,			      /* header, frame */
		GUEST_AVAIL_IDX, GUEST_AVAIL_ENTRY, GUEST_DESC,	      /* RX chain */
		GUEST_PAYLOAD,	 GUEST_PAYLOAD,	    GUEST_USED_ENTRY, /* RX returned */
		GUEST_USED_IDX,	 GUEST_USED_ENTRY,  GUEST_USED_IDX,   /* TX returned */
		GUEST_AVAIL_IDX, GUEST_AVAIL_FLAGS, GUEST_AVAIL_FLAGS,
	};
	static const uint8_t queue[] = { 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1 };
	unsigned i;

	(void)state;
	chain(&rx, 0, RX_DATA, 2048);
	chain(&tx, 0, TX_DATA, 112);
	net_kick();
	assert_int_equal(fake.logged, sizeof(queue));
	for (i = 0; i < sizeof(queue); i++) {
		assert_int_equal(fake.log[i].why.purpose, order[i]);
		assert_int_equal(fake.log[i].why.queue, queue[i]);
	}
	/* Walk positions are each queue's own. */
	chain(&tx, 1, TX_DATA, 112);
	fake_log_clear(&fake);
	net_kick();
	assert_int_equal(fake.log[3].why.walk, 1);
	chain(&rx, 1, RX_DATA, 2048);
	chain(&tx, 1, TX_DATA, 112);
	fake_log_clear(&fake);
	net_kick();
	assert_int_equal(fake.log[3].why.walk, 2);
	assert_int_equal(fake.log[8].why.walk, 1);
}

static void frame_sizes(void **state)
{
	static const uint32_t sizes[] = { 0,	1,     60,    2047,  2048,  2049, 4097,
					  9000, 20000, 32769, 65536, 65537, 65557 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(fake_mem(&fake, RX_DATA, 0x18000), 0xee, 0x18000);
		/* The chain has no byte to spare. */
		chain(&rx, 0, RX_DATA, 12 + sizes[i]);
		chain(&tx, 0, TX_DATA, 12 + sizes[i]);
		net_kick();
		expect({ "tx_packets", 1 }, { "tx_bytes", sizes[i] }, { "rx_packets", 1 },
		       { "rx_bytes", sizes[i] });
		assert_used(&tx, (uint16_t)(i + 1), 0, 0);
		assert_used(&rx, (uint16_t)(i + 1), 0, 12 + sizes[i]);
		assert_received(RX_DATA, TX_DATA + 12, sizes[i]);
	}
	assert_int_equal(fake.blocks, 2);
	assert_int_equal(fake.last_alloc, 65557);
	assert_int_equal(fake.alloc_calls, 1 + 7); /* 2 KiB doubled to the limit */
}

/* The header split at every place, on both sides, and frames in pieces. */
static void header_splits(void **state)
{
	uint32_t at, rx_at;

	(void)state;
	for (at = 0; at <= 12; at++) {
		for (rx_at = 0; rx_at <= 12; rx_at++) {
			memset(fake_mem(&fake, RX_DATA, 256), 0xee, 256);
			chain(&rx, 0, RX_DATA, rx_at, 12 - rx_at, 7, 41);
			chain(&tx, 0, TX_DATA, at, 12 - at, 31, 17);
			net_kick();
			expect({ "tx_packets", 1 }, { "tx_bytes", 48 }, { "rx_packets", 1 },
			       { "rx_bytes", 48 });
			assert_received(RX_DATA, TX_DATA + 12, 48);

			memset(fake_mem(&fake, RX_DATA, 256), 0xee, 256);
			chain(&rx, 0, RX_DATA, rx_at, 100);
			chain(&tx, 0, TX_DATA, at, 60);
			net_kick();
			expect({ "tx_packets", 1 }, { "tx_bytes", at + 48 }, { "rx_packets", 1 },
			       { "rx_bytes", at + 48 });
			assert_received(RX_DATA, TX_DATA + 12, at + 48);
		}
	}
	/* One byte per descriptor. */
	memset(fake_mem(&fake, RX_DATA, 256), 0xee, 256);
	chain(&rx, 0, RX_DATA, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
	chain(&tx, 0, TX_DATA, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 2 }, { "rx_packets", 1 }, { "rx_bytes", 2 });
	assert_received(RX_DATA, TX_DATA + 12, 2);
}

static void empty_descriptors(void **state)
{
	(void)state;
	/* N1: 13 of them and more, before and among the header, on both sides. */
	chain(&rx, 0, RX_DATA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 200);
	chain(&tx, 0, TX_DATA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 61);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_packets", 1 }, { "rx_bytes", 60 });
	assert_received(RX_DATA, TX_DATA + 12, 60);
	/* Nothing but them: too short. */
	chain(&tx, 0, TX_DATA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	chain(&rx, 0, RX_DATA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	chain(&tx, 0, TX_DATA, 12, 0, 0);
	net_kick();
	expect({ "tx_packets", 1 }, { "rx_chain_invalid", 1 });
	assert_used(&rx, 2, 0, 0);
	/* At the end of both. */
	chain(&rx, 0, RX_DATA, 72, 0, 0);
	chain(&tx, 0, TX_DATA, 72, 0);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_packets", 1 }, { "rx_bytes", 60 });
}

static void host_memory(void **state)
{
	(void)state;
	fake.allocs_left = 0;
	chain(&rx, 0, RX_DATA, 9000);
	chain(&tx, 0, TX_DATA, 100);
	net_kick();
	expect({ "host_alloc_failures", 1 });
	assert_used(&tx, 1, 0, 0);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	/* An empty frame needs none. */
	chain(&tx, 0, TX_DATA, 12);
	net_kick();
	expect({ "tx_packets", 1 }, { "rx_packets", 1 });
	fake.allocs_left = 1;
	chain(&tx, 0, TX_DATA, 100);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 88 }, { "tx_dropped_no_rx_buffer", 1 });
	/* What was there before a failure is still good. */
	chain(&tx, 0, TX_DATA, 9000);
	net_kick();
	expect({ "host_alloc_failures", 1 });
	chain(&rx, 0, RX_DATA, 9000);
	chain(&tx, 0, TX_DATA, 12 + 2048);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 2048 }, { "rx_packets", 1 },
	       { "rx_bytes", 2048 });
	/* And over a reset, and without a leak. */
	net_start(1, 1);
	chain(&tx, 0, TX_DATA, 12 + 2048);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 2048 }, { "tx_dropped_no_rx_buffer", 1 });
}

static void interrupts(void **state)
{
	static const struct {
		uint16_t rx_flags, tx_flags;
		bool rx_buffer;
		uint32_t bits;
	} cases[] = {
		{ 0, 0, true, 1 },  { 1, 0, true, 1 },	{ 0, 1, true, 1 },	{ 1, 1, true, 0 },
		{ 1, 0, false, 1 }, { 0, 1, false, 0 }, { 2, 0xfffd, true, 1 },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		net_start(1, 1);
		fake_avail_flags(&rx, cases[i].rx_flags);
		fake_avail_flags(&tx, cases[i].tx_flags);
		if (cases[i].rx_buffer)
			chain(&rx, 0, RX_DATA, 2048);
		chain(&tx, 0, TX_DATA, 72);
		chain(&tx, 1, TX_DATA, 11);
		net_kick();
		assert_interrupts(cases[i].bits, 0);
		assert_int_equal(reg_read(VIRTIO_MMIO_INTERRUPT_STATUS), cases[i].bits);
		/* Each queue that moved is asked once, after its last move. */
		assert_int_equal(fake_log_count(&fake, GUEST_AVAIL_FLAGS), 1 + cases[i].rx_buffer);
		assert_int_equal(fake.log[fake.logged - 1].why.purpose, GUEST_AVAIL_FLAGS);
	}
}

/* A guest that makes one more chain available whenever one is returned. */
static void refill(struct fake_host *host, const struct fake_access *access)
{
	(void)host;
	if (access->why.purpose == GUEST_USED_IDX)
		fake_offer(&tx, 0);
}

static void bounded_work(void **state)
{
	unsigned i;

	(void)state;
	fake.hook = refill;
	chain(&tx, 0, TX_DATA, 12);
	for (i = 0; i < 3; i++) {
		if (i == 0)
			net_kick();
		else
			mmio_work(m);
		expect({ "tx_packets", SIZE }, { "tx_dropped_no_rx_buffer", SIZE });
		assert_int_equal(mmio_state(m), DEVICE_WORK);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	}
	fake.hook = NULL;
	mmio_work(m);
	expect({ "tx_packets", 1 }, { "tx_dropped_no_rx_buffer", 1 });
	assert_int_equal(mmio_state(m), DEVICE_IDLE);

	/* A full ring is the bound as well: one more look, and rest. */
	for (i = 0; i < SIZE; i++)
		fake_offer(&tx, 0);
	net_kick();
	expect({ "tx_packets", SIZE }, { "tx_dropped_no_rx_buffer", SIZE });
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	fake_log_clear(&fake);
	mmio_work(m);
	assert_int_equal(fake.logged, 1);
	assert_interrupts(0, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);

	/* A stopped queue has no work, nor has a device that was reset. */
	for (i = 0; i < SIZE; i++)
		fake_offer(&tx, 0);
	net_kick();
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, NET_TX);
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	fake_log_clear(&fake);
	mmio_work(m);
	assert_int_equal(fake.logged, 0);
	net_start(1, 1);
	for (i = 0; i < SIZE; i++)
		fake_offer(&tx, 0);
	net_kick();
	reg_write(VIRTIO_MMIO_STATUS, 0);
	fake_log_clear(&fake);
	mmio_work(m);
	net_kick();
	assert_int_equal(fake.logged, 0);
	net_start(1, 1);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	mmio_work(m);
	assert_int_equal(fake.logged, 0);
}

/* A guest on another CPU that changes each descriptor as soon as it was read. */
static void spoil(struct fake_host *host, const struct fake_access *access)
{
	static uint64_t last;

	if (last)
		memset(fake_mem(host, last, 16), 0xff, 16);
	last = access->why.purpose == GUEST_DESC ? access->addr : 0;
}

static void descriptors_are_copied(void **state)
{
	(void)state;
	chain(&rx, 0, RX_DATA, 5, 1000);
	chain(&tx, 0, TX_DATA, 8, 64);
	fake.hook = spoil;
	net_kick();
	fake.hook = NULL;
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_packets", 1 }, { "rx_bytes", 60 });
	assert_received(RX_DATA, TX_DATA + 12, 60);
	assert_int_equal(fake_log_count(&fake, GUEST_DESC), 4);
}

static void queue_of_one(void **state)
{
	const uint16_t limit[] = { 1, 1 };
	uint16_t i;

	(void)state;
	mmio_destroy(m);
	rx = net_queue_at(BASE, 1);
	tx = net_queue_at(BASE + RINGS, 1);
	m = mmio_create(&net_loopback_ops, &fake.host, UINT64_MAX, limit);
	net_start(1, 1);
	for (i = 1; i < 4; i++) {
		chain(&rx, 0, RX_DATA, 2048);
		chain(&tx, 0, TX_DATA, 72);
		net_kick();
		assert_used(&rx, i, 0, 72);
		assert_used(&tx, i, 0, 0);
		assert_int_equal(mmio_state(m), DEVICE_WORK);
		mmio_work(m);
		assert_int_equal(mmio_state(m), DEVICE_IDLE);
	}
	expect({ "tx_packets", 3 }, { "tx_bytes", 180 }, { "rx_packets", 3 }, { "rx_bytes", 180 });
	chain(&tx, 0, TX_DATA, 72);
	fake_desc(&tx, 0, TX_DATA, 72, F_NEXT, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
}

static void longest_chain(void **state)
{
	uint16_t i;

	(void)state;
	tx.size = 256;
	rx.size = 256;
	net_start(1, 1);
	for (i = 0; i < 256; i++) {
		fake_desc(&tx, i, TX_DATA + i, 1, i < 255 ? F_NEXT : 0, (uint16_t)(i + 1));
		fake_desc(&rx, i, RX_DATA + i, 1, (uint16_t)(F_WRITE | (i < 255 ? F_NEXT : 0)),
			  (uint16_t)(i + 1));
	}
	fake_offer(&rx, 0);
	fake_offer(&tx, 0);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 244 }, { "rx_packets", 1 }, { "rx_bytes", 244 });
	assert_received(RX_DATA, TX_DATA + 12, 244);
	fake_desc(&tx, 255, TX_DATA, 1, F_NEXT, 0);
	fake_offer(&tx, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_int_equal(fake_log_count(&fake, GUEST_DESC), 3 * 256);
}

/* What the header asks for was not negotiated: the packet is not accepted (VIRTIO
 * 5.1.9.2.2), unless the device is to be as 1.3 has it. */
static void headers_that_ask(void **state)
{
	static const struct {
		uint8_t flags, gso_type;
		bool refused;
	} cases[] = {
		{ 0, 0, false },
		{ 0xf6, 0, false },
		{ VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, true },
		{ 8, 0, true }, /* UDP_TUNNEL_CSUM */
		{ 0, VIRTIO_NET_HDR_GSO_TCPV4, true },
		{ 0, VIRTIO_NET_HDR_GSO_UDP, true },
		{ 0, VIRTIO_NET_HDR_GSO_TCPV6, true },
		{ 0, 5, true }, /* GSO_UDP_L4 */
		{ 0, VIRTIO_NET_HDR_GSO_ECN, true },
		{ 1, 0x21, true }, /* a tunnel, and both */
		{ 1, 0x44, true },
		{ 1, 0x61, true },
		{ 0xff, 0xff, true },
	};
	uint8_t *header = fake_mem(&fake, TX_DATA, 12);
	const size_t count = sizeof(cases) / sizeof(cases[0]);

	(void)state;
	for (size_t i = 0; i < 2 * count; i++) {
		const bool refused = cases[i % count].refused && i < count;

		if (i == count)
			net_accept_any_header(mmio_device(m));
		/* Lengths and offsets past the frame mean nothing in either. */
		memset(header, 0xff, 10);
		header[0] = cases[i % count].flags;
		header[1] = cases[i % count].gso_type;
		chain(&tx, 0, TX_DATA, 72);
		if (!refused)
			chain(&rx, 0, RX_DATA, 2048);
		net_kick();
		assert_used(&tx, (uint16_t)(i + 1), 0, 0);
		if (refused) {
			expect({ "tx_chain_invalid", 1 });
			continue;
		}
		expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_packets", 1 },
		       { "rx_bytes", 60 });
		assert_received(RX_DATA, TX_DATA + 12, 60);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(identity, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(loopback, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(accesses, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(frame_sizes, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(header_splits, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(empty_descriptors, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(headers_that_ask, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(host_memory, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(interrupts, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(bounded_work, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(descriptors_are_copied, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(queue_of_one, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(longest_chain, net_setup, net_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
