/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * net-host as a VMM uses it: connecting, backends that are odd or not there, and
 * interceptors of other kinds than the metadata service.  What a guest sees of it
 * is in conformance/net-host/.
 */
#include <errno.h>
#include <string.h>

#include "../snapshot.h"
#include "net_guest.h"

#define ROOM 128u

/* A backend: what it was sent last, and `waits` frames of `len` bytes. */
static struct backend {
	uint8_t sent[ROOM];
	uint32_t sent_len;
	unsigned sends, asked;
	uint32_t waits, claims; /* ... and those that it only claims to have */
	int64_t len, taken;	/* more than there is: all */
} backend;

static int64_t backend_send(void *ctx, const uint8_t *frame, uint32_t len)
{
	struct backend *b = ctx;

	b->sends++;
	b->sent_len = len;
	memcpy(b->sent, frame, len < ROOM ? len : ROOM);
	return b->taken;
}

static uint32_t backend_waiting(void *ctx)
{
	((struct backend *)ctx)->asked++;
	return ((struct backend *)ctx)->waits + ((struct backend *)ctx)->claims;
}

static int64_t backend_receive(void *ctx, uint8_t *frame, uint32_t room)
{
	struct backend *b = ctx;

	if (b->waits == 0)
		return -EAGAIN;
	b->waits--;
	if (b->len > 0)
		memset(frame, 0x42, b->len < room ? (size_t)b->len : room);
	return b->len;
}

static const struct net_backend backend_calls = { backend_send, backend_waiting, backend_receive };

static const uint8_t mac[ETH_ALEN] = { 2, 4, 6, 8, 10, 12 };
static struct net_host_config config;

static int setup(void **state)
{
	assert_int_equal(net_setup(state), 0);
	mmio_destroy(m);
	backend = (struct backend){ .taken = INT64_MAX };
	config = (struct net_host_config){
		.mac = mac,
		.backend = &backend_calls,
		.backend_ctx = &backend,
	};
	m = mmio_create(&net_host_ops, &fake.host, UINT64_MAX, NULL);
	assert_non_null(m);
	return 0;
}

static void connect(void)
{
	assert_int_equal(net_host_connect(mmio_device(m), &config), 0);
	net_start(1, 1);
}

static void what_is_configured_is_offered(void **state)
{
	struct device *dev = mmio_device(m);

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)VIRTQUEUE_FEATURES);
	assert_int_equal(net_host_connect(dev, &config), 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)VIRTQUEUE_FEATURES | 1u << VIRTIO_NET_F_MAC);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG), 0x08060402);

	mmio_destroy(m);
	m = mmio_create(&net_host_ops, &fake.host, UINT64_MAX, NULL);
	config.mac = NULL;
	config.mtu = NET_MTU_MIN;
	assert_int_equal(net_host_connect(mmio_device(m), &config), 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES),
			 (uint32_t)VIRTQUEUE_FEATURES | 1u << VIRTIO_NET_F_MTU);
	assert_int_equal(reg_read(VIRTIO_MMIO_CONFIG + 8) >> 16, NET_MTU_MIN);

	/* What the transport was told not to offer stays so. */
	mmio_destroy(m);
	m = mmio_create(&net_host_ops, &fake.host, 0, NULL);
	config.mac = mac;
	assert_int_equal(net_host_connect(mmio_device(m), &config), 0);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES), 0);
}

static void what_cannot_be_connected(void **state)
{
	struct device *dev = mmio_device(m);

	(void)state;
	config.mtu = NET_MTU_MIN - 1;
	assert_int_equal(net_host_connect(dev, &config), -EINVAL);
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)VIRTQUEUE_FEATURES);
	config.mtu = 0;
	reg_write(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	assert_int_equal(net_host_connect(dev, &config), -EBUSY);
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(net_host_connect(dev, &config), 0);
	assert_int_equal(net_host_connect(dev, &config), -EBUSY);
}

static void creation_without_host_memory(void **state)
{
	(void)state;
	for (unsigned allocs = 0; allocs < 2; allocs++) {
		unsigned blocks = fake.blocks;

		fake.allocs_left = allocs;
		assert_null(mmio_create(&net_host_ops, &fake.host, UINT64_MAX, NULL));
		assert_int_equal(fake.blocks, blocks);
	}
}

/* Nobody is there: what is sent is refused, and nothing comes. */
static void without_a_backend(void **state)
{
	(void)state;
	config.backend = NULL;
	connect();
	chain(&tx, 0, TX_DATA, 72);
	chain(&rx, 0, RX_DATA, 2048);
	net_kick();
	net_host_poll(mmio_device(m));
	assert_used(&tx, 1, 0, 0);
	assert_int_equal(fake_used_idx(&rx), 0);
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_refused", 1 });
}

