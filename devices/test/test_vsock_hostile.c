/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The socket device and a guest that does not keep to anything: packets that are wrong, chains that
 * are, a full table, no buffers; and resets.  VIRTIO 1.4, 5.10.
 */
#include <endian.h>
#include <string.h>

#include "vsock_guest.h"

#define RING_RESET (UINT64_C(1) << VIRTIO_F_RING_RESET)

static void is_refused(const struct vsock_flow *flow, uint16_t op, uint32_t len, uint32_t flags)
{
	uint64_t refused = sock_counter("tx_refused");

	sock_say(flow, op, len, flags);
	hear(flow, VIRTIO_VSOCK_OP_RST, 0);
	hear_nothing();
	assert_int_equal(sock_counter("tx_refused"), refused + 1);
	assert_int_equal(sock_counter("connections"), 0);
}

/* Whatever belongs to no connection is answered by RST; RST itself never is. */
static void of_no_connection(void **state)
{
	static const uint16_t ops[] = { 0, 2, 4, 5, 6, 7, 8, 0x100, UINT16_MAX };

	(void)state;
	sock_give(16, ROOM_LEN);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		is_refused(&stream, ops[i], 0, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_RST, 0, 0);
	hear_nothing();
	assert_int_equal(sock_counter("tx_ignored"), 1);
	assert_int_equal(sock_guest.asked, 0);
}

/* A connection ends with whatever is wrong in it. */
static void out_of_place(void **state)
{
	static const uint16_t ops[] = { 0, 1, 2, 8, UINT16_MAX };
	const struct vsock_flow other = { 1024, 77, VIRTIO_VSOCK_TYPE_SEQPACKET };

	(void)state;
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		sock_give(2, ROOM_LEN);
		open_flow(&stream, 100);
		is_refused(&stream, ops[i], 0, 0);
	}
	/* Another type between the same ports. */
	sock_give(4, ROOM_LEN);
	open_flow(&stream, 100);
	is_refused(&other, VIRTIO_VSOCK_OP_RW, 5, 0);
	/* Bytes after it said that none come. */
	open_flow(&stream, 100);
	sock_say(&stream, VIRTIO_VSOCK_OP_SHUTDOWN, 0, VIRTIO_VSOCK_SHUTDOWN_SEND);
	is_refused(&stream, VIRTIO_VSOCK_OP_RW, 1, 0);
}

/* Not from this guest, or not to this host: somebody else would get the answer. */
static void foreign(void **state)
{
	struct virtio_vsock_hdr *header = (void *)fake_mem(&fake, PACKET, HEADER);

	(void)state;
	sock_give(4, ROOM_LEN);
	for (unsigned i = 0; i < 4; i++) {
		sock_put(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
		if (i == 0)
			header->src_cid = htole64(4);
		else if (i == 1)
			header->src_cid = htole64(VSOCK_CID_GUEST | UINT64_C(1) << 32);
		else if (i == 2)
			header->dst_cid = htole64(VSOCK_CID_GUEST);
		else
			header->dst_cid = htole64(VSOCK_CID_HOST | UINT64_C(1) << 63);
		fake_desc(&sock_q[VSOCK_TX], 0, PACKET, HEADER, 0, 0);
		fake_offer(&sock_q[VSOCK_TX], 0);
		sock_kick(VSOCK_TX);
	}
	hear_nothing();
	expect({ "tx_packets", 4 }, { "tx_foreign", 4 });
}

static void beyond_the_credit(void **state)
{
	(void)state;
	sock_give(8, ROOM_LEN);
	open_flow(&stream, 100);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, VSOCK_BUFFER - 1, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 1, 0);
	assert_int_equal(sock_counter("connections"), 1);
	is_refused(&stream, VIRTIO_VSOCK_OP_RW, 1, 0);
	assert_int_equal(sock_counter("output_dropped"), VSOCK_BUFFER);
	open_flow(&stream, 100);
	is_refused(&stream, VIRTIO_VSOCK_OP_RW, VSOCK_BUFFER + 1, 0);
	/* More messages than are kept. */
	open_flow(&messages, 100);
	for (unsigned i = 0; i < VSOCK_MESSAGES_MAX; i++)
		sock_say(&messages, VIRTIO_VSOCK_OP_RW, 0, VIRTIO_VSOCK_SEQ_EOM);
	is_refused(&messages, VIRTIO_VSOCK_OP_RW, 0, VIRTIO_VSOCK_SEQ_EOM);
}

