/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What may happen to the bytes of a socket device's connections, and what may not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_vsock.h>

#include "ledger_rig.h"
#include "ledger_socket_rig.h"

/* The device does not rest after these, which it may not before the guest was told. */
static void guest_writes(uint32_t port, const char *bytes)
{
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW,
				     .len = (uint32_t)strlen(bytes),
				     .bytes = bytes,
				     .port = port });
	done();
}

static void host_takes(const char *bytes)
{
	host(HOST_TAKE, bytes, (uint32_t)strlen(bytes), (uint32_t)strlen(bytes));
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

/* The host wants more than it is given, and there is more.  Then an order may have dropped it. */
static void the_host_takes_all_there_is(void **state)
{
	(void)state;
	connect_port(8);
	guest_writes(99, "abc");
	host(HOST_TAKE, "abc", 8, 3);
	guest_writes(99, "de");
	host(HOST_TAKE, "d", 1, 1);
	assert_silent();
	ledger_ordered(&ledger, 0);
	host(HOST_TAKE, "", 8, 0);
	assert_silent();
	socket_setup(state);
	connect_port(8);
	guest_writes(99, "abc");
	host(HOST_TAKE, "ab", 8, 2);
	assert_breaks(RULE_VSOCK_STUCK);
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
	socket_setup(state);
	connect_port(8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 2 });
	guest_writes(99, "ab");
	host_takes("b");
	assert_silent();
}

/* What is not known ends with the connection, once the host has taken all. */
static void bytes_are_followed_again_after_the_end(void **state)
{
	(void)state;
	connect_port(8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 65 });
	guest_writes(99, "ab");
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	on = RX;
	avail_idx(3);
	all_is_sent();
	host(HOST_TAKE, "b", 1, 1);
	connect_another(98);
	guest_writes(98, "cd");
	host_takes("d");
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST, .port = 98 });
	host(HOST_TAKE, "", 1, 0);
	on = RX;
	avail_idx(4);
	all_is_sent();
	assert_silent();
	connect_another(97);
	guest_writes(97, "ef");
	host_takes("f");
	assert_breaks(RULE_VSOCK_ORDER);
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

/* A device that claims more than was typed is taken to have all of that, and its port is followed.
 */
static void more_taken_than_typed(void **state)
{
	(void)state;
	connect_port(8);
	host(HOST_TYPE, "ab", 2, 3);
	device_works();
	assert_breaks(RULE_STREAM_BYTES);
	assert_false(ledger.socket.port[0].in_lost);
	assert_int_equal(ledger.socket.port[0].in_len, 2);
	guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW, .len = 2, .bytes = "ab" });
	all_is_sent();
	assert_breaks(RULE_STREAM_BYTES);
	assert_int_equal(ledger.socket.port[0].in_len, 0);
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

/* A device that is to ask the guest for a connection drops it, and its bytes, at that. */
static void typed_bytes_may_be_lost_before_there_is_a_connection(void **state)
{
	(void)state;
	connect_port(8);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	all_is_sent();
	host(HOST_TYPE, "x", 1, 1);
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RST });
	all_is_sent();
	connect_another(98);
	host(HOST_TYPE, "ab", 2, 2);
	device_works();
	guest_is_sent(
		(struct packet){ .op = VIRTIO_VSOCK_OP_RW, .port = 98, .len = 2, .bytes = "ab" });
	assert_silent_at_rest();
}

/* fwd_cnt is what the host took, in an answer and at rest; who has been told is not told again. */
static void the_guest_is_told_what_the_host_took(void **state)
{
	const struct packet told = { .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
				     .buf_alloc = 64,
				     .fwd_cnt = 3 };
	const struct packet early = { .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
				      .buf_alloc = 64,
				      .fwd_cnt = 2 };

	(void)state;
	for (unsigned which = 0; which < 4; which++) {
		socket_setup(state);
		connect_port(8);
		guest_writes(99, "abc");
		host(HOST_TAKE, "abc", 3, 3);
		device_works();
		if (which < 3)
			guest_is_sent(which == 1 ? early : told);
		if (which == 2)
			guest_is_sent(told);
		all_is_sent();
		if (which == 0)
			assert_silent();
		else
			assert_breaks(RULE_VSOCK_STUCK);
	}
}

/* A guest that lets nothing in is asked for credit. */
static void a_guest_is_asked_for_credit(void **state)
{
	(void)state;
	for (unsigned asked = 0; asked < 2; asked++) {
		socket_setup(state);
		connect_port(0);
		host(HOST_TYPE, "abc", 3, 3);
		device_works();
		if (asked == 1)
			guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_CREDIT_REQUEST,
						       .buf_alloc = 64 });
		all_is_sent();
		if (asked == 1)
			assert_silent();
		else
			assert_breaks(RULE_VSOCK_STUCK);
	}
}

static void guest_writes_message(const char *bytes)
{
	guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_RW,
				     .type = VIRTIO_VSOCK_TYPE_SEQPACKET,
				     .flags = VIRTIO_VSOCK_SEQ_EOM,
				     .len = (uint32_t)strlen(bytes),
				     .bytes = bytes });
	done();
}

