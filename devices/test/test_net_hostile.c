/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * net-loopback with a driver that keeps no rule: each kind of bad chain and bad
 * ring, what it counts, and what the guest is left with.  VIRTIO 1.4, 5.1.
 */
#include <string.h>

#include "net_guest.h"

static void tx_chain_invalid(void **state)
{
	uint16_t used = 0;

	(void)state;
	chain(&rx, 0, RX_DATA, 2048);

	chain(&tx, 0, TX_DATA, 11); /* short */
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, TX_DATA, 12, 60); /* device-writable */
	fake_desc(&tx, 1, TX_DATA, 60, F_WRITE, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, TX_DATA, 12, 60); /* an empty one has a direction, too */
	fake_desc(&tx, 1, TX_DATA, 0, F_WRITE, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, TX_DATA, 12, 60); /* N4: next out of range */
	fake_desc(&tx, 1, TX_DATA, 60, F_NEXT, SIZE);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, TX_DATA, 12, 60); /* N4: a loop */
	fake_desc(&tx, 1, TX_DATA, 60, F_NEXT, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, TX_DATA, 12, 60); /* indirect */
	fake_desc(&tx, 1, TX_DATA, 64, VRING_DESC_F_INDIRECT, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, TX_DATA, 12, 60); /* the table cannot be read */
	fake.fail_nth[GUEST_DESC] = 2;
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	assert_int_equal(fake_log_count(&fake, GUEST_PAYLOAD), 0);
	assert_int_equal(fake.alloc_calls, 1);

	chain(&tx, 0, TX_DATA, 12, 60); /* addresses that wrap */
	fake_desc(&tx, 1, UINT64_MAX, 2, 0, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);
	assert_int_equal(fake_log_count(&fake, GUEST_PAYLOAD), 0);

	chain(&tx, 0, TX_DATA, 12, 60); /* the last byte there is: just not mapped */
	fake_desc(&tx, 1, UINT64_MAX, 1, 0, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, UNMAPPED, 12, 60); /* header */
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	chain(&tx, 0, TX_DATA, 12, 60, 10); /* frame */
	fake_desc(&tx, 2, UNMAPPED, 10, 0, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_used(&tx, ++used, 0, 0);

	assert_int_equal(fake_used_idx(&rx), 0);
	/* Returned, so signalled: once for each. */
	assert_int_equal(fake.interrupt_count, used);
}

static void tx_oversize(void **state)
{
	(void)state;
	chain(&rx, 0, RX_DATA, 70000);
	chain(&tx, 0, TX_DATA, 12, 65557);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 65557 }, { "rx_packets", 1 },
	       { "rx_bytes", 65557 });
	assert_received(RX_DATA, TX_DATA + 12, 65557);

	chain(&rx, 0, RX_DATA, 70000);
	fake_log_clear(&fake);
	chain(&tx, 0, TX_DATA, 12, 65558);
	net_kick();
	expect({ "tx_oversize_dropped", 1 });
	assert_used(&tx, 2, 0, 0);
	/* True lengths, all of them, whatever lies behind. */
	chain(&tx, 0, 0, UINT32_MAX - 1, UINT32_MAX - 1, UINT32_MAX - 1);
	net_kick();
	expect({ "tx_oversize_dropped", 1 });
	chain(&tx, 0, UNMAPPED, 0xfffffffe, 2, 12);
	net_kick();
	expect({ "tx_oversize_dropped", 1 });
	/* Invalid comes before oversize, wherever in the chain it is. */
	chain(&tx, 0, TX_DATA, 12, 70000, 1);
	fake_desc(&tx, 2, TX_DATA, 1, F_WRITE, 0);
	net_kick();
	expect({ "tx_chain_invalid", 1 });
	assert_int_equal(fake_log_count(&fake, GUEST_PAYLOAD), 0);
	assert_int_equal(fake_used_idx(&rx), 1);
}

