/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The socket device: connections, streams and messages, credit, and the reset of the transport.
 * VIRTIO 1.4, 5.10.
 */
#include <endian.h>

#include "vsock_guest.h"

static void identity(void **state)
{
	uint64_t cid = 0;
	uint8_t byte = 1;

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_ID), 19);
	mmio_read(m, 0x100, &cid, 8);
	assert_int_equal(cid, VSOCK_CID_GUEST);
	mmio_read(m, 0x100 + 7, &byte, 1);
	assert_int_equal(byte, 0);
	mmio_read(m, 0x100 + 8, &byte, 1);
	assert_int_equal(byte, 0);
	mmio_write(m, 0x100, &(uint8_t){ 9 }, 1);
	mmio_read(m, 0x100, &byte, 1);
	assert_int_equal(byte, VSOCK_CID_GUEST);
	hear_nothing();
	expect_none();
}

/* Somebody listens, or nobody: RESPONSE or RST. */
static void request(void **state)
{
	(void)state;
	sock_give(4, ROOM_LEN);
	open_flow(&stream, 100);
	expect({ "tx_packets", 1 }, { "tx_heeded", 1 }, { "answers_queued", 1 },
	       { "answers_sent", 1 }, { "rx_packets", 1 }, { "connections_opened", 1 });
	sock_guest.refuses = true;
	sock_say(&messages, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	assert_int_equal(hear(&messages, VIRTIO_VSOCK_OP_RST, 0)->buf_alloc, 0);
	expect({ "tx_packets", 1 }, { "tx_refused", 1 }, { "answers_queued", 1 },
	       { "answers_sent", 1 }, { "rx_packets", 1 });
	assert_int_equal(sock_guest.asked, 2);
	assert_int_equal(sock_counter("connections"), 1);
	vsock_listen(sockets, NULL, NULL);
	sock_say(&messages, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	hear(&messages, VIRTIO_VSOCK_OP_RST, 0);
	assert_int_equal(sock_guest.asked, 2);
}

/* Which types there are: VIRTIO 5.10.3.2. */
static void types_as_negotiated(void **state)
{
	static const struct {
		uint64_t features;
		bool stream, seqpacket;
	} cases[] = {
		{ 0, true, false },
		{ F(VSOCK_F_STREAM), true, false },
		{ F(VIRTIO_VSOCK_F_SEQPACKET), true, true },
		{ F(VIRTIO_VSOCK_F_SEQPACKET) | F(VSOCK_F_NO_IMPLIED_STREAM), false, true },
		{ F(VSOCK_F_NO_IMPLIED_STREAM), false, false },
		{ F(VSOCK_F_STREAM) | F(VSOCK_F_NO_IMPLIED_STREAM), true, false },
	};
	const struct vsock_flow none = { 1024, 79, 3 }, zero = { 1024, 80, 0 };

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vsock_guest_start(F(VIRTIO_F_VERSION_1) | cases[i].features);
		sock_give(4, ROOM_LEN);
		sock_say(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
		hear(&stream, cases[i].stream ? VIRTIO_VSOCK_OP_RESPONSE : VIRTIO_VSOCK_OP_RST, 0);
		sock_say(&messages, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
		hear(&messages, cases[i].seqpacket ? VIRTIO_VSOCK_OP_RESPONSE : VIRTIO_VSOCK_OP_RST,
		     0);
		sock_say(&none, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
		hear(&none, VIRTIO_VSOCK_OP_RST, 0);
		sock_say(&zero, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
		hear(&zero, VIRTIO_VSOCK_OP_RST, 0);
		assert_int_equal(vsock_connect(sockets, 2000, 3000),
				 cases[i].stream || cases[i].seqpacket ? 0 : -ENOTCONN);
	}
}

/* What the guest sends is the host's once it takes it, and then there is room for more. */
static void bytes_of_the_guest(void **state)
{
	const struct virtio_vsock_hdr *header;

	(void)state;
	sock_give(4, ROOM_LEN);
	open_flow(&stream, 100);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, VSOCK_BUFFER, 0);
	hear_nothing();
	assert_true(vsock_readable(sockets, &stream));
	assert_int_equal(host_takes(&stream, VSOCK_BUFFER, NULL), VSOCK_BUFFER);
	header = hear(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	assert_int_equal(le32toh(header->fwd_cnt), VSOCK_BUFFER);
	assert_int_equal(le32toh(header->buf_alloc), VSOCK_BUFFER);
	assert_false(vsock_readable(sockets, &stream));
	/* Nothing changed, so nothing is said; asked, it answers all the same. */
	vsock_poll(sockets);
	hear_nothing();
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, 0);
	header = hear(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	assert_int_equal(le32toh(header->fwd_cnt), VSOCK_BUFFER);
	assert_int_equal(sock_counter("output_bytes"), VSOCK_BUFFER);
	assert_int_equal(sock_counter("output_taken"), VSOCK_BUFFER);
}

/* No byte goes out beyond what the guest lets in, however its counters wrap. */
static void credit(void **state)
{
	(void)state;
	sock_give(12, ROOM_LEN);
	sock_guest.fwd = 0;
	open_flow(&stream, 10);
	assert_int_equal(host_sends(&stream, 25), 25);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 10);
	hear(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	/* It asked once, and does not again until some came. */
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	vsock_poll(sockets);
	hear_nothing();
	/* More than it was sent is none. */
	sock_guest.fwd = 11;
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	hear_nothing();
	/* A smaller buffer than what is in it. */
	sock_guest.fwd = 5;
	sock_guest.alloc = 5;
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	hear_nothing();
	sock_guest.fwd = 10;
	sock_guest.alloc = 5;
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 5);
	hear(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	sock_guest.fwd = 15;
	sock_guest.alloc = UINT32_MAX;
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 10);
	hear_nothing();
	assert_int_equal(sock_counter("input_delivered"), 25);
	assert_int_equal(sock_counter("input_pending"), 0);
}

/* 2^32 bytes later the sums are right, since they are modulo that. */
static void credit_wraps(void **state)
{
	(void)state;
	sock_give(4, ROOM_LEN);
	sock_guest.fwd = UINT32_MAX - 4;
	/* As if 5 bytes were on their way. */
	open_flow(&stream, 10);
	assert_int_equal(host_sends(&stream, 5), 5);
	sock_guest.fwd = 0;
	hear(&stream, VIRTIO_VSOCK_OP_RW, 5);
	assert_int_equal(host_sends(&stream, 5), 5);
	hear(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	hear_nothing();
	assert_int_equal(sock_counter("input_pending"), 5);
	/* It has had all: 10 bytes of room, and 5 of them wait. */
	sock_guest.fwd = 5;
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	sock_guest.fwd = 0;
	hear(&stream, VIRTIO_VSOCK_OP_RW, 5);
}

/* One packet for each chain, as much as it has room for. */
static void bytes_as_there_is_room(void **state)
{
	(void)state;
	sock_give(1, HEADER);
	open_flow(&stream, 4096);
	assert_int_equal(host_sends(&stream, 2 * VSOCK_BUFFER), VSOCK_BUFFER);
	assert_int_equal(host_sends(&stream, 1), 0);
	sock_give(1, HEADER + 100);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 100);
	sock_guest.fwd = 100;
	sock_give(1, ROOM_LEN);
	hear(&stream, VIRTIO_VSOCK_OP_RW, VSOCK_BUFFER - 100);
	hear_nothing();
}

static void messages_of_the_guest(void **state)
{
	uint32_t flags;

	(void)state;
	sock_give(8, ROOM_LEN);
	open_flow(&messages, 100);
	sock_say(&messages, VIRTIO_VSOCK_OP_RW, 10, 0);
	sock_say(&messages, VIRTIO_VSOCK_OP_RW, 5, VIRTIO_VSOCK_SEQ_EOM);
	sock_say(&messages, VIRTIO_VSOCK_OP_RW, 0, VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	sock_say(&messages, VIRTIO_VSOCK_OP_RW, 7, VIRTIO_VSOCK_SEQ_EOR);
	assert_int_equal(host_takes(&messages, 4, &flags), 4);
	assert_int_equal(flags, 0);
	assert_int_equal(host_takes(&messages, 100, &flags), 11);
	assert_int_equal(flags, VIRTIO_VSOCK_SEQ_EOM);
	assert_true(vsock_readable(sockets, &messages));
	assert_int_equal(host_takes(&messages, 100, &flags), 0);
	assert_int_equal(flags, VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	/* Of one that has not ended: it could be longer than the buffer. */
	assert_int_equal(host_takes(&messages, 100, &flags), 7);
	assert_int_equal(flags, 0);
	sock_say(&messages, VIRTIO_VSOCK_OP_RW, 0, VIRTIO_VSOCK_SEQ_EOM);
	assert_int_equal(host_takes(&messages, 100, &flags), 0);
	assert_int_equal(flags, VIRTIO_VSOCK_SEQ_EOM);
	assert_false(vsock_readable(sockets, &messages));
}

/* A message is accepted whole, and divided as the guest lets it in: the last part ends it. */
static void messages_of_the_host(void **state)
{
	(void)state;
	sock_give(8, ROOM_LEN);
	open_flow(&messages, 6);
	assert_int_equal(host_sends(&messages, VSOCK_BUFFER + 1), 0);
	assert_int_equal(host_sends(&messages, 0), 0);
	assert_int_equal(host_sends(&messages, 10), 10);
	assert_int_equal(hear(&messages, VIRTIO_VSOCK_OP_RW, 6)->flags, 0);
	hear(&messages, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	for (unsigned i = 1; i < VSOCK_MESSAGES_MAX; i++)
		assert_int_equal(host_sends(&messages, 1), 1);
	assert_int_equal(host_sends(&messages, 1), 0);
	sock_guest.fwd = 6;
	sock_say(&messages, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	assert_int_equal(le32toh(hear(&messages, VIRTIO_VSOCK_OP_RW, 4)->flags),
			 VIRTIO_VSOCK_SEQ_EOM);
	sock_guest.fwd = 0;
	assert_int_equal(le32toh(hear(&messages, VIRTIO_VSOCK_OP_RW, 1)->flags),
			 VIRTIO_VSOCK_SEQ_EOM);
}

/* Connections take turns, with one packet each. */
static void turns(void **state)
{
	(void)state;
	sock_give(2, ROOM_LEN);
	open_flow(&stream, 100);
	open_flow(&messages, 100);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(host_sends(&messages, 3), 3);
		assert_int_equal(host_sends(&stream, 50), 50);
	}
	sock_give(4, HEADER + 50);
	hear(&stream, VIRTIO_VSOCK_OP_RW, 50);
	hear(&messages, VIRTIO_VSOCK_OP_RW, 3);
}

static void transport_reset(void **state)
{
	uint64_t cid = 0;

	(void)state;
	sock_give(4, ROOM_LEN);
	open_flow(&stream, 100);
	assert_int_equal(vsock_set_cid(sockets, VSOCK_CID_GUEST), -EALREADY);
	for (uint64_t bad = 0; bad <= 2; bad++)
		assert_int_equal(vsock_set_cid(sockets, bad), -EINVAL);
	assert_int_equal(vsock_set_cid(sockets, UINT32_MAX), -EINVAL);
	assert_int_equal(vsock_set_cid(sockets, UINT64_C(1) << 32), -EINVAL);
	assert_int_equal(vsock_set_cid(sockets, 9), 0);
	/* One event for both. */
	assert_int_equal(vsock_set_cid(sockets, 10), 0);
	vsock_poll(sockets);
	assert_int_equal(sock_counter("connections"), 0);
	mmio_read(m, 0x100, &cid, 8);
	assert_int_equal(cid, 10);
	assert_int_equal(sock_counter("events_waiting"), 1);
	chain(&sock_q[VSOCK_EVENT], 0, ROOM, 0);
	fake_desc(&sock_q[VSOCK_EVENT], 1, ROOM, 3, F_WRITE, 0);
	fake_offer(&sock_q[VSOCK_EVENT], 1);
	fake_desc(&sock_q[VSOCK_EVENT], 2, ROOM, 8, F_WRITE, 0);
	fake_offer(&sock_q[VSOCK_EVENT], 2);
	fake_offer(&sock_q[VSOCK_EVENT], 2);
	*fake_mem(&fake, ROOM, 1) = 0xee;
	sock_kick(VSOCK_EVENT);
	assert_used(&sock_q[VSOCK_EVENT], 3, 2, 4);
	assert_int_equal(*fake_mem(&fake, ROOM, 1), VIRTIO_VSOCK_EVENT_TRANSPORT_RESET);
	assert_int_equal(sock_counter("event_small"), 1);
	assert_int_equal(sock_counter("events_queued"), 1);
	assert_int_equal(sock_counter("events_sent"), 1);
	/* Whom the guest was is foreign now. */
	sock_say(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	hear_nothing();
	sock_guest.cid = 10;
	open_flow(&stream, 100);
	/* The host's to say: a reset leaves it. */
	vsock_guest_start(ALL);
	mmio_read(m, 0x100, &cid, 8);
	assert_int_equal(cid, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, vsock_guest_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),
		TEST(request),
		TEST(types_as_negotiated),
		TEST(bytes_of_the_guest),
		TEST(credit),
		TEST(credit_wraps),
		TEST(bytes_as_there_is_room),
		TEST(messages_of_the_guest),
		TEST(messages_of_the_host),
		TEST(turns),
		TEST(transport_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
