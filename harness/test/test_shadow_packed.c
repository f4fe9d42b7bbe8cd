/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A shadow queue of packed rings: what a driver makes available reaches the device, and what
 * the device wrote comes back, over rings of two sizes; what the driver says of interrupts
 * reaches the device too (harness/serve/shadow.h).
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Before cmocka, which has an expect_check of its own. */
#include "devices/ring.h"
#include "harness/run/live.h"
#include "harness/serve/shadow.h"

#include <cmocka.h>

#define BYTES (1u << 20)
#define SPAN 16384u /* of a queue's rings */
#define SIZES_MAX 64u
#define DATA (256u << 10)
#define HEADER 12u
enum { RX, TX, QUEUES };

static struct run *run;
static struct run_options options;
static struct program header;
static struct driver_memory memory;
static struct shadow_world world;
static struct shadow shadows[QUEUES];
static uint16_t sizes[QUEUES];		    /* of the driver's rings */
static unsigned next[QUEUES];		    /* entry that the driver writes next, of two laps */
static unsigned seen[QUEUES];		    /* ... that it looks at next for a used one */
static unsigned entries[QUEUES][SIZES_MAX]; /* by the buffer's id */
static uint8_t *bytes;
static int fd;

static unsigned at(unsigned queue, unsigned part)
{
	return queue * SPAN + part * 4096;
}

static void step(uint8_t code, uint64_t a, uint64_t b)
{
	struct op *op = step_begin(&world.steps, code);

	op->value[0] = a;
	op->value[1] = b;
	assert_true(step_run(&world.steps));
}

static void begin_ring(unsigned queue, uint16_t size, uint32_t base)
{
	const struct driver_ring_setup how = { .queue = queue,
					       .size = size,
					       .packed = true,
					       .indirect = true,
					       .event_idx = true,
					       .base = base,
					       .desc = at(queue, 0),
					       .avail = at(queue, 1),
					       .used = at(queue, 2) };

	sizes[queue] = size;
	next[queue] = (base & 0x7fff) + (base & RING_EVENT_WRAP ? 0 : size);
	seen[queue] = next[queue];
	assert_int_equal(shadow_begin(&shadows[queue], &world, &how), 0);
}

/* A live device with these sizes in the arena, and in the driver's memory. */
static void begin(uint16_t size, uint16_t driver_size)
{
	struct op *op = step_begin(&world.steps, OP_START);

	op->value[START_RUNG] = RUNG_FEATURES_OK;
	op->value[START_RING] = RING_FORMAT_PACKED;
	assert_true(step_run(&world.steps));
	for (unsigned i = 0; i < QUEUES; i++) {
		assert_int_equal(shadow_set_up(&shadows[i], i, size), 0);
		step(OP_QUEUE, i, size);
		begin_ring(i, driver_size, RING_EVENT_WRAP);
	}
	step(OP_STATUS, 15, 0);
}

static int setup(void **state)
{
	struct vhost_memory_table table = { .count = 1 };
	struct text_error error;
	char why[100];

	(void)state;
	fd = memfd_create("driver", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, BYTES) != 0)
		return -1;
	bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	table.regions[0].size = BYTES;
	if (driver_memory_set(&memory, &table, &fd, why, sizeof(why)) != 0 ||
	    run_open(&run, target_find("net-loopback"), &error) != 0)
		return -1;
	program_init(&header, "net-loopback");
	options = (struct run_options){ .judging = { .strict = true, .limits = true } };
	if (!live_begin(run, &header, &options))
		return -1;
	memset(shadows, 0, sizeof(shadows));
	world = (struct shadow_world){ .memory = &memory };
	steps_open(&world.steps, run, NULL, "net-loopback");
	room_open(&world.room, &run->guest.arena);
	world.share = room_size(&world.room) / QUEUES;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(live_end(run));
	assert_int_equal(run->guest.ledger.finding_count, 0);
	for (unsigned i = 0; i < QUEUES; i++)
		shadow_close(&shadows[i]);
	run_close(run);
	driver_memory_release(&memory);
	munmap(bytes, BYTES);
	close(fd);
	return 0;
}