static void no_rx_buffer(void **state)
{
	(void)state;
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_dropped_no_rx_buffer", 1 });
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	/* Not ready: its rings are not even looked at. */
	net_start(0, 1);
	chain(&rx, 0, RX_DATA, 2048);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_dropped_no_rx_buffer", 1 });
	/* A frame that was dropped does not come back. */
	net_start(1, 1);
	chain(&rx, 0, RX_DATA, 2048);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, NET_RX);
	net_kick();
	expect_none();
	assert_int_equal(fake_used_idx(&rx), 0);
	/* N8: no transmit queue. */
	net_start(1, 0);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "mmio_notify_ignored", 1 });
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK);
	assert_int_equal(fake.logged, 0);
	/* Stopped while live. */
	net_start(1, 1);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, NET_RX);
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	chain(&rx, 0, RX_DATA, 2048);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_dropped_no_rx_buffer", 1 });
}

static void rx_chain_invalid(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 9; i++) {
		chain(&rx, 0, RX_DATA, 12, 1000);
		switch (i) {
		case 0: /* N5: short */
			fake_desc(&rx, 0, RX_DATA, 11, F_WRITE, 0);
			break;
		case 1: /* device-readable */
			fake_desc(&rx, 1, RX_DATA, 1000, 0, 0);
			break;
		case 2: /* and empty */
			fake_desc(&rx, 0, RX_DATA, 0, F_NEXT, 1);
			break;
		case 3: /* N4: next out of range */
			fake_desc(&rx, 1, RX_DATA, 1000, F_WRITE | F_NEXT, SIZE);
			break;
		case 4: /* N4: a loop */
			fake_desc(&rx, 1, RX_DATA, 1000, F_WRITE | F_NEXT, 0);
			break;
		case 5:
			fake_desc(&rx, 1, RX_DATA, 1000, F_WRITE | VRING_DESC_F_INDIRECT, 0);
			break;
		case 6: /* wraps */
			fake_desc(&rx, 1, UINT64_MAX - 998, 1000, F_WRITE, 0);
			break;
		case 7: /* wraps, and is beyond what the frame needs */
			fake_desc(&rx, 0, RX_DATA, 500, F_WRITE | F_NEXT, 1);
			fake_desc(&rx, 1, UINT64_MAX, 2, F_WRITE, 0);
			break;
		case 8: /* the second descriptor of the second walk of this kick */
			fake.fail_nth[GUEST_DESC] = 3;
			break;
		}
		chain(&tx, 2, TX_DATA, 72);
		net_kick();
		expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_chain_invalid", 1 });
		assert_used(&rx, (uint16_t)(i + 1), 0, 0);
		assert_used(&tx, (uint16_t)(i + 1), 2, 0);
		assert_bytes(RX_DATA, 0xee, 0x1000);
	}
}

static void rx_frame_too_large(void **state)
{
	(void)state;
	/* N6 */
	chain(&rx, 0, RX_DATA, 12, 59);
	chain(&rx, 2, RX_DATA, 12, 60);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_frame_too_large", 1 });
	assert_used(&rx, 1, 0, 0);
	assert_bytes(RX_DATA, 0xee, 0x100);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_packets", 1 }, { "rx_bytes", 60 });
	assert_used(&rx, 2, 2, 72);
	/* More capacity than 32 bits hold. */
	chain(&rx, 0, RX_DATA, 72, 0, 0);
	fake_desc(&rx, 1, 0, UINT32_MAX, F_WRITE | F_NEXT, 2);
	fake_desc(&rx, 2, 0, UINT32_MAX, F_WRITE, 0);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_packets", 1 }, { "rx_bytes", 60 });
	/* A bad shape comes before the size. */
	chain(&rx, 0, RX_DATA, 12, 1);
	fake_desc(&rx, 1, RX_DATA, 1, 0, 0);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_chain_invalid", 1 });
}

/* After the write that fails, the first zeroing fails as well. */
static void fail_next_zero(struct fake_host *host, const struct fake_access *access)
{
	if (access->why.purpose == GUEST_PAYLOAD && host->fail_nth[GUEST_PAYLOAD] == 0)
		host->fail_nth[GUEST_PAYLOAD] = 1, host->hook = NULL;
}