/* `len` may be less than what is there, and not more. */
static void lengths(void **state)
{
	static const uint32_t lens[] = {
		4, 5, 6, VSOCK_BUFFER, UINT32_MAX - HEADER + 1, UINT32_MAX
	};
	struct virtio_vsock_hdr *header = (void *)fake_mem(&fake, PACKET, HEADER);

	(void)state;
	sock_give(16, ROOM_LEN);
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		open_flow(&stream, 100);
		sock_put(&stream, VIRTIO_VSOCK_OP_RW, 5, 0);
		header->len = htole32(lens[i]);
		fake_desc(&sock_q[VSOCK_TX], 0, PACKET, HEADER + 5, 0, 0);
		fake_offer(&sock_q[VSOCK_TX], 0);
		sock_kick(VSOCK_TX);
		if (lens[i] <= 5) {
			assert_int_equal(host_takes(&stream, VSOCK_BUFFER, NULL), lens[i]);
			hear(&stream, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
			sock_say(&stream, VIRTIO_VSOCK_OP_RST, 0, 0);
		} else {
			hear(&stream, VIRTIO_VSOCK_OP_RST, 0);
		}
		hear_nothing();
		assert_int_equal(sock_counter("connections"), 0);
	}
}

/* A header in two pieces, cut anywhere, and bytes cut too. */
static void divided(void **state)
{
	struct fake_queue *q = &sock_q[VSOCK_TX];

	(void)state;
	sock_give(2, ROOM_LEN);
	open_flow(&stream, 100);
	sock_put(&stream, VIRTIO_VSOCK_OP_RW, 20, 0);
	for (uint32_t cut = 1; cut < HEADER + 20; cut++) {
		fake_desc(q, 0, PACKET, cut, F_NEXT, 1);
		fake_desc(q, 1, UNMAPPED, 0, F_NEXT, 2);
		fake_desc(q, 2, PACKET + cut, HEADER + 20 - cut, 0, 0);
		fake_offer(q, 0);
		sock_kick(VSOCK_TX);
	}
	assert_int_equal(sock_counter("output_bytes"), (HEADER + 19) * 20);
	hear_nothing();
	assert_int_equal(sock_counter("connections"), 1);
}

