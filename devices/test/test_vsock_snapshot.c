/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Snapshots of the socket device: what it has goes into a new one, and what cannot be is refused.
 */
#include <limits.h>
#include <string.h>

#include "../snapshot.h"
#include "vsock_guest.h"

#define SAVED_MAX (1u << 16)

/* Bytes and messages of both directions, an answer, an event, a REQUEST that is out. */
static size_t save_all(uint8_t *bytes)
{
	size_t len;

	sock_give(3, ROOM_LEN);
	open_flow(&stream, 10);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 30, 0);
	open_flow(&messages, 4);
	sock_say(&messages, VIRTIO_VSOCK_OP_RW, 6, VIRTIO_VSOCK_SEQ_EOM);
	host_sends(&stream, 25);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 10);
	host_sends(&messages, 9);
	vsock_connect(sockets, 2000, 3000);
	sock_guest.alloc = 10;
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_SEND);
	len = snapshot_save(m, bytes, SAVED_MAX);
	assert_true(len < SAVED_MAX);
	return len;
}

static void replace(const uint8_t *bytes, size_t len)
{
	struct snapshot_error error;

	mmio_destroy(m);
	assert_int_equal(fake.blocks, 0);
	m = mmio_create(&vsock_ops, &fake.host, UINT64_MAX, NULL);
	sockets = mmio_device(m);
	/* Cut anywhere it is refused, and leaves nothing. */
	for (size_t cut = 0; cut < len; cut++)
		assert_int_not_equal(snapshot_restore(m, bytes, cut, &error), 0);
	assert_int_equal(snapshot_restore(m, bytes, len, &error), 0);
}

static void saved(void **state)
{
	static uint8_t bytes[SAVED_MAX], again[SAVED_MAX];
	const struct vsock_flow client = { 2000, 3000, VIRTIO_VSOCK_TYPE_STREAM };
	size_t len = save_all(bytes);
	uint32_t flags;

	(void)state;
	replace(bytes, len);
	assert_int_equal(snapshot_save(m, again, sizeof(again)), len);
	assert_memory_equal(again, bytes, len);
	assert_int_equal(sock_counter("connections"), 3);
	assert_int_equal(host_takes(&stream, VSOCK_BUFFER, NULL), 30);
	assert_int_equal(host_takes(&messages, 100, &flags), 6);
	assert_int_equal(flags, VIRTIO_VSOCK_SEQ_EOM);
	sock_give(8, ROOM_LEN);
	hear(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	hear(&messages, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	hear(&client, VIRTIO_VSOCK_OP_REQUEST, 0);
	hear(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	hear(&messages, VIRTIO_VSOCK_OP_RW, 4);
	hear(&messages, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	hear_nothing();
	sock_guest.fwd = 4;
	sock_guest.alloc = 4;
	sock_say(&messages, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	assert_int_equal(hear(&messages, VIRTIO_VSOCK_OP_RW, 4)->flags, 0);
}

/* One byte of it is another: it is refused, or is a device that goes on. */
static void changed(void **state)
{
	static uint8_t bytes[SAVED_MAX];
	struct snapshot_error error;
	size_t len = save_all(bytes);
	unsigned refused = 0;

	(void)state;
	for (size_t at = 0; at < len; at++) {
		struct mmio *other;

		fake.allocs_left = UINT_MAX;
		other = mmio_create(&vsock_ops, &fake.host, UINT64_MAX, NULL);
		bytes[at] ^= 0x81;
		if (snapshot_restore(other, bytes, len, &error)) {
			refused++;
			assert_true(error.at <= len);
		} else {
			vsock_poll(mmio_device(other));
		}
		bytes[at] ^= 0x81;
		mmio_destroy(other);
	}
	assert_true(refused > len / 4);
}

/* Where the connection of that flow is in a snapshot: behind the answers, which have flows too. */
static uint8_t *connection_in(uint8_t *bytes, size_t len, const struct vsock_flow *flow)
{
	const uint8_t wanted[] = { (uint8_t)flow->host_port,
				   (uint8_t)(flow->host_port >> 8),
				   0,
				   0,
				   (uint8_t)flow->guest_port,
				   0,
				   0,
				   0,
				   (uint8_t)flow->type,
				   0 };

	for (size_t at = len - sizeof(wanted); at > 0; at--)
		if (memcmp(bytes + at, wanted, sizeof(wanted)) == 0)
			return bytes + at + sizeof(wanted);
	fail();
	return NULL;
}

/* State, what the guest and the host shut down, what the guest was told: what cannot be with the
 * bytes that are there. */
static void saved_as_cannot_be(void **state)
{
	static uint8_t bytes[SAVED_MAX];
	static const uint8_t cases[][4] = {
		{ 1, 0, 0, 0 },			/* not answered yet, and bytes from the guest */
		{ 0, 0, 0, 0 }, { 3, 0, 3, 0 }, /* closing, and bytes */
		{ 2, 1, 0, 0 },			/* the guest takes no more, and bytes for it */
		{ 2, 3, 0, 0 }, { 4, 0, 0, 0 }, /* no state */
		{ 2, 4, 0, 0 },			/* no such direction */
		{ 2, 0, 1, 2 },			/* told of what was not shut down */
		{ 3, 0, 1, 0 },			/* closing in one direction */
	};
	struct snapshot_error error;
	size_t len = save_all(bytes);
	uint8_t *at = connection_in(bytes, len, &stream), was[4];

	(void)state;
	memcpy(was, at, 4);
	assert_int_equal(was[0], 2);
	assert_int_equal(was[1], VIRTIO_VSOCK_SHUTDOWN_SEND);
	mmio_destroy(m);
	m = mmio_create(&vsock_ops, &fake.host, UINT64_MAX, NULL);
	sockets = mmio_device(m);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(at, cases[i], 4);
		assert_int_not_equal(snapshot_restore(m, bytes, len, &error), 0);
		assert_in_range(error.at, at - bytes, len - 1);
	}
	memcpy(at, was, 4);
	assert_int_equal(snapshot_restore(m, bytes, len, &error), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, vsock_guest_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(saved),
		TEST(saved_as_cannot_be),
		TEST(changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