static void rx_write_failed(void **state)
{
	uint32_t at;
	uint16_t used = 0;

	(void)state;
	/* The header in two pieces, the second of which is not there. */
	for (at = 0; at < 12; at++) {
		memset(fake_mem(&fake, RX_DATA, 256), 0xee, 256);
		chain(&rx, 0, RX_DATA, at, 12, 1000);
		fake_desc(&rx, 1, UNMAPPED, 12, F_WRITE | F_NEXT, 2);
		chain(&tx, 0, TX_DATA, 72);
		net_kick();
		expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_write_failed", 1 });
		assert_used(&rx, ++used, 0, 0);
		assert_bytes(RX_DATA, 0, at);
		assert_bytes(RX_DATA + at, 0xee, 64);
	}
	/* The header is there, the frame is not, or its second half is not. */
	for (at = 1; at <= 12; at++) {
		memset(fake_mem(&fake, RX_DATA, 256), 0xee, 256);
		chain(&rx, 0, RX_DATA, at, 12 - at, 0, 30, 30);
		fake_desc(&rx, at % 2 ? 3 : 4, UNMAPPED, 30,
			  (uint16_t)(F_WRITE | (at % 2 ? F_NEXT : 0)), 4);
		chain(&tx, 0, TX_DATA, 72);
		net_kick();
		expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_write_failed", 1 });
		assert_used(&rx, ++used, 0, 0);
		assert_bytes(RX_DATA, 0, 12);
		assert_bytes(RX_DATA + 42, 0xee, 64);
	}
	/* The last bytes of the address space: not mapped, but nothing wraps. */
	chain(&rx, 0, RX_DATA, 12, 60);
	fake_desc(&rx, 1, UINT64_MAX - 59, 60, F_WRITE, 0);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_write_failed", 1 });
	/* Zeroing touches only what was written, even if the header's second
	 * piece is where writes work again. */
	memset(fake_mem(&fake, RX_DATA, 256), 0xee, 256);
	chain(&rx, 0, RX_DATA, 4, 4, 4, 100);
	chain(&tx, 0, TX_DATA, 72);
	fake.fail_nth[GUEST_PAYLOAD] = 2 + 2; /* two reads of TX, two writes of RX */
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_write_failed", 1 });
	assert_bytes(RX_DATA, 0, 4);
	assert_bytes(RX_DATA + 4, 0xee, 64);
	/* A piece that cannot even be zeroed does not keep the next. */
	memset(fake_mem(&fake, RX_DATA, 256), 0xee, 256);
	chain(&rx, 0, RX_DATA, 4, 8, 100);
	chain(&tx, 0, TX_DATA, 72);
	fake.fail_nth[GUEST_PAYLOAD] = 2 + 3;
	fake.hook = fail_next_zero;
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_write_failed", 1 });
	assert_null(fake.hook);
	assert_bytes(RX_DATA + 4, 0, 8); /* num_buffers is in it */
	assert_bytes(RX_DATA + 12, 0xee, 64);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK);
}

static void used_ring_failures(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		enum guest_purpose purpose = i ? GUEST_USED_IDX : GUEST_USED_ENTRY;

		net_start(1, 1);
		chain(&rx, 0, RX_DATA, 2048);
		chain(&tx, 0, TX_DATA, 72);
		fake.fail_nth[purpose] = 1;
		net_kick();
		expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_add_used_failures", 1 });
		assert_int_equal(fake_used_idx(&rx), 0);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);

		net_start(1, 1);
		chain(&rx, 0, RX_DATA, 2048);
		chain(&tx, 0, TX_DATA, 72);
		fake.fail_nth[purpose] = 2;
		net_kick();
		expect({ "rx_packets", 1 }, { "rx_bytes", 60 }, { "tx_add_used_failures", 1 });
		assert_int_equal(fake_used_idx(&tx), 0);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);

		/* Nothing moved: nothing to signal. The drain goes on, though. */
		net_start(1, 1);
		chain(&tx, 0, TX_DATA, 11);
		fake.fail_nth[purpose] = 1;
		net_kick();
		expect({ "tx_chain_invalid", 1 }, { "tx_add_used_failures", 1 });
		assert_interrupts(0, 0);

		net_start(1, 1);
		chain(&rx, 0, RX_DATA, 11);
		chain(&tx, 0, TX_DATA, 72);
		chain(&tx, 1, TX_DATA, 12);
		fake.fail_nth[purpose] = 1;
		net_kick();
		expect({ "tx_packets", 2 }, { "tx_bytes", 60 }, { "rx_chain_invalid", 1 },
		       { "rx_add_used_failures", 1 }, { "tx_dropped_no_rx_buffer", 1 });
		assert_used(&tx, 2, 1, 0);
		assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK);
	}
}