static void without_an_interceptor(void **state)
{
	static const uint8_t to_mmds[ETH_ALEN] = { 0x06, 0x01, 0x23, 0x45, 0x67, 0x01 };

	(void)state;
	connect();
	memcpy(fake_mem(&fake, TX_DATA + 12, ETH_ALEN), to_mmds, ETH_ALEN);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_sent", 1 });
	assert_int_equal(backend.sent_len, 60);
	assert_memory_equal(backend.sent, fake_mem(&fake, TX_DATA + 12, 60), 60);
}

static void poll_before_and_after_driver_ok(void **state)
{
	(void)state;
	backend.waits = 1;
	backend.len = 64;
	assert_int_equal(net_host_connect(mmio_device(m), &config), 0);
	net_host_poll(mmio_device(m));
	assert_int_equal(backend.asked, 0);
	net_start(1, 1);
	chain(&rx, 0, RX_DATA, 2048);
	net_host_poll(mmio_device(m));
	assert_used(&rx, 1, 0, 76);
	assert_bytes(RX_DATA + 12, 0x42, 64);
	expect({ "host_frames", 1 }, { "rx_packets", 1 }, { "rx_bytes", 64 });
}

/* More than was asked, or nothing: the first is whole, the second a refusal. */
static void odd_results_of_a_send(void **state)
{
	static const struct {
		int64_t taken;
		const char *counter;
	} cases[] = {
		{ 61, "tx_sent" },   { INT64_MAX, "tx_sent" },	{ 59, "tx_sent_short" },
		{ 0, "tx_refused" }, { -EAGAIN, "tx_refused" }, { INT64_MIN, "tx_refused" },
	};

	(void)state;
	connect();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		backend.taken = cases[i].taken;
		chain(&tx, 0, TX_DATA, 72);
		net_kick();
		expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { cases[i].counter, 1 });
	}
}

static void odd_lengths_from_a_backend(void **state)
{
	static const int64_t oversize[] = { 1523, UINT32_MAX, INT64_C(1) << 32, INT64_MAX };

	(void)state;
	connect();
	chain(&rx, 0, RX_DATA, 2048);
	for (unsigned i = 0; i < sizeof(oversize) / sizeof(oversize[0]); i++) {
		backend.waits = 1;
		backend.len = oversize[i];
		net_host_poll(mmio_device(m));
		expect({ "host_frames", 1 }, { "host_frames_oversize", 1 });
	}
	backend.waits = 5;
	backend.len = INT64_MIN;
	net_host_poll(mmio_device(m));
	expect_none();
	backend.waits = 1;
	backend.len = 1522;
	net_host_poll(mmio_device(m));
	assert_used(&rx, 1, 0, 1534);
}

/* An interceptor that has more to say than there is room for, or nothing. */
static int reply_len;

static enum net_verdict answer_all(void *ctx, const uint8_t *frame, uint32_t len)
{
	(void)ctx;
	(void)frame;
	(void)len;
	return NET_REPLY;
}

static int reply_so_much(void *ctx, const uint8_t *frame, uint32_t len, uint8_t *reply,
			 uint32_t room)
{
	(void)ctx;
	(void)frame;
	(void)len;
	assert_int_equal(room, 1522);
	memset(reply, 0x33, room);
	return reply_len;
}

static void replies_that_do_not_fit(void **state)
{
	static const struct net_interceptor interceptor = { answer_all, reply_so_much };

	(void)state;
	config.interceptor = &interceptor;
	connect();
	chain(&rx, 0, RX_DATA, 2048);
	for (int i = 0; i < 40; i++) {
		reply_len = i % 2 ? -ENOSPC : 0;
		chain(&tx, 0, TX_DATA, 72);
		net_kick();
		expect({ "tx_packets", 1 }, { "tx_bytes", 60 }, { "tx_answered", 1 },
		       { "replies_lost", 1 });
	}
	reply_len = 1522;
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	assert_used(&rx, 1, 0, 1534);
	assert_bytes(RX_DATA + 12, 0x33, 1522);
	reply_len = 1;
	chain(&rx, 0, RX_DATA, 2048);
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	assert_used(&rx, 2, 0, 13);
	assert_int_equal(backend.sends, 0);
}