/* A list of the driver's, of `count` descriptors: all but the first are written before it. */
static void offer(unsigned queue, uint16_t id, const struct vring_desc *descs, unsigned count)
{
	for (unsigned i = count; i-- > 0;) {
		unsigned place = (next[queue] + i) % (2u * sizes[queue]);
		const struct vring_packed_desc desc = {
			.addr = descs[i].addr,
			.len = descs[i].len,
			.id = id,
			.flags = (uint16_t)(descs[i].flags |
					    (i + 1 < count ? VRING_DESC_F_NEXT : 0) |
					    (place < sizes[queue] ? RING_PACKED_AVAIL
								  : RING_PACKED_USED)),
		};

		memcpy(bytes + at(queue, 0) + place % sizes[queue] * sizeof(desc), &desc,
		       sizeof(desc));
	}
	next[queue] = (next[queue] + count) % (2u * sizes[queue]);
	entries[queue][id] = count;
	shadows[queue].notified = true;
}

static void offer_one(unsigned queue, uint16_t id, uint64_t addr, uint32_t len, uint16_t flags)
{
	const struct vring_desc desc = { addr, len, flags, 0 };

	offer(queue, id, &desc, 1);
}

static bool take(unsigned queue, uint16_t *id, uint32_t *len)
{
	uint16_t wanted = seen[queue] < sizes[queue] ? RING_PACKED_AVAIL | RING_PACKED_USED : 0;
	struct vring_packed_desc desc;

	memcpy(&desc, bytes + at(queue, 0) + seen[queue] % sizes[queue] * sizeof(desc),
	       sizeof(desc));
	if ((desc.flags & (RING_PACKED_AVAIL | RING_PACKED_USED)) != wanted)
		return false;
	*id = desc.id;
	*len = desc.flags & VRING_DESC_F_WRITE ? desc.len : 0;
	seen[queue] = (seen[queue] + entries[queue][desc.id]) % (2u * sizes[queue]);
	return true;
}

static void expect(unsigned queue, uint16_t id, uint32_t len)
{
	uint16_t got_id = 0;
	uint32_t got_len = 0;

	assert_true(take(queue, &got_id, &got_len));
	assert_int_equal(got_id, id);
	assert_int_equal(got_len, len);
}

/* Until nothing moves any more. */
static void pump(void)
{
	for (int i = 0; i < 100; i++) {
		uint64_t before = world.chains;

		for (unsigned q = 0; q < QUEUES; q++)
			assert_int_equal(shadow_publish(&shadows[q], &world, true), 0);
		for (unsigned q = 0; q < QUEUES; q++)
			assert_int_equal(shadow_notify(&shadows[q], &world), 0);
		step(OP_SETTLE, 0, 0);
		for (unsigned q = 0; q < QUEUES; q++)
			assert_in_range(shadow_collect(&shadows[q], &world), 0, 1);
		if (before == world.chains)
			return;
	}
	fail_msg("it moves for ever");
}

static void put_frame(unsigned place, uint8_t first, unsigned len)
{
	memset(bytes + place, 0, HEADER);
	for (unsigned i = 0; i < len; i++)
		bytes[place + HEADER + i] = (uint8_t)(first + i);
}

