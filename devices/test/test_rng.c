/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The entropy device: what a chain gets, what waits, and what becomes of both when the driver
 * resets, suspends or saves.  Its one queue keeps its chain by the parts of drain.h and
 * snapshot_chain.h.  VIRTIO 1.4, 5.4.
 */
#include <string.h>

#include "../rng.h"
#include "../snapshot.h"
#include "../virtio_1_4.h"
#include "net_guest.h"

#define F(bit) (UINT64_C(1) << VIRTIO_F_##bit)
#define FEATURES (F(VERSION_1) | F(RING_RESET) | F(SUSPEND))
#define DATA (BASE + RINGS)
#define S_SUSPEND ((uint32_t)VIRTIO_CONFIG_S_SUSPEND)
/* In a snapshot, from its part of the model on: a chain of one buffer that waits. */
#define AT_LEFT 0
#define AT_WAITS 1
#define AT_HEAD 2
#define AT_COUNT 4
#define AT_ADDR 6
#define AT_LEN 14
#define AT_HELD 18

static struct fake_queue q[RNG_QUEUE_COUNT];
static uint8_t saved[1 << 16];
static size_t saved_len;
static struct snapshot_error error; /* of the last restore */

static bool is_gauge(const char *counter)
{
	return strcmp(counter, "bytes_pending") == 0;
}

static int setup(void **state)
{
	(void)state;
	guest_setup(&rng_ops, q, RNG_QUEUE_COUNT);
	guest_start(q, RNG_QUEUE_COUNT, FEATURES);
	memset(fake_mem(&fake, DATA, 0x8000), 0xee, 0x8000);
	expect_passes = is_gauge;
	return 0;
}

static int teardown(void **state)
{
	expect_passes = NULL;
	return net_teardown(state);
}

/* One writable descriptor `at` of `len` bytes at `addr`, made available and notified. */
static void ask_at(uint16_t at, uint64_t addr, uint32_t len)
{
	fake_desc(&q[0], at, addr, len, F_WRITE, 0);
	fake_offer(&q[0], at);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, RNG_REQUESTS);
}

static void ask(uint16_t at, uint32_t len)
{
	ask_at(at, DATA, len);
}

/* The host gives `len` bytes: `first`, and each the one after.  How many were taken. */
static uint32_t give(uint8_t first, uint32_t len)
{
	static uint8_t bytes[2 * RNG_HELD_MAX];
	uint32_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (uint8_t)(first + i);
	return rng_give(mmio_device(m), bytes, len);
}

static void assert_run(uint64_t at, uint8_t first, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		assert_int_equal(*fake_mem(&fake, at + i, 1), (uint8_t)(first + i));
}

static uint64_t pending(void)
{
	unsigned i;

	for (i = 0; !is_gauge(mmio_counter_name(m, i)); i++)
		;
	return mmio_counters(m)[i];
}

static void identity(void **state)
{
	uint8_t config[8];

	(void)state;
	assert_int_equal(reg_read(VIRTIO_MMIO_DEVICE_ID), 4);
	mmio_read(m, 0x100, config, 8);
	assert_memory_equal(config, (uint8_t[8]){ 0 }, 8);
	assert_true(rng_ops.queues[RNG_REQUESTS].driver_initiated);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect_none();
}

/* As many as there is room for, or as there are. */
static void answers(void **state)
{
	(void)state;
	assert_int_equal(give(1, 24), 24);
	assert_int_equal(fake_used_idx(&q[0]), 0);
	assert_interrupts(0, 0);
	ask(0, 16);
	assert_used(&q[0], 1, 0, 16);
	assert_run(DATA, 1, 16);
	assert_bytes(DATA + 16, 0xee, 16);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	assert_int_equal(pending(), 8);
	ask_at(5, DATA + 64, 16);
	assert_used(&q[0], 2, 5, 8);
	assert_run(DATA + 64, 17, 8);
	assert_bytes(DATA + 72, 0xee, 16);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect({ "chains", 2 }, { "bytes", 24 }, { "bytes_delivered", 24 });
}

