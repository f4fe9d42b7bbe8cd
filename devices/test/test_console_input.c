/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The console: what the host types, gate by gate, and the control protocol.
 * VIRTIO 1.4, 5.3.6.
 */
#include <endian.h>
#include <string.h>

#include "console_guest.h"

static const unsigned rx_queues[] = { CONSOLE_RX0, CONSOLE_RX1 };

static void open_port1(void)
{
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	expect({ "control_messages", 1 });
	fake_log_clear(&fake);
}

static void delivered(void **state)
{
	unsigned port;

	(void)state;
	open_port1();
	for (port = 0; port < 2; port++) {
		struct fake_queue *rxq = &q[rx_queues[port]];

		offer(rx_queues[port], 2, IN + 100 * port, 2, 0, 3, 50);
		assert_int_equal(console_type(console, port, "hello, guest", 12), 12);
		assert_used(rxq, 1, 2, 12);
		assert_memory_equal(fake_mem(&fake, IN + 100 * port, 12), "hello, guest", 12);
		assert_bytes(IN + 100 * port + 12, 0xee, 40);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	}
	expect({ "port0_input_bytes", 12 }, { "port0_input_delivered", 12 },
	       { "port1_input_bytes", 12 }, { "port1_input_delivered", 12 });
}

/* Nothing is touched, and nothing lost, while a gate is closed. */
static void gates(void **state)
{
	(void)state;
	/* Not open. */
	offer(CONSOLE_RX1, 0, IN, 10);
	console_type(console, 1, "abc", 3);
	kick(CONSOLE_RX1);
	mmio_work(m);
	assert_int_equal(fake.logged, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_used(&q[CONSOLE_RX1], 1, 0, 3);
	expect({ "control_messages", 1 }, { "port1_input_bytes", 3 },
	       { "port1_input_delivered", 3 });
	/* Not live. */
	reg_write(VIRTIO_MMIO_STATUS, 0);
	fake_log_clear(&fake);
	console_type(console, 0, "def", 3);
	assert_int_equal(fake.logged, 0);
	expect({ "port0_input_bytes", 3 });
	/* Not ready. */
	reg_write(VIRTIO_MMIO_STATUS, 0);
	q[CONSOLE_RX0].size = 0;
	console_start(VERSION_1 | MULTIPORT);
	console_type(console, 0, "def", 3);
	assert_int_equal(fake.logged, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	/* No port 1. */
	q[CONSOLE_RX0].size = SIZE;
	for (unsigned i = 2; i < CONSOLE_QUEUE_COUNT; i++)
		q[i].size = 0;
	console_start(VERSION_1);
	console_type(console, 1, "def", 3);
	assert_int_equal(fake.logged, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

static void waits_for_driver_ok(void **state)
{
	(void)state;
	reg_write(VIRTIO_MMIO_STATUS, 0);
	console_type(console, 0, "abc", 3);
	/* The driver fills its queue while it starts, and notifies nobody. */
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	guest_start(q, CONSOLE_QUEUE_COUNT, VERSION_1 | MULTIPORT);
	assert_int_equal(mmio_state(m), DEVICE_IDLE); /* a reset is in every start */
	console_type(console, 0, "def", 3);
	offer(CONSOLE_RX0, 0, IN, 10);
	kick(CONSOLE_RX0);
	assert_used(&q[CONSOLE_RX0], 1, 0, 3);
	assert_memory_equal(fake_mem(&fake, IN, 3), "def", 3);
}

static void torn_writes(void **state)
{
	unsigned bad, port;

	(void)state;
	open_port1();
	for (port = 0; port < 2; port++) {
		for (bad = 0; bad < 3; bad++) {
			struct fake_queue *rxq = &q[rx_queues[port]];
			uint16_t before = fake_used_idx(rxq);

			memset(fake_mem(&fake, IN, 64), 0xee, 64);
			offer(rx_queues[port], 0, IN, 4, 4, 4);
			fake_desc(rxq, (uint16_t)bad, UNMAPPED, 4,
				  (uint16_t)(F_WRITE | (bad < 2 ? F_NEXT : 0)),
				  (uint16_t)(bad + 1));
			offer(rx_queues[port], 4, IN + 32, 12);
			fake_log_clear(&fake);
			console_type(console, port, "abcdefghijkl", 12);
			assert_used(rxq, (uint16_t)(before + 1), 0, 0);
			assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
			assert_bytes(IN + 32, 0xee, 12);
			assert_int_equal(mmio_state(m), DEVICE_WORK);
			mmio_work(m);
			assert_used(rxq, (uint16_t)(before + 2), 4, 12);
			assert_memory_equal(fake_mem(&fake, IN + 32, 12), "abcdefghijkl", 12);
			assert_int_equal(mmio_state(m), DEVICE_IDLE);
		}
	}
	expect({ "port0_input_bytes", 36 }, { "port0_input_delivered", 36 },
	       { "port0_input_write_failed", 3 }, { "port1_input_bytes", 36 },
	       { "port1_input_delivered", 36 }, { "port1_input_write_failed", 3 });
}

static void chain_cap(void **state)
{
	uint16_t i;

	(void)state;
	q[CONSOLE_RX0].size = 128;
	console_start(VERSION_1 | MULTIPORT);
	for (i = 0; i < 100; i++)
		offer(CONSOLE_RX0, i, IN + i, 1);
	assert_int_equal(console_type(console, 0, fake_mem(&fake, OUT, 100), 100), 100);
	assert_int_equal(fake_used_idx(&q[CONSOLE_RX0]), 64);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	mmio_work(m);
	assert_int_equal(fake_used_idx(&q[CONSOLE_RX0]), 100);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	assert_memory_equal(fake_mem(&fake, IN, 100), fake_mem(&fake, OUT, 100), 100);
	expect({ "port0_input_bytes", 100 }, { "port0_input_delivered", 100 },
	       { "port0_input_capped", 1 });
}

static void input_is_bounded(void **state)
{
	static uint8_t bytes[CONSOLE_HELD_MAX];

	(void)state;
	assert_int_equal(console_type(console, 0, bytes, 10), 10);
	assert_int_equal(console_type(console, 0, bytes, sizeof(bytes)), sizeof(bytes) - 10);
	assert_int_equal(console_type(console, 0, bytes, 1), 0);
	expect({ "port0_input_bytes", sizeof(bytes) }, { "port0_input_refused", 11 });
}

static const struct answer {
	uint32_t port;
	uint16_t event;
	const char *tail;
} answers[] = {
	{ 0, VIRTIO_CONSOLE_PORT_ADD, "" },	{ 1, VIRTIO_CONSOLE_PORT_ADD, "" },
	{ 0, VIRTIO_CONSOLE_CONSOLE_PORT, "" }, { 0, VIRTIO_CONSOLE_PORT_NAME, CONSOLE_PORT0_NAME },
	{ 0, VIRTIO_CONSOLE_PORT_OPEN, "" },	{ 1, VIRTIO_CONSOLE_PORT_NAME, CONSOLE_PORT1_NAME },
	{ 1, VIRTIO_CONSOLE_PORT_OPEN, "" },
};

static void assert_answers(unsigned first, unsigned count, uint16_t used)
{
	for (unsigned i = 0; i < count; i++) {
		const struct answer *a = &answers[first + i];
		uint64_t at = IN + 64 * (used + i);
		struct virtio_console_control message;
		size_t len = strlen(a->tail);

		memcpy(&message, fake_mem(&fake, at, sizeof(message)), sizeof(message));
		assert_int_equal(le32toh(message.id), a->port);
		assert_int_equal(le16toh(message.event), a->event);
		assert_int_equal(le16toh(message.value), 1);
		if (len)
			assert_memory_equal(fake_mem(&fake, at + 8, len), a->tail, len);
		assert_bytes(at + 8 + len, 0xee, 8);
		assert_int_equal(fake_used_len(&q[CONSOLE_CONTROL_RX], (uint16_t)(used + i)),
				 8 + len);
	}
	assert_int_equal(fake_used_idx(&q[CONSOLE_CONTROL_RX]), used + count);
}

static void protocol(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 10; i++)
		offer(CONSOLE_CONTROL_RX, i, IN + 64 * i, 64);
	say(UINT32_MAX, VIRTIO_CONSOLE_DEVICE_READY, 1);
	assert_answers(0, 2, 0);
	assert_used(&q[CONSOLE_CONTROL_TX], 1, 0, 0);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_answers(2, 3, 2);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_answers(5, 2, 5);
	expect({ "control_messages", 3 }, { "answers_queued", 7 }, { "answers_published", 7 });
	/* Once is enough. */
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect({ "control_messages", 3 }, { "control_repeated", 3 });
}

static void what_changes_nothing(void **state)
{
	static const struct {
		uint32_t port;
		uint16_t event, value;
		const char *counter;
	} cases[] = {
		{ 0, VIRTIO_CONSOLE_DEVICE_READY, 0, "control_bad_value" },
		{ 0, VIRTIO_CONSOLE_DEVICE_READY, 2, "control_bad_value" },
		{ 0, VIRTIO_CONSOLE_PORT_READY, 0, "control_port_failed" },
		{ 1, VIRTIO_CONSOLE_PORT_READY, 7, "control_bad_value" },
		{ 2, VIRTIO_CONSOLE_PORT_READY, 1, "control_unknown_port" },
		{ UINT32_MAX, VIRTIO_CONSOLE_PORT_READY, 0, "control_unknown_port" },
		{ 1, VIRTIO_CONSOLE_PORT_OPEN, 0, "control_repeated" },
		{ 1, VIRTIO_CONSOLE_PORT_OPEN, 2, "control_bad_value" },
		{ 99, VIRTIO_CONSOLE_PORT_OPEN, 1, "control_unknown_port" },
		{ 0, VIRTIO_CONSOLE_PORT_ADD, 1, "control_unknown_event" },
		{ 0, VIRTIO_CONSOLE_PORT_REMOVE, 1, "control_unknown_event" },
		{ 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, "control_unknown_event" },
		{ 0, VIRTIO_CONSOLE_RESIZE, 1, "control_unknown_event" },
		{ 0, VIRTIO_CONSOLE_PORT_NAME, 1, "control_unknown_event" },
		{ 0, 0xbeef, 1, "control_unknown_event" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(cases[i].port, cases[i].event, cases[i].value);
		expect({ "control_messages", 1 }, { cases[i].counter, 1 });
		assert_int_equal(counter("answers_waiting"), 0);
		assert_false(console_port_open(console, 0) || console_port_open(console, 1));
	}
	/* And none of it stands in the way. */
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_int_equal(counter("answers_waiting"), 7);
}

static void answers_are_kept_until_published(void **state)
{
	(void)state;
	offer(CONSOLE_CONTROL_RX, 0, IN, 7);
	offer(CONSOLE_CONTROL_RX, 1, IN, 64);
	fake_desc(&q[CONSOLE_CONTROL_RX], 1, IN, 64, 0, 0); /* readable */
	offer(CONSOLE_CONTROL_RX, 2, IN, 4, 4);
	fake_desc(&q[CONSOLE_CONTROL_RX], 3, UNMAPPED, 4, F_WRITE, 0);
	offer(CONSOLE_CONTROL_RX, 4, IN, 64);
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	assert_used(&q[CONSOLE_CONTROL_RX], 3, 2, 0);
	expect({ "control_messages", 1 }, { "answers_queued", 2 }, { "answer_chain_small", 1 },
	       { "answer_chain_invalid", 1 }, { "answer_write_failed", 1 });
	fake.fail_nth[GUEST_USED_IDX] = 1;
	mmio_work(m);
	expect({ "add_used_failures", 1 });
	memset(fake_mem(&fake, IN, 128), 0xee, 128);
	q[CONSOLE_CONTROL_RX].avail_idx = 4;
	offer(CONSOLE_CONTROL_RX, 0, IN + 64 * 3, 64);
	kick(CONSOLE_CONTROL_RX);
	assert_answers(0, 1, 3);
}

static void control_cap(void **state)
{
	uint16_t i;

	(void)state;
	q[CONSOLE_CONTROL_TX].size = 64;
	console_start(VERSION_1 | MULTIPORT);
	put_message(OUT, 0, 77, 1);
	for (i = 0; i < 40; i++)
		offer(CONSOLE_CONTROL_TX, i, OUT, 8);
	kick(CONSOLE_CONTROL_TX);
	expect({ "control_messages", 32 }, { "control_unknown_event", 32 },
	       { "control_capped", 1 });
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	mmio_work(m);
	expect({ "control_messages", 8 }, { "control_unknown_event", 8 });
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
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
	offer(CONSOLE_RX0, 0, IN, 5, 10);
	offer(CONSOLE_TX0, 0, OUT, 8, 64);
	offer(CONSOLE_CONTROL_RX, 0, IN + 64, 4, 60);
	put_message(OUT + 1000, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	offer(CONSOLE_CONTROL_TX, 0, OUT + 1000, 3, 5);
	fake.hook = spoil;
	console_type(console, 0, "0123456789", 10);
	kick(CONSOLE_TX0);
	kick(CONSOLE_CONTROL_TX);
	fake.hook = NULL;
	assert_used(&q[CONSOLE_RX0], 1, 0, 10);
	assert_used(&q[CONSOLE_CONTROL_RX], 1, 0, 8);
	assert_output(0, OUT, 72);
	assert_int_equal(fake_log_count(&fake, GUEST_DESC), 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, console_setup, net_teardown)
	const struct CMUnitTest tests[] = {
		TEST(delivered),
		TEST(gates),
		TEST(waits_for_driver_ok),
		TEST(torn_writes),
		TEST(chain_cap),
		TEST(input_is_bounded),
		TEST(protocol),
		TEST(what_changes_nothing),
		TEST(answers_are_kept_until_published),
		TEST(control_cap),
		TEST(descriptors_are_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