static void a_frame_goes_and_comes_back(void **state)
{
	static const struct vring_desc room[] = {
		{ DATA + 4096, 100, VRING_DESC_F_WRITE, 0 },
		{ DATA + 8000, 1000, VRING_DESC_F_WRITE, 0 },
	};
	static const struct vring_desc frame[] = { { DATA, HEADER, 0, 0 },
						   { DATA + HEADER, 200, 0, 0 } };

	(void)state;
	begin(16, 16);
	memset(bytes + DATA + 4096, 0xee, 4096);
	offer(RX, 3, room, 2);
	put_frame(DATA, 7, 200);
	offer(TX, 5, frame, 2);
	pump();
	expect(TX, 5, 0);
	expect(RX, 3, HEADER + 200);
	assert_memory_equal(bytes + DATA + 4096 + HEADER, bytes + DATA + HEADER, 100 - HEADER);
	assert_memory_equal(bytes + DATA + 8000, bytes + DATA + 100, HEADER + 200 - 100);
	assert_int_equal(bytes[DATA + 8000 + HEADER + 200 - 100], 0xee);
	assert_int_equal(world.chains, 2);
	assert_int_equal(world.room.used, 0);
}

/* Rings of two sizes, neither of them a power of two, over many laps of each; every third chain
 * is a table, every other has two pieces. */
static void a_ring_may_be_smaller_than_the_drivers(void **state)
{
	(void)state;
	begin(5, 37);
	for (unsigned i = 0; i < 300; i++) {
		unsigned place = DATA + i % 16 * 2048, room = DATA + 65536 + i % 16 * 2048;
		struct vring_packed_desc table[] = {
			{ place, HEADER, 9, 0 },
			{ place + HEADER, 60, 9, 0 },
		};
		const struct vring_desc pieces[] = { { place, HEADER, 0, 0 },
						     { place + HEADER, 60, 0, 0 } };

		put_frame(place, (uint8_t)i, 60);
		memset(bytes + room, 0, 2048);
		memcpy(bytes + DATA + 40000, table, sizeof(table));
		/* Without its last piece it is a header, and no frame. */
		if (i % 3 == 0 || i % 2 == 0)
			offer_one(RX, (uint16_t)(i % 32), room, 256, VRING_DESC_F_WRITE);
		if (i % 3 == 0)
			offer_one(TX, (uint16_t)(i % 32), DATA + 40000, sizeof(table),
				  VRING_DESC_F_INDIRECT);
		else
			offer(TX, (uint16_t)(i % 32), pieces, i % 2 == 0 ? 2 : 1);
		pump();
		expect(TX, (uint16_t)(i % 32), 0);
		if (i % 3 != 0 && i % 2 != 0)
			continue;
		expect(RX, (uint16_t)(i % 32), HEADER + 60);
		assert_memory_equal(bytes + room + HEADER, bytes + place + HEADER, 60);
	}
}

/* What the device reads where the arena's driver says what it wants. */
static void assert_told(unsigned queue, uint16_t off_wrap, uint16_t flags)
{
	struct vring_packed_desc_event event;
	const struct guest *g = &run->guest;

	arena_load(&run->guest.arena, g->queues[queue].ring[VIRTQUEUE_DRIVER], &event,
		   sizeof(event));
	assert_int_equal(event.flags, flags);
	if (flags == VRING_PACKED_EVENT_FLAG_DESC)
		assert_int_equal(event.off_wrap, off_wrap);
}

static void set_event(unsigned queue, uint16_t off_wrap, uint16_t flags)
{
	const struct vring_packed_desc_event event = { off_wrap, flags };

	memcpy(bytes + at(queue, 1), &event, sizeof(event));
}

static void send_one(uint16_t id)
{
	put_frame(DATA, 1, 60);
	offer_one(TX, id, DATA, HEADER + 60, 0);
	pump();
	expect(TX, id, 0);
}