static void wrong_chains(void **state)
{
	struct fake_queue *q = &sock_q[VSOCK_TX];

	(void)state;
	sock_put(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	/* Short; writable; with a writable part; not there; longer than 2^64. */
	fake_desc(q, 0, PACKET, HEADER - 1, 0, 0);
	fake_desc(q, 1, PACKET, HEADER, F_WRITE, 0);
	fake_desc(q, 2, PACKET, HEADER, F_NEXT, 3);
	fake_desc(q, 3, ROOM, 1, F_WRITE, 0);
	fake_desc(q, 4, UNMAPPED, HEADER, 0, 0);
	fake_desc(q, 5, UINT64_MAX - 3, HEADER, 0, 0);
	fake_offer(q, 0);
	fake_offer(q, 1);
	fake_offer(q, 2);
	fake_offer(q, 4);
	fake_offer(q, 5);
	sock_kick(VSOCK_TX);
	assert_used(q, 5, 5, 0);
	expect({ "tx_short", 1 }, { "tx_chain_invalid", 4 });
	assert_int_equal(sock_guest.asked, 0);
	/* To receive: readable, too small, and not there. */
	sock_say(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	q = &sock_q[VSOCK_RX];
	fake_desc(q, 0, ROOM, HEADER, 0, 0);
	fake_desc(q, 1, ROOM, HEADER - 1, F_WRITE, 0);
	fake_desc(q, 2, UNMAPPED, HEADER, F_WRITE, 0);
	for (uint16_t i = 0; i < 3; i++)
		fake_offer(q, i);
	sock_kick(VSOCK_RX);
	assert_used(q, 3, 2, 0);
	expect({ "tx_packets", 1 }, { "tx_heeded", 1 }, { "connections_opened", 1 },
	       { "answers_queued", 1 }, { "rx_chain_invalid", 1 }, { "rx_small", 1 },
	       { "rx_write_failed", 1 });
	/* The answer was not lost. */
	sock_guest.heard = sock_guest.given = 3;
	sock_give(1, HEADER);
	hear(&stream, VIRTIO_VSOCK_OP_RESPONSE, 0);
}

/* The header changes once it was read: nobody sees it. */
static void flip(struct fake_host *host, const struct fake_access *access)
{
	if (!access->write && access->why.purpose == GUEST_PAYLOAD &&
	    ++*(unsigned *)host->hook_arg == 2)
		memset(fake_mem(host, PACKET, HEADER), 0xff, HEADER);
}

static void read_once(void **state)
{
	unsigned reads = 0;

	(void)state;
	sock_give(2, ROOM_LEN);
	open_flow(&stream, 100);
	fake.hook = flip;
	fake.hook_arg = &reads;
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 20, 0);
	fake.hook = NULL;
	assert_true(reads >= 2);
	assert_int_equal(host_takes(&stream, VSOCK_BUFFER, NULL), 20);
}

static void no_memory(void **state)
{
	(void)state;
	sock_give(4, ROOM_LEN);
	open_flow(&stream, 100);
	fake.allocs_left = 0;
	assert_int_equal(host_sends(&stream, 5), 0);
	is_refused(&stream, VIRTIO_VSOCK_OP_RW, 5, 0);
	assert_int_equal(sock_counter("host_alloc_failures"), 2);
}

static void full_table(void **state)
{
	struct vsock_flow flow = stream;

	(void)state;
	for (unsigned i = 0; i < VSOCK_CONNECTIONS_MAX; i++) {
		flow.guest_port = i;
		sock_give(1, ROOM_LEN);
		open_flow(&flow, 100);
	}
	sock_give(4, ROOM_LEN);
	flow.guest_port = 99;
	sock_say(&flow, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	hear(&flow, VIRTIO_VSOCK_OP_RST, 0);
	assert_int_equal(sock_guest.asked, VSOCK_CONNECTIONS_MAX);
	assert_int_equal(vsock_connect(sockets, 2000, 3000), -ENOSPC);
	/* The oldest but one goes, and those behind it are still who they were. */
	flow.guest_port = 1;
	sock_say(&flow, VIRTIO_VSOCK_OP_RST, 0, 0);
	assert_true(vsock_find(sockets, 1024, 1, &flow));
	assert_int_equal(flow.guest_port, 2);
	assert_int_equal(host_sends(&flow, 9), 9);
	hear(&flow, VIRTIO_VSOCK_OP_RW, 9);
	flow.guest_port = 99;
	open_flow(&flow, 100);
}

/* Answers wait for buffers up to their bound, then packets do; none is lost. */
static void no_buffers(void **state)
{
	struct fake_queue *q = &sock_q[VSOCK_TX];

	(void)state;
	sock_guest.refuses = true;
	for (unsigned i = 0; i < VSOCK_ANSWERS_MAX; i++)
		sock_say(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	fake_offer(q, 0);
	sock_kick(VSOCK_TX);
	assert_int_equal(fake_used_idx(q), VSOCK_ANSWERS_MAX);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	for (unsigned i = 0; i <= VSOCK_ANSWERS_MAX; i++) {
		sock_give(1, HEADER);
		hear(&stream, VIRTIO_VSOCK_OP_RST, 0);
		if (i == 0) {
			/* There is room for one more answer. */
			assert_int_equal(mmio_state(m), DEVICE_WORK);
			mmio_work(m);
			assert_int_equal(fake_used_idx(q), VSOCK_ANSWERS_MAX + 1);
		}
	}
	assert_int_equal(sock_counter("answers_sent"), VSOCK_ANSWERS_MAX + 1);
	assert_int_equal(sock_counter("answers_waiting"), 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

/* Answers of a connection that is gone are for nobody, but for RST. */
static void answers_of_the_gone(void **state)
{
	(void)state;
	sock_say(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, 0);
	sock_say(&messages, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	assert_int_equal(sock_counter("answers_cancelled"), 2);
	sock_give(4, ROOM_LEN);
	hear(&messages, VIRTIO_VSOCK_OP_RESPONSE, 0);
	hear(&stream, VIRTIO_VSOCK_OP_RST, 0);
	hear(&stream, VIRTIO_VSOCK_OP_RESPONSE, 0);
	hear_nothing();
}

static void device_reset_drops_all(void **state)
{
	(void)state;
	sock_give(1, ROOM_LEN);
	open_flow(&stream, 100);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 5, 0);
	host_sends(&stream, 7);
	sock_say(&messages, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
	vsock_set_cid(sockets, 3 + 1);
	vsock_set_cid(sockets, 3);
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(sock_counter("connections"), 0);
	assert_int_equal(sock_counter("output_dropped"), 5);
	assert_int_equal(sock_counter("input_dropped"), 7);
	assert_int_equal(sock_counter("events_dropped"), 1);
	assert_int_equal(sock_counter("events_waiting"), 0);
	assert_int_equal(fake.blocks, 1);
	assert_int_equal(vsock_connect(sockets, 2000, 3000), -ENOTCONN);
	vsock_guest_start(ALL);
	sock_give(2, ROOM_LEN);
	hear_nothing();
	is_refused(&stream, VIRTIO_VSOCK_OP_RW, 1, 0);
}

/* A queue that is reset alone changes nothing of the connections. */
static void queue_reset(void **state)
{
	(void)state;
	vsock_guest_start(ALL | RING_RESET);
	sock_give(2, ROOM_LEN);
	open_flow(&stream, 100);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, VSOCK_RX);
	reg_write(0x0c0, 1);
	sock_say(&stream, VIRTIO_VSOCK_OP_RW, 5, 0);
	sock_say(&stream, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, 0);
	assert_int_equal(sock_counter("answers_waiting"), 1);
	assert_int_equal(sock_counter("connections"), 1);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, vsock_guest_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(of_no_connection),
		TEST(out_of_place),
		TEST(foreign),
		TEST(beyond_the_credit),
		TEST(lengths),
		TEST(divided),
		TEST(wrong_chains),
		TEST(read_once),
		TEST(no_memory),
		TEST(full_table),
		TEST(no_buffers),
		TEST(answers_of_the_gone),
		TEST(device_reset_drops_all),
		TEST(queue_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
