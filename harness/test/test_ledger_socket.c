/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a socket device may do that looks wrong, and what is not known of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_vsock.h>

#include "ledger_rig.h"
#include "ledger_socket_rig.h"

static int setup(void **state)
{
	(void)state;
	rig_new();
	return 0;
}

static void assert_silent_at_rest(void)
{
	all_is_sent();
	assert_silent();
}

/* What was sent on the older credit may come after the newer was read, until it rests. */
static void credit_taken_back_may_be_used_until_rest(void **state)
{
	const struct packet less = { .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .buf_alloc = 2 };
	const struct packet bytes = { .op = VIRTIO_VSOCK_OP_RW, .len = 8 };

	connect_guest(0, 8);
	guest_sends(less);
	guest_is_sent(bytes);
	assert_silent_at_rest();
	setup(state);
	connect_guest(0, 8);
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_REQUEST });
	all_is_sent();
	guest_sends(less);
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_REQUEST });
	all_is_sent();
	device_works();
	guest_is_sent(bytes);
	all_is_sent();
	assert_breaks(RULE_VSOCK_CREDIT);
}

/* A guest that had more than it was sent is 2^32 behind. */
static void credit_that_wraps_has_no_end(void **state)
{
	(void)state;
	connect_guest(0, 8);
	guest_sends((struct packet){
		.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .buf_alloc = 2, .fwd_cnt = 9 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 60 });
	assert_silent_at_rest();
}

static void rst_has_no_answer(void **state)
{
	(void)state;
	socket_new();
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	all_is_sent();
	assert_breaks(RULE_VSOCK_HEADER);
}

static void bytes_of_no_connection_are_wrong(void **state)
{
	(void)state;
	socket_new();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 1 });
	all_is_sent();
	assert_breaks(RULE_VSOCK_HEADER);
}

/* Whether there is a connection then, it alone knows, until the guest's RST. */
static void a_second_request_leaves_it_to_the_device(void **state)
{
	(void)state;
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_REQUEST });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 60 });
	assert_silent_at_rest();
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	on = RX;
	avail_idx(4);
	assert_silent_at_rest();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 1 });
	all_is_sent();
	assert_breaks(RULE_VSOCK_HEADER);
}

static void fwd_cnt_never_goes_back(void **state)
{
	(void)state;
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 4 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .fwd_cnt = 3 });
	/* This one was made before that. */
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .fwd_cnt = 2 });
	assert_silent_at_rest();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .fwd_cnt = 2 });
	all_is_sent();
	assert_breaks(RULE_VSOCK_COUNT);
}

/* Bytes are bytes, also behind a header that has no use for them. */
static void fwd_cnt_may_count_bytes_of_any_packet(void **state)
{
	(void)state;
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .len = 4 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .fwd_cnt = 4 });
	assert_silent_at_rest();
}

/* RESPONSE on a connection that there is, RW beyond the credit, a counter that goes back: all
 * the same the device may go by what it was told before. */
static void credit_of_a_wrong_packet_may_be_left_unheeded(void **state)
{
	static const struct packet wrong[] = {
		{ .op = VIRTIO_VSOCK_OP_RESPONSE, .buf_alloc = 2 },
		{ .op = VIRTIO_VSOCK_OP_RW, .len = 16, .buf_alloc = 2 },
		{ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .len = 1, .buf_alloc = 2 },
		{ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .buf_alloc = 8, .fwd_cnt = UINT32_MAX },
	};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		setup(state);
		connect_guest(0, 8);
		guest_sends(wrong[i]);
		guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_REQUEST });
		all_is_sent();
		device_works();
		guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 8 });
		assert_silent_at_rest();
	}
}

/* Only a connected socket hears of the guest's end of receiving (5.10.6.5). */
static void a_shutdown_before_the_answer_may_be_left_unheeded(void **state)
{
	(void)state;
	socket_new();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_REQUEST });
	all_is_sent();
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 3 });
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RESPONSE, .buf_alloc = 8 });
	assert_silent_at_rest();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 8 });
	assert_silent_at_rest();
}

static void nothing_may_be_sent_after_the_end(void **state)
{
	(void)state;
	connect_guest(0, 8);
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 2 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW });
	assert_silent_at_rest();
}

/* It waits for RST, and for nothing else. */
static void a_device_that_is_done_need_not_answer(void **state)
{
	const struct packet shut = { .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 3 };
	const struct packet ask = { .op = VIRTIO_VSOCK_OP_CREDIT_REQUEST };

	(void)state;
	connect_guest(0, 8);
	guest_sends(ask);
	guest_sends(shut);
	guest_is_sent(shut);
	guest_sends(ask);
	guest_sends(shut);
	on = RX;
	avail_idx(4);
	assert_silent_at_rest();
}

/* Connections of one pair of ports to the host and to somebody else. */
static void another_cid_may_have_the_same_ports(void **state)
{
	(void)state;
	socket_new();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_REQUEST });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_REQUEST, .host = 5 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 3, .host = 5 });
	assert_silent_at_rest();
	setup(state);
	socket_new();
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_REQUEST, .buf_alloc = 8, .host = 5 });
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RESPONSE, .host = 5 });
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	assert_silent_at_rest();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 8, .host = 5 });
	assert_silent_at_rest();
}

/* The host may keep what it has not taken: RST is due once fwd_cnt says that it has all. */
static void an_end_waits_for_what_was_not_taken(void **state)
{
	const struct packet shut = { .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 3 };

	(void)state;
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 4 });
	guest_sends(shut);
	assert_silent_at_rest();
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .fwd_cnt = 4 });
	all_is_sent();
	assert_breaks(RULE_VSOCK_ANSWER);
}