static void waits(void **state)
{
	(void)state;
	ask(3, 16);
	ask_at(4, DATA + 64, 2);
	assert_int_equal(fake_used_idx(&q[0]), 0);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	assert_interrupts(0, 0);
	/* To go on with what waits does nothing, however often. */
	mmio_work(m);
	mmio_work(m);
	assert_int_equal(give(0, 0), 0);
	assert_int_equal(fake_used_idx(&q[0]), 0);
	expect({ "chain_waited", 1 });
	assert_int_equal(give(7, 1), 1);
	assert_used(&q[0], 1, 3, 1);
	assert_run(DATA, 7, 1);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	/* The one behind it was taken in that call, and waits now. */
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	expect({ "chains", 1 }, { "chain_waited", 1 }, { "bytes", 1 }, { "bytes_delivered", 1 });
	give(8, 3);
	assert_used(&q[0], 2, 4, 2);
	assert_run(DATA + 64, 8, 2);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	assert_int_equal(pending(), 1);
	expect({ "chains", 1 }, { "bytes", 3 }, { "bytes_delivered", 2 });
}

/* What the host gives, and what a descriptor claims. */
static void bounded(void **state)
{
	(void)state;
	assert_int_equal(give(0, RNG_HELD_MAX - 1), RNG_HELD_MAX - 1);
	assert_int_equal(give(0xff, 2), 1);
	assert_int_equal(give(0, 1), 0);
	expect({ "bytes", RNG_HELD_MAX }, { "bytes_refused", 2 });
	ask(0, UINT32_MAX);
	assert_used(&q[0], 1, 0, RNG_HELD_MAX);
	assert_run(DATA, 0, RNG_HELD_MAX);
	assert_bytes(DATA + RNG_HELD_MAX, 0xee, 16);
	assert_int_equal(fake.alloc_calls, 1);
	expect({ "chains", 1 }, { "bytes_delivered", RNG_HELD_MAX });
}