/* An event as far ahead in the arena's ring, which is smaller, as it is in the driver's. */
static void the_device_is_told_what_the_driver_wants(void **state)
{
	(void)state;
	begin(4, 6);
	for (uint16_t i = 0; i < 5; i++)
		send_one(i);
	assert_told(TX, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
	set_event(TX, RING_EVENT_WRAP | 5, VRING_PACKED_EVENT_FLAG_DESC);
	send_one(5);
	/* Five of four are used: the sixth is the second of the second lap. */
	assert_told(TX, 1, VRING_PACKED_EVENT_FLAG_DESC);
	set_event(TX, 2, VRING_PACKED_EVENT_FLAG_DESC);
	send_one(6);
	assert_told(TX, RING_EVENT_WRAP | 0, VRING_PACKED_EVENT_FLAG_DESC);
	/* It is behind. */
	set_event(TX, 0, VRING_PACKED_EVENT_FLAG_DESC);
	send_one(7);
	assert_told(TX, 2, VRING_PACKED_EVENT_FLAG_DESC);
	set_event(TX, 0, VRING_PACKED_EVENT_FLAG_DISABLE);
	send_one(8);
	assert_told(TX, 0, VRING_PACKED_EVENT_FLAG_DISABLE);
	set_event(TX, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
	send_one(9);
	assert_told(TX, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
}

static void a_ring_that_stops_gives_back_what_is_out(void **state)
{
	static const struct vring_desc room[] = {
		{ DATA + 65536, 100, VRING_DESC_F_WRITE, 0 },
		{ DATA + 65636, 1000, VRING_DESC_F_WRITE, 0 },
	};

	(void)state;
	begin(16, 16);
	for (uint16_t i = 0; i < 5; i++)
		offer(RX, i, room, 2);
	send_one(0);
	expect(RX, 0, HEADER + 60);
	/* Four are out, of two entries each, and were taken last. */
	assert_int_equal(shadow_stop(&shadows[RX]), (RING_EVENT_WRAP | 2) * 0x10001u);
	assert_int_equal(shadow_stop(&shadows[RX]), (RING_EVENT_WRAP | 2) * 0x10001u);
	/* What comes back of these now is nobody's. */
	memset(bytes + DATA + 65536, 0, 65536);
	send_one(1);
	assert_int_equal(bytes[DATA + 65536 + HEADER], 0);
	/* From there on the driver has them again. */
	begin_ring(RX, 16, (RING_EVENT_WRAP | 2) * 0x10001u);
	shadows[RX].notified = true;
	for (uint16_t i = 2; i < 6; i++)
		send_one(i);
	expect(RX, 1, HEADER + 60);
}

/* Linux, in user mode, frees what waits in its ring before anybody is told that it is to stop. */
static void a_ring_that_may_have_been_left_is_doubted(void **state)
{
	(void)state;
	begin(16, 16);
	shadows[RX].ring.setup.takes_back = true;
	offer_one(RX, 0, BYTES, 1, VRING_DESC_F_WRITE);
	assert_int_equal(shadow_publish(&shadows[RX], &world, true), 0);
	assert_non_null(strstr(shadows[RX].doubt, "are not in memory"));
	/* It goes on, if that was nothing. */
	assert_int_equal(shadow_notify(&shadows[RX], &world), 0);
	next[RX] = 0;
	offer_one(RX, 0, DATA, 1, VRING_DESC_F_WRITE);
	assert_int_equal(shadow_publish(&shadows[RX], &world, true), 0);
	assert_int_equal(shadows[RX].doubt[0], '\0');
	assert_int_equal(shadows[RX].chain_count, 1);
	assert_int_equal(shadow_notify(&shadows[RX], &world), 0);
	/* A driver that has left a ring does not notify. */
	offer_one(RX, 1, BYTES, 1, VRING_DESC_F_WRITE);
	shadows[RX].notified = false;
	assert_int_equal(shadow_publish(&shadows[RX], &world, true), 0);
	shadows[RX].notified = true;
	assert_int_equal(shadow_publish(&shadows[RX], &world, true), -EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_frame_goes_and_comes_back),
		TEST(a_ring_may_be_smaller_than_the_drivers),
		TEST(the_device_is_told_what_the_driver_wants),
		TEST(a_ring_that_stops_gives_back_what_is_out),
		TEST(a_ring_that_may_have_been_left_is_doubted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