static void tx_poisoned(void **state)
{
	(void)state;
	/* What was completed before is published and signalled first. */
	chain(&rx, 0, RX_DATA, 2048);
	chain(&tx, 0, TX_DATA, 72);
	fake_offer(&tx, SIZE); /* N7 */
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "rx_packets", 1 }, { "rx_bytes", 60 },
	       { "invalid_avail_idx_count", 1 });
	assert_interrupts(VIRTIO_MMIO_INT_VRING, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(reg_read(VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	/* Not walked again. */
	fake_log_clear(&fake);
	net_kick();
	mmio_work(m);
	expect_none();
	assert_int_equal(fake.logged, 0);
	assert_interrupts(0, 0);
	/* Until reset. */
	net_start(1, 1);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_dropped_no_rx_buffer", 1 });

	net_start(1, 1);
	fake_avail_set(&tx, SIZE + 1);
	net_kick();
	expect({ "invalid_avail_idx_count", 1 });
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
	net_start(1, 1);
	chain(&tx, 0, TX_DATA, 72);
	fake.fail_nth[GUEST_AVAIL_ENTRY] = 1;
	net_kick();
	expect({ "invalid_avail_idx_count", 1 });
	assert_int_equal(fake_used_idx(&tx), 0);
	net_start(1, 1);
	fake.fail_nth[GUEST_AVAIL_IDX] = 1;
	net_kick();
	expect({ "invalid_avail_idx_count", 1 });
}

static void rx_poisoned(void **state)
{
	(void)state;
	fake_avail_set(&rx, SIZE + 1);
	chain(&tx, 0, TX_DATA, 72);
	chain(&tx, 1, TX_DATA, 12);
	net_kick();
	/* The chain in hand ends, the drain with it. */
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_dropped_rx_poisoned", 1 },
	       { "invalid_avail_idx_count", 1 });
	assert_used(&tx, 1, 0, 0);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	mmio_work(m);
	expect_none();
	/* The next notification goes on, without RX, and does not signal again. */
	fake_avail_set(&rx, 0);
	chain(&tx, 2, TX_DATA, 13);
	net_kick();
	expect({ "tx_packets", 2 }, { "tx_bytes", 1 }, { "tx_dropped_rx_poisoned", 2 });
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	/* Stopping it does not make it less poisoned. */
	reg_write(VIRTIO_MMIO_QUEUE_SEL, NET_RX);
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	chain(&tx, 2, TX_DATA, 13);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 1 }, { "tx_dropped_rx_poisoned", 1 });
	fake.interrupt_count = 0;
	/* Then TX: a second queue, a second signal. */
	fake_avail_set(&tx, (uint16_t)(tx.avail_idx - 1));
	net_kick();
	expect({ "invalid_avail_idx_count", 1 });
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);

	/* RX moved, then became poisoned: it is not asked what it wants. */
	net_start(1, 1);
	fake_avail_flags(&tx, 1);
	chain(&rx, 0, RX_DATA, 2048);
	fake_offer(&rx, SIZE);
	chain(&tx, 0, TX_DATA, 72);
	chain(&tx, 1, TX_DATA, 72);
	chain(&tx, 2, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 2 }, { "tx_bytes", 120 }, { "rx_packets", 1 }, { "rx_bytes", 60 },
	       { "tx_dropped_rx_poisoned", 1 }, { "invalid_avail_idx_count", 1 });
	assert_interrupts(VIRTIO_MMIO_INT_VRING, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(fake_log_count(&fake, GUEST_AVAIL_FLAGS), 1);
	/* At the bound of the drain it ends the drain, too. */
	tx.size = 1;
	net_start(1, 1);
	fake_avail_set(&rx, SIZE + 1);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_dropped_rx_poisoned", 1 },
	       { "invalid_avail_idx_count", 1 });
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	tx.size = SIZE;
	/* With suppression, only the poison is heard of. */
	net_start(1, 1);
	fake_avail_flags(&tx, 1);
	fake_avail_set(&rx, SIZE + 1);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_dropped_rx_poisoned", 1 },
	       { "invalid_avail_idx_count", 1 });
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tx_chain_invalid, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(tx_oversize, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(no_rx_buffer, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(rx_chain_invalid, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(rx_frame_too_large, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(rx_write_failed, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(used_ring_failures, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(tx_poisoned, net_setup, net_teardown),
		cmocka_unit_test_setup_teardown(rx_poisoned, net_setup, net_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
