/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The end of connections of the socket device, by either side, and those that the host asks for.
 * VIRTIO 1.4, 5.10.6.5.
 */
#include <endian.h>

#include "vsock_guest.h"

static const struct vsock_flow client = { 2000, 3000, VIRTIO_VSOCK_TYPE_STREAM };

/* RST once the guest has shut it down both ways, and the host has what was sent. */
static void shutdown_by_the_guest(void **state)
{
	(void)state;
	sock_give(8, ROOM_LEN);
	open_flow(&stream, 100);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 20, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_RCV);
	hear_nothing();
	assert_int_equal(host_sends(&stream, 5), 0);
	/* What was said once holds. */
	sock_say(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_SEND);
	hear_nothing();
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	assert_int_equal(host_takes(&stream, VSOCK_BUFFER, NULL), 20);
	hear(&stream, VIRTIO_VSOCK_OP_RST, 0);
	hear_nothing();
	assert_int_equal(sock_counter("connections"), 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	assert_false(vsock_find(sockets, 1024, 0, &(struct vsock_flow){ 0 }));
}

/* The device itself owes the RST, and no buffer is there: it is at rest until one comes. */
static void shutdown_without_room(void **state)
{
	(void)state;
	sock_give(1, ROOM_LEN);
	open_flow(&stream, 100);
	sock_say(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0, 3);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	assert_int_equal(sock_counter("connections"), 1);
	sock_give(1, ROOM_LEN);
	hear(&stream, VIRTIO_VSOCK_OP_RST, 0);
	assert_int_equal(sock_counter("connections"), 0);
}

static void shutdown_by_the_host(void **state)
{
	(void)state;
	sock_give(8, ROOM_LEN);
	open_flow(&stream, 3);
	assert_int_equal(host_sends(&stream, 5), 5);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 3);
	hear(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	vsock_shutdown(sockets, &stream, 3);
	vsock_poll(sockets);
	/* That nothing more comes is said behind the last byte. */
	assert_int_equal(le32toh(hear(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0)->flags),
			 VIRTIO_VSOCK_SHUTDOWN_RCV);
	assert_int_equal(host_sends(&stream, 1), 0);
	sock_guest.fwd = 3;
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 2);
	assert_int_equal(le32toh(hear(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0)->flags), 3);
	/* It was on its way: dropped, and counted. */
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 9, 0);
	hear(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	assert_int_equal(sock_counter("output_dropped"), 9);
	sock_say(&stream, VIRTIO_VSOCK_OP_RST, 0, 0);
	hear_nothing();
	assert_int_equal(sock_counter("connections"), 0);
}

static void close_by_the_host(void **state)
{
	(void)state;
	sock_give(8, ROOM_LEN);
	open_flow(&stream, 3);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 9, 0);
	host_sends(&stream, 2);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 2);
	vsock_close(sockets, &stream);
	assert_int_equal(vsock_send(sockets, &stream, "x", 1, 0), 0);
	vsock_poll(sockets);
	assert_int_equal(le32toh(hear(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0)->flags), 3);
	hear(&stream, VIRTIO_VSOCK_OP_RST, 0);
	assert_int_equal(sock_counter("connections"), 0);
	assert_int_equal(sock_counter("output_dropped"), 9);
	vsock_close(sockets, &stream);
	vsock_poll(sockets);
	hear_nothing();
}

static void asked_by_the_host(void **state)
{
	(void)state;
	sock_give(8, ROOM_LEN);
	assert_int_equal(vsock_connect(sockets, 2000, 3000), 0);
	assert_int_equal(vsock_connect(sockets, 2000, 3000), -EADDRINUSE);
	assert_int_equal(host_sends(&client, 5), 5);
	hear(&client, VIRTIO_VSOCK_OP_REQUEST, 0);
	hear_nothing();
	sock_say(&client, VIRTIO_VSOCK_OP_RESPONSE, 0, 0);
	hear(&client, VIRTIO_VSOCK_OP_RW, 5);
	sock_say(&client, VIRTIO_VSOCK_OP_RST, 0, 0);
	hear_nothing();
	/* The guest does not want it. */
	assert_int_equal(vsock_connect(sockets, 2000, 3000), 0);
	assert_int_equal(host_sends(&client, 5), 5);
	hear(&client, VIRTIO_VSOCK_OP_REQUEST, 0);
	sock_say(&client, VIRTIO_VSOCK_OP_RST, 0, 0);
	hear_nothing();
	assert_int_equal(sock_counter("input_dropped"), 5);
	/* The host gives it up: before the guest has heard of it, and behind that. */
	assert_int_equal(vsock_connect(sockets, 2000, 3000), 0);
	vsock_close(sockets, &client);
	vsock_poll(sockets);
	hear_nothing();
	assert_int_equal(vsock_connect(sockets, 2000, 3000), 0);
	vsock_poll(sockets);
	hear(&client, VIRTIO_VSOCK_OP_REQUEST, 0);
	vsock_close(sockets, &client);
	vsock_poll(sockets);
	hear(&client, VIRTIO_VSOCK_OP_RST, 0);
	assert_int_equal(sock_counter("connections"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, vsock_guest_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shutdown_by_the_guest), TEST(shutdown_without_room),
		TEST(shutdown_by_the_host),  TEST(close_by_the_host),
		TEST(asked_by_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
