/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a socket device may do that looks wrong, and what is not known of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/virtio_vsock.h>

#include "ledger_rig.h"
#include "ledger_socket_rig.h"

/* What was sent on the older credit may come after the newer was read, until it rests. */
static void credit_taken_back_may_be_used_until_rest(void **state)
{
	const struct packet less = { .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .buf_alloc = 2 };
	const struct packet bytes = { .op = VIRTIO_VSOCK_OP_RW, .len = 8 };

	connect_guest(0, 8);
	guest_sends(less);
	guest_is_sent(bytes);
	assert_silent_at_rest();
	socket_setup(state);
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
		socket_setup(state);
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
	socket_setup(state);
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

/* ... and by an RST that comes earlier it loses some. */
static void an_end_loses_no_bytes(void **state)
{
	const struct packet shut = { .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 3 };

	(void)state;
	for (uint32_t taken = 4; taken > 2; taken--) {
		socket_setup(state);
		connect_guest(0, 8);
		guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 4 });
		guest_sends(shut);
		guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RST, .fwd_cnt = taken });
		all_is_sent();
		if (taken == 4)
			assert_silent();
	}
	assert_breaks(RULE_VSOCK_ENDED);
}

/* A connection that is open, with a buffer for all that there is to say, and then one that
 * the guest has shut down. */
static void the_device_waits_for_what_the_guest_left(void **state)
{
	(void)state;
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 4 });
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 3 });
	done();
	rest(DEVICE_WAITING);
	assert_silent();
	socket_setup(state);
	connect_guest(0, 8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 4 });
	done();
	rest(DEVICE_WAITING);
	assert_breaks(RULE_VSOCK_STUCK);
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
		cmocka_unit_test_setup(credit_taken_back_may_be_used_until_rest, socket_setup),
		cmocka_unit_test_setup(credit_that_wraps_has_no_end, socket_setup),
		cmocka_unit_test_setup(rst_has_no_answer, socket_setup),
		cmocka_unit_test_setup(bytes_of_no_connection_are_wrong, socket_setup),
		cmocka_unit_test_setup(a_second_request_leaves_it_to_the_device, socket_setup),
		cmocka_unit_test_setup(fwd_cnt_never_goes_back, socket_setup),
		cmocka_unit_test_setup(fwd_cnt_may_count_bytes_of_any_packet, socket_setup),
		cmocka_unit_test_setup(credit_of_a_wrong_packet_may_be_left_unheeded, socket_setup),
		cmocka_unit_test_setup(a_shutdown_before_the_answer_may_be_left_unheeded,
				       socket_setup),
		cmocka_unit_test_setup(nothing_may_be_sent_after_the_end, socket_setup),
		cmocka_unit_test_setup(a_device_that_is_done_need_not_answer, socket_setup),
		cmocka_unit_test_setup(another_cid_may_have_the_same_ports, socket_setup),
		cmocka_unit_test_setup(an_end_waits_for_what_was_not_taken, socket_setup),
		cmocka_unit_test_setup(an_end_loses_no_bytes, socket_setup),
		cmocka_unit_test_setup(the_device_waits_for_what_the_guest_left, socket_setup),
		cmocka_unit_test_setup(nothing_is_said_after_an_access_failed, socket_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