/* A chain over several descriptors, empty ones among them. */
static void in_parts(void **state)
{
	(void)state;
	give(1, 8);
	fake_desc(&q[0], 0, UINT64_MAX, 0, F_WRITE | F_NEXT, 1);
	fake_desc(&q[0], 1, DATA, 3, F_WRITE | F_NEXT, 2);
	fake_desc(&q[0], 2, UINT64_MAX, 0, F_WRITE | F_NEXT, 3);
	ask_at(3, DATA + 32, 9); /* alone, first */
	assert_used(&q[0], 1, 3, 8);
	assert_run(DATA + 32, 1, 8);
	give(9, 8);
	fake_offer(&q[0], 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(&q[0], 2, 0, 8);
	assert_run(DATA, 9, 3);
	assert_run(DATA + 32, 12, 5);
	expect({ "chains", 2 }, { "bytes", 16 }, { "bytes_delivered", 16 });
}

static void chains_of_no_use(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
		const char *counter;
	} bad[] = {
		{ DATA, 8, 0, 0, "chain_invalid" },
		{ DATA, 8, F_WRITE | F_NEXT, 1, "chain_invalid" }, /* to a readable one */
		{ DATA, 8, F_WRITE | F_NEXT, SIZE, "chain_invalid" },
		{ DATA, 8, F_WRITE | F_NEXT, 0, "chain_invalid" },
		{ UINT64_MAX - 2, 8, F_WRITE, 0, "chain_invalid" },
		{ DATA, 0, F_WRITE, 0, "chain_empty" },
		{ UNMAPPED, 8, F_WRITE, 0, "chain_unwritten" },
	};
	unsigned i;

	(void)state;
	give(1, 16);
	expect({ "bytes", 16 });
	fake_desc(&q[0], 1, DATA, 4, 0, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_desc(&q[0], 0, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
		fake_offer(&q[0], 0);
		reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		assert_used(&q[0], (uint16_t)(i + 1), 0, 0);
		assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
		expect({ bad[i].counter, 1 });
	}
	assert_bytes(DATA, 0xee, 16);
	/* None of them took a byte. */
	ask(2, 16);
	assert_run(DATA, 1, 16);
	expect({ "chains", 1 }, { "bytes_delivered", 16 });
}

/* They come back even where there are no bytes. */
static void of_no_use_behind_none(void **state)
{
	(void)state;
	ask(0, 0);
	assert_used(&q[0], 1, 0, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect({ "chain_empty", 1 });
}

/* Behind the first byte a chain ends where it cannot be written; the rest is the next one's. */
static void a_write_fails_part_way(void **state)
{
	(void)state;
	give(1, 8);
	fake_desc(&q[0], 0, DATA, 3, F_WRITE | F_NEXT, 1);
	fake_desc(&q[0], 1, UNMAPPED, 5, F_WRITE, 0);
	fake_offer(&q[0], 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(&q[0], 1, 0, 3);
	assert_run(DATA, 1, 3);
	ask(2, 8);
	assert_used(&q[0], 2, 2, 5);
	assert_run(DATA, 4, 5);
	expect({ "chains", 2 }, { "bytes", 8 }, { "bytes_delivered", 8 });
}

static void a_used_ring_that_cannot_be_written(void **state)
{
	(void)state;
	give(1, 8);
	fake.fail_nth[GUEST_USED_IDX] = 1;
	ask(0, 8);
	assert_int_equal(fake_used_idx(&q[0]), 0);
	assert_interrupts(0, 0);
	expect({ "chains", 1 }, { "bytes", 8 }, { "add_used_failures", 1 });
	/* Nobody was told of those bytes: they go to the next. */
	ask(1, 8);
	assert_used(&q[0], 1, 1, 8);
	assert_run(DATA, 1, 8);
	expect({ "chains", 1 }, { "bytes_delivered", 8 });
}

/* What was returned is signalled before the queue that is broken. */
static void poisoned(void **state)
{
	(void)state;
	give(1, 4);
	fake_desc(&q[0], 0, DATA, 4, F_WRITE, 0);
	fake_offer(&q[0], 0);
	fake_offer(&q[0], SIZE);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(&q[0], 1, 0, 4);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, VIRTIO_MMIO_INT_CONFIG);
	expect({ "chains", 1 }, { "bytes", 4 }, { "bytes_delivered", 4 },
	       { "invalid_avail_idx_count", 1 });
	/* It is told once. */
	give(1, 4);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_interrupts(0, 0);
	expect({ "bytes", 4 });
}

static void grow(struct fake_host *host, const struct fake_access *access)
{
	(void)host;
	if (access->why.purpose == GUEST_USED_IDX)
		fake_offer(&q[0], 0);
}

/* A ring that grows while it is served is left over. */
static void work_is_left(void **state)
{
	(void)state;
	fake.hook = grow;
	ask(0, 0);
	fake.hook = NULL;
	assert_int_equal(fake_used_idx(&q[0]), SIZE);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	mmio_work(m);
	assert_int_equal(fake_used_idx(&q[0]), SIZE + 1);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect({ "chain_empty", SIZE + 1 });
}

static void reset_while_waiting(void **state)
{
	(void)state;
	ask(0, 8);
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect({ "chain_waited", 1 });
	/* Bytes for a driver that is not there yet wait, and go with a reset. */
	give(1, 8);
	assert_int_equal(pending(), 8);
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(pending(), 0);
	expect({ "bytes", 8 }, { "bytes_discarded", 8 });
	guest_start(q, RNG_QUEUE_COUNT, FEATURES);
	give(9, 8);
	assert_bytes(DATA, 0xee, 8);
	ask(1, 8);
	assert_used(&q[0], 1, 1, 8);
	assert_run(DATA, 9, 8);
}

static void queue_reset_while_waiting(void **state)
{
	(void)state;
	ask(0, 8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, 0);
	reg_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	/* The chain is gone; the bytes that come are for the next. */
	assert_int_equal(give(1, 8), 8);
	assert_int_equal(pending(), 8);
	assert_bytes(DATA, 0xee, 8);
	assert_interrupts(0, 0);
	expect({ "chain_waited", 1 }, { "bytes", 8 });
}

static void suspended_while_waiting(void **state)
{
	(void)state;
	ask(0, 8);
	reg_write(VIRTIO_MMIO_STATUS, S_OK | S_SUSPEND);
	assert_int_equal(give(1, 8), 8);
	assert_int_equal(fake_used_idx(&q[0]), 0);
	assert_bytes(DATA, 0xee, 8);
	assert_interrupts(0, 0);
	reg_write(VIRTIO_MMIO_STATUS, S_OK);
	mmio_work(m);
	assert_used(&q[0], 1, 0, 8);
	assert_run(DATA, 1, 8);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
}

static void save(void)
{
	saved_len = snapshot_save(m, saved, sizeof(saved));
	assert_in_range(saved_len, 1, sizeof(saved));
}

/* What was saved, in a device that is new. */
static int restored(void)
{
	struct mmio *old = m;

	m = mmio_create(&rng_ops, &fake.host, UINT64_MAX, NULL);
	assert_non_null(m);
	mmio_destroy(old);
	return snapshot_restore(m, saved, saved_len, &error);
}

/* Where the model's part begins, with chain 3 of 8 bytes at DATA. */
static uint8_t *saved_chain(void)
{
	static const uint8_t begins[AT_HELD + 4] = {
		0, 1, 3, 0, 1, 0, DATA & 0xff, DATA >> 8 & 0xff, DATA >> 16, 0, 0, 0, 0, 0, 8, 0,
		0, 0, 0, 0, 0, 0
	};
	uint8_t *at = memmem(saved, saved_len, begins, sizeof(begins));

	assert_non_null(at);
	return at;
}

static void saved_while_waiting(void **state)
{
	size_t cut;

	(void)state;
	ask(3, 8);
	save();
	saved_chain();
	assert_int_equal(restored(), 0);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	give(1, 5);
	assert_used(&q[0], 1, 3, 5);
	assert_run(DATA, 1, 5);
	assert_bytes(DATA + 5, 0xee, 8);
	/* Bytes that wait are saved as well; cut anywhere it is refused. */
	give(6, 8);
	save();
	for (cut = 0; cut < saved_len; cut++)
		assert_int_not_equal(snapshot_restore(m, saved, cut, &error), 0);
	assert_int_equal(restored(), 0);
	assert_int_equal(pending(), 8);
	ask(4, 16);
	assert_used(&q[0], 2, 4, 8);
	assert_run(DATA, 6, 8);
}

/* Each byte of it is looked at: what cannot be is refused, and changes nothing. */
static void refused_snapshots(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		const char *what;
	} bad[] = {
		{ AT_LEFT, 2, "work left that there is not" },
		{ AT_WAITS, 2, "waiting, which it cannot be" },
		{ AT_WAITS, 0, "a chain that nobody has" },
		{ AT_HEAD, SIZE, "a head beyond the queue" },
		{ AT_COUNT, SIZE + 1, "more buffers than the queue has" },
		{ AT_COUNT, 0, "a chain without a byte that waits" },
		{ AT_LEN, 0, "an empty buffer at the end" },
		{ AT_HELD, 1, "a counter of what is held, and another is held" },
		{ AT_HELD + 2, 1, "more bytes than it keeps" },
	};
	unsigned i;

	(void)state;
	ask(3, 8);
	save();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t *byte = saved_chain() + bad[i].at, was = *byte;

		*byte = bad[i].value;
		assert_int_not_equal(restored(), 0);
		assert_string_equal(error.what, bad[i].what);
		assert_int_equal(mmio_state(m), DEVICE_IDLE);
		*byte = was;
	}
	assert_int_equal(restored(), 0);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
}

static void refused_that_wraps(void **state)
{
	(void)state;
	ask(3, 8);
	save();
	memset(saved_chain() + AT_ADDR, 0xff, 8);
	assert_int_not_equal(restored(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity),
		TEST(answers),
		TEST(waits),
		TEST(bounded),
		TEST(in_parts),
		TEST(chains_of_no_use),
		TEST(of_no_use_behind_none),
		TEST(a_write_fails_part_way),
		TEST(a_used_ring_that_cannot_be_written),
		TEST(poisoned),
		TEST(work_is_left),
		TEST(reset_while_waiting),
		TEST(queue_reset_while_waiting),
		TEST(suspended_while_waiting),
		TEST(saved_while_waiting),
		TEST(refused_snapshots),
		TEST(refused_that_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