/* It has none, however often it is asked: that is no work. */
static void a_backend_that_always_claims_some(void **state)
{
	(void)state;
	connect();
	chain(&rx, 0, RX_DATA, 2048);
	backend.claims = 5;
	backend.asked = 0;
	net_host_poll(mmio_device(m));
	assert_int_equal(backend.asked, 1);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

static void the_steady_state_allocates_nothing(void **state)
{
	unsigned calls = 0;

	(void)state;
	connect();
	backend.len = 64;
	for (int i = 0; i < 1000; i++) {
		if (i == 1)
			calls = fake.alloc_calls;
		backend.waits = 4;
		net_host_poll(mmio_device(m));
		chain(&tx, 0, TX_DATA, 72);
		net_kick();
		for (int j = 0; j < 4; j++)
			chain(&rx, 0, RX_DATA, 2048);
		reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, NET_RX);
	}
	assert_int_equal(fake_used_idx(&rx), 4000);
	assert_int_equal(fake.alloc_calls, calls);
}

static void renew(uint16_t mtu)
{
	mmio_destroy(m);
	m = mmio_create(&net_host_ops, &fake.host, UINT64_MAX, NULL);
	assert_non_null(m);
	config.mtu = mtu;
	if (mtu > 0)
		assert_int_equal(net_host_connect(mmio_device(m), &config), 0);
}

/* A frame that waits, into a device that is connected to less, to nothing, and as the
 * one that was saved. */
static void snapshots_of_a_frame_that_waits(void **state)
{
	static uint8_t saved[4096];
	struct snapshot_error error;
	size_t len;

	(void)state;
	connect();
	backend.waits = 1;
	backend.len = 1522;
	net_host_poll(mmio_device(m));
	len = snapshot_save(m, saved, sizeof(saved));
	assert_true(len <= sizeof(saved));
	renew(1400);
	assert_int_equal(snapshot_restore(m, saved, len, &error), -EINVAL);
	assert_string_equal(error.what, "larger than its buffer");
	assert_int_equal(error.at, len - 1 - 1522 - 4);
	renew(0);
	assert_int_equal(snapshot_restore(m, saved, len, &error), -EINVAL);
	assert_string_equal(error.what, "FEATURES_OK with features that are not offered");
	renew(1500);
	assert_int_equal(snapshot_restore(m, saved, len, &error), 0);
	assert_int_equal(net_host_connect(mmio_device(m), &config), -EBUSY);
	chain(&rx, 0, RX_DATA, 2048);
	net_host_poll(mmio_device(m));
	assert_used(&rx, 1, 0, 1534);
	assert_bytes(RX_DATA + 12, 0x42, 1522);
}

/* Restored before it was connected it stays as it is. */
static void a_restored_device_is_not_connected(void **state)
{
	static uint8_t saved[4096];
	struct snapshot_error error;
	size_t len;

	(void)state;
	len = snapshot_save(m, saved, sizeof(saved));
	renew(0);
	assert_int_equal(snapshot_restore(m, saved, len, &error), 0);
	assert_int_equal(net_host_connect(mmio_device(m), &config), -EBUSY);
}

/* There is no memory for the buffer that the old one kept: it can be connected still. */
static void a_device_that_was_not_restored_is_connected(void **state)
{
	static uint8_t saved[4096];
	struct snapshot_error error;
	size_t len;

	(void)state;
	connect();
	chain(&tx, 0, TX_DATA, 72);
	net_kick();
	reg_write(VIRTIO_MMIO_STATUS, 0);
	len = snapshot_save(m, saved, sizeof(saved));
	renew(0);
	fake.allocs_left = 0;
	assert_int_equal(snapshot_restore(m, saved, len, &error), -ENOMEM);
	assert_int_equal(net_host_connect(mmio_device(m), &config), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_configured_is_offered, setup, net_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_connected, setup, net_teardown),
		cmocka_unit_test_setup_teardown(creation_without_host_memory, setup, net_teardown),
		cmocka_unit_test_setup_teardown(without_a_backend, setup, net_teardown),
		cmocka_unit_test_setup_teardown(without_an_interceptor, setup, net_teardown),
		cmocka_unit_test_setup_teardown(poll_before_and_after_driver_ok, setup,
						net_teardown),
		cmocka_unit_test_setup_teardown(odd_results_of_a_send, setup, net_teardown),
		cmocka_unit_test_setup_teardown(odd_lengths_from_a_backend, setup, net_teardown),
		cmocka_unit_test_setup_teardown(replies_that_do_not_fit, setup, net_teardown),
		cmocka_unit_test_setup_teardown(a_backend_that_always_claims_some, setup,
						net_teardown),
		cmocka_unit_test_setup_teardown(snapshots_of_a_frame_that_waits, setup,
						net_teardown),
		cmocka_unit_test_setup_teardown(a_restored_device_is_not_connected, setup,
						net_teardown),
		cmocka_unit_test_setup_teardown(a_device_that_was_not_restored_is_connected, setup,
						net_teardown),
		cmocka_unit_test_setup_teardown(the_steady_state_allocates_nothing, setup,
						net_teardown),
	};

	return cmocka_run_group_tests_name("net_host", tests, NULL, NULL);
}