static void the_host_takes_one_message_at_once(void **state)
{
	(void)state;
	connect_port_as(VIRTIO_VSOCK_TYPE_SEQPACKET, 8);
	guest_writes_message("ab");
	guest_writes_message("cd");
	host(HOST_TAKE, "ab", 4, 2);
	assert_silent();
	host(HOST_TAKE, "cd", 4, 2);
	assert_silent();
	guest_writes_message("ef");
	guest_writes_message("gh");
	guest_writes_message("ij");
	host(HOST_TAKE, "ef", 4, 2);
	assert_silent();
	host(HOST_TAKE, "ghi", 3, 3);
	assert_breaks(RULE_VSOCK_ENDED);
}

/* What is typed at once is a message, which may come in parts: EOM is in the last alone. */
static void typed_messages_keep_their_ends(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t flags;
		bool good;
	} next[] = {
		{ "cde", VIRTIO_VSOCK_SEQ_EOM, true },
		{ "cde", 0, false },
		{ "cd", 0, true },
		{ "cd", VIRTIO_VSOCK_SEQ_EOM, false },
		{ "cdef", VIRTIO_VSOCK_SEQ_EOM, false },
		{ "", VIRTIO_VSOCK_SEQ_EOM, false },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
		const uint16_t type = VIRTIO_VSOCK_TYPE_SEQPACKET;

		socket_setup(state);
		connect_port_as(type, 8);
		host(HOST_TYPE, "ab", 2, 2);
		host(HOST_TYPE, "refused", 7, 0);
		host(HOST_TYPE, "cde", 3, 3);
		host(HOST_TYPE, "fg", 2, 2);
		device_works();
		guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW,
					       .type = type,
					       .flags = VIRTIO_VSOCK_SEQ_EOM,
					       .len = 2,
					       .bytes = "ab" });
		assert_silent();
		guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RW,
					       .type = type,
					       .flags = next[i].flags,
					       .len = (uint32_t)strlen(next[i].bytes),
					       .bytes = next[i].bytes });
		if (next[i].good)
			assert_silent();
		else
			assert_breaks(RULE_VSOCK_ENDED);
	}
}

/* SHUTDOWN says what was said, and something new. */
static void the_guest_is_told_once_of_the_end(void **state)
{
	(void)state;
	for (uint32_t flags = 1; flags <= 3; flags++) {
		socket_setup(state);
		connect_port(8);
		device_works();
		guest_is_sent((struct packet){
			.op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = 1, .buf_alloc = 64 });
		assert_silent();
		guest_is_sent((struct packet){
			.op = VIRTIO_VSOCK_OP_SHUTDOWN, .flags = flags, .buf_alloc = 64 });
		if (flags == 3)
			assert_silent();
		else
			assert_breaks(RULE_VSOCK_STUCK);
	}
}

/* The last message of a guest that is done has no bytes, and the host has not looked for it. */
static void an_empty_message_keeps_its_connection(void **state)
{
	const uint16_t type = VIRTIO_VSOCK_TYPE_SEQPACKET;

	(void)state;
	for (unsigned looked = 0; looked < 2; looked++) {
		socket_setup(state);
		connect_port_as(type, 8);
		guest_writes_message("");
		guest_sends((struct packet){
			.op = VIRTIO_VSOCK_OP_SHUTDOWN, .type = type, .flags = 3 });
		all_is_sent();
		if (looked == 1)
			host(HOST_TAKE, "", 4, 0);
		device_works();
		guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RST, .type = type });
		all_is_sent();
		if (looked == 1)
			assert_silent();
		else
			assert_breaks(RULE_VSOCK_ENDED);
	}
}

/* A REQUEST is refused by the host, not by the device. */
static void nobody_is_refused_unasked(void **state)
{
	(void)state;
	for (unsigned typed = 0; typed < 2; typed++) {
		socket_setup(state);
		connect_port(8);
		if (typed == 1)
			host(HOST_TYPE, "", 0, 0);
		guest_sends((struct packet){ .op = VIRTIO_VSOCK_OP_REQUEST, .port = 98 });
		guest_is_sent((struct packet){ .op = VIRTIO_VSOCK_OP_RST, .port = 98 });
		all_is_sent();
		if (typed == 1)
			assert_silent();
		else
			assert_breaks(RULE_VSOCK_ENDED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_of_two_connections_may_be_mixed, socket_setup),
		cmocka_unit_test_setup(bytes_may_be_left_of_a_connection_that_ended, socket_setup),
		cmocka_unit_test_setup(the_host_takes_all_there_is, socket_setup),
		cmocka_unit_test_setup(the_guest_can_make_a_gap_itself, socket_setup),
		cmocka_unit_test_setup(bytes_are_followed_again_after_the_end, socket_setup),
		cmocka_unit_test_setup(typed_bytes_come_in_order, socket_setup),
		cmocka_unit_test_setup(more_taken_than_typed, socket_setup),
		cmocka_unit_test_setup(typed_bytes_may_go_to_either_connection, socket_setup),
		cmocka_unit_test_setup(typed_bytes_may_be_lost_before_there_is_a_connection,
				       socket_setup),
		cmocka_unit_test_setup(the_guest_is_told_what_the_host_took, socket_setup),
		cmocka_unit_test_setup(a_guest_is_asked_for_credit, socket_setup),
		cmocka_unit_test_setup(the_host_takes_one_message_at_once, socket_setup),
		cmocka_unit_test_setup(typed_messages_keep_their_ends, socket_setup),
		cmocka_unit_test_setup(the_guest_is_told_once_of_the_end, socket_setup),
		cmocka_unit_test_setup(an_empty_message_keeps_its_connection, socket_setup),
		cmocka_unit_test_setup(nobody_is_refused_unasked, socket_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