static void guest_writes(uint32_t port, const char *bytes)
{
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW,
				     .len = (uint32_t)strlen(bytes),
				     .bytes = bytes,
				     .port = port });
	all_is_sent();
}

static void host_takes(const char *bytes)
{
	host(HOST_TAKE, bytes, (uint32_t)strlen(bytes), (uint32_t)strlen(bytes));
	rest(DEVICE_IDLE);
}

static void connect_another(uint32_t port)
{
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_REQUEST, .port = port, .buf_alloc = 8 });
	guest_is_sent(
		(struct packet){ .op = VIRTIO_VSOCK_OP_RESPONSE, .port = port, .buf_alloc = 64 });
	all_is_sent();
}

/* Which connection a byte is of is not known: the third can be of either. */
static void bytes_of_two_connections_may_be_mixed(void **state)
{
	(void)state;
	connect_port(8);
	connect_another(98);
	guest_writes(99, "abac");
	guest_writes(98, "abx");
	host_takes("aba");
	host_takes("bac");
	assert_silent();
	host_takes("x");
	assert_silent();
	guest_writes(98, "yz");
	host_takes("z");
	assert_breaks(RULE_VSOCK_ORDER);
}

/* Whose end came may have lost what was left, and the next one has other bytes. */
static void bytes_may_be_left_of_a_connection_that_ended(void **state)
{
	(void)state;
	connect_port(8);
	guest_writes(99, "abc");
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	on = RX;
	avail_idx(3);
	all_is_sent();
	connect_another(98);
	guest_writes(98, "xy");
	host_takes("xa");
	host_takes("y");
	assert_silent();
	host_takes("c");
	assert_breaks(RULE_VSOCK_ORDER);
}

/* RW beyond the room that the guest was told of, and after its SHUTDOWN. */
static void the_guest_can_make_a_gap_itself(void **state)
{
	(void)state;
	connect_port(8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 65 });
	guest_writes(99, "ab");
	host_takes("b");
	assert_silent();
	setup(state);
	connect_port(8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 2 });
	guest_writes(99, "ab");
	host_takes("b");
	assert_silent();
}

static void typed_bytes_come_in_order(void **state)
{
	const struct packet next = { .op = VIRTIO_VSOCK_OP_RW, .len = 3, .bytes = "cde" };

	(void)state;
	connect_port(8);
	host(HOST_TYPE, "abcdef", 6, 5);
	device_works();
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 2, .bytes = "ab" });
	guest_is_sent(next);
	assert_silent_at_rest();
	host(HOST_TYPE, "xcde", 4, 4);
	device_works();
	guest_is_sent(next);
	all_is_sent();
	assert_breaks(RULE_VSOCK_ORDER);
}

/* To which of two connections the bytes go is the host's affair. */
static void typed_bytes_may_go_to_either_connection(void **state)
{
	(void)state;
	connect_port(8);
	connect_another(98);
	host(HOST_TYPE, "ab", 2, 2);
	device_works();
	guest_is_sent(
		(struct packet){ .op = VIRTIO_VSOCK_OP_RW, .port = 98, .len = 1, .bytes = "b" });
	assert_silent_at_rest();
}

static void nothing_is_said_after_an_access_failed(void **state)
{
	(void)state;
	connect_guest(0, 8);
	device_works();
	on = RX;
	avail_idx(3);
	take(1, 0, 64, F_WRITE);
	access_error = -EFAULT;
	payload_write(1, BUFFER, 44);
	access_error = 0;
	return_chain(1, 1, 0, 0);
	wake();
	done();
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_REQUEST });
	assert_silent_at_rest();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(credit_taken_back_may_be_used_until_rest, setup),
		cmocka_unit_test_setup(credit_that_wraps_has_no_end, setup),
		cmocka_unit_test_setup(rst_has_no_answer, setup),
		cmocka_unit_test_setup(bytes_of_no_connection_are_wrong, setup),
		cmocka_unit_test_setup(a_second_request_leaves_it_to_the_device, setup),
		cmocka_unit_test_setup(fwd_cnt_never_goes_back, setup),
		cmocka_unit_test_setup(fwd_cnt_may_count_bytes_of_any_packet, setup),
		cmocka_unit_test_setup(credit_of_a_wrong_packet_may_be_left_unheeded, setup),
		cmocka_unit_test_setup(a_shutdown_before_the_answer_may_be_left_unheeded, setup),
		cmocka_unit_test_setup(nothing_may_be_sent_after_the_end, setup),
		cmocka_unit_test_setup(a_device_that_is_done_need_not_answer, setup),
		cmocka_unit_test_setup(another_cid_may_have_the_same_ports, setup),
		cmocka_unit_test_setup(an_end_waits_for_what_was_not_taken, setup),
		cmocka_unit_test_setup(bytes_of_two_connections_may_be_mixed, setup),
		cmocka_unit_test_setup(bytes_may_be_left_of_a_connection_that_ended, setup),
		cmocka_unit_test_setup(the_guest_can_make_a_gap_itself, setup),
		cmocka_unit_test_setup(typed_bytes_come_in_order, setup),
		cmocka_unit_test_setup(typed_bytes_may_go_to_either_connection, setup),
		cmocka_unit_test_setup(nothing_is_said_after_an_access_failed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
