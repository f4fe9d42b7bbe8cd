/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A shadow queue: what a driver makes available reaches the device, and what the device
 * wrote, no more, comes back; what does not fit now waits, and what never does is refused
 * (harness/serve/shadow.h, room.h).
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
#include "harness/run/live.h"
#include "harness/serve/shadow.h"

#include <cmocka.h>

#define BYTES (1u << 20)
#define SPAN 16384u /* of a queue's rings */
#define DATA (256u << 10)
#define HEADER 12u
enum { RX, TX, QUEUES };

static struct run *run;
static struct run_options options;
static struct program header;
static struct driver_memory memory;
static struct shadow_world world;
static struct shadow shadows[QUEUES];
static uint16_t sizes[QUEUES]; /* of the driver's rings */
static uint16_t seen[QUEUES];  /* used entries */
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

static void begin_ring(unsigned queue, uint16_t size, uint16_t base)
{
	const struct driver_ring_setup how = { .queue = queue,
					       .size = size,
					       .base = base,
					       .desc = at(queue, 0),
					       .avail = at(queue, 1),
					       .used = at(queue, 2) };

	sizes[queue] = size;
	assert_int_equal(shadow_begin(&shadows[queue], &world, &how), 0);
}

/* A live device with these sizes in the arena, and in the driver's memory. */
static void begin(uint16_t size, uint16_t driver_size)
{
	step(OP_START, RUNG_FEATURES_OK, 0);
	for (unsigned i = 0; i < QUEUES; i++) {
		assert_int_equal(shadow_set_up(&shadows[i], i, size), 0);
		step(OP_QUEUE, i, size);
		begin_ring(i, driver_size, 0);
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
	memset(seen, 0, sizeof(seen));
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

static void put_desc(unsigned queue, unsigned index, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	struct vring_desc desc = { addr, len, flags, next };

	memcpy(bytes + at(queue, 0) + index * sizeof(desc), &desc, sizeof(desc));
}

static void offer(unsigned queue, uint16_t head)
{
	uint16_t idx;

	memcpy(&idx, bytes + at(queue, 1) + 2, 2);
	memcpy(bytes + at(queue, 1) + 4 + 2 * (idx % sizes[queue]), &head, 2);
	idx++;
	memcpy(bytes + at(queue, 1) + 2, &idx, 2);
	shadows[queue].notified = true;
}

static bool take(unsigned queue, uint32_t *id, uint32_t *len)
{
	uint16_t idx;

	memcpy(&idx, bytes + at(queue, 2) + 2, 2);
	if (idx == seen[queue])
		return false;
	memcpy(id, bytes + at(queue, 2) + 4 + 8 * (seen[queue] % sizes[queue]), 4);
	memcpy(len, bytes + at(queue, 2) + 8 + 8 * (seen[queue] % sizes[queue]), 4);
	seen[queue]++;
	return true;
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

static void expect(unsigned queue, uint32_t id, uint32_t len)
{
	uint32_t got_id = 0, got_len = 0;

	assert_true(take(queue, &got_id, &got_len));
	assert_int_equal(got_id, id);
	assert_int_equal(got_len, len);
}

/* ---- copies -----------------------------------------------------------------------------------
 */

static void a_frame_goes_and_comes_back(void **state)
{
	(void)state;
	begin(16, 16);
	memset(bytes + DATA + 4096, 0xee, 4096);
	put_desc(RX, 3, DATA + 4096, 100, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 9);
	put_desc(RX, 9, DATA + 8000, 1000, VRING_DESC_F_WRITE, 0);
	offer(RX, 3);
	put_frame(DATA, 7, 200);
	put_desc(TX, 5, DATA, HEADER, VRING_DESC_F_NEXT, 4);
	put_desc(TX, 4, DATA + HEADER, 200, 0, 0);
	offer(TX, 5);
	pump();
	expect(TX, 5, 0);
	expect(RX, 3, HEADER + 200);
	assert_memory_equal(bytes + DATA + 4096 + HEADER, bytes + DATA + HEADER, 100 - HEADER);
	assert_memory_equal(bytes + DATA + 8000, bytes + DATA + 100, HEADER + 200 - 100);
	/* Nothing past used.len, nor between the buffers. */
	assert_int_equal(bytes[DATA + 8000 + HEADER + 200 - 100], 0xee);
	assert_int_equal(bytes[DATA + 4096 + 100], 0xee);
	assert_int_equal(world.chains, 2);
	assert_int_equal(world.room.used, 0);
}

/* The driver's numbers are not the arena's. */
static void a_ring_may_be_smaller_than_the_drivers(void **state)
{
	(void)state;
	begin(4, 256);
	for (uint16_t i = 0; i < 40; i++) {
		put_desc(RX, 200 + i, DATA + 65536 + i * 256u, 256, VRING_DESC_F_WRITE, 0);
		offer(RX, (uint16_t)(200 + i));
	}
	for (uint16_t i = 0; i < 40; i++) {
		put_frame(DATA + i * 256u, (uint8_t)i, 60);
		put_desc(TX, 255 - i, DATA + i * 256u, HEADER + 60, 0, 0);
		offer(TX, (uint16_t)(255 - i));
	}
	pump();
	for (uint16_t i = 0; i < 40; i++) {
		expect(TX, 255u - i, 0);
		expect(RX, 200u + i, HEADER + 60);
		assert_memory_equal(bytes + DATA + 65536 + i * 256u + HEADER,
				    bytes + DATA + i * 256u + HEADER, 60);
	}
	assert_int_equal(world.chains, 80);
}

/* The device sees what is available, and is notified when the driver does that. */
static void only_the_driver_notifies(void **state)
{
	uint32_t id, len;

	(void)state;
	begin(16, 16);
	put_frame(DATA, 1, 60);
	put_desc(TX, 0, DATA, HEADER + 60, 0, 0);
	put_desc(RX, 0, DATA + 4096, 256, VRING_DESC_F_WRITE, 0);
	offer(RX, 0);
	offer(TX, 0);
	shadows[TX].notified = shadows[RX].notified = false;
	pump();
	assert_int_equal(shadows[TX].ring.next_avail, 1);
	assert_false(take(TX, &id, &len));
	shadows[TX].notified = true;
	pump();
	expect(TX, 0, 0);
	/* It looked there itself. */
	expect(RX, 0, HEADER + 60);
}

/* ---- room --------------------------------------------------------------------------------------
 */

static void buffers_for_input_leave_room_for_others(void **state)
{
	(void)state;
	begin(256, 256);
	/* More than all the room there is, and the device keeps them. */
	for (uint16_t i = 0; i < 200; i++) {
		put_desc(RX, i, DATA + 65536, 16384, VRING_DESC_F_WRITE, 0);
		offer(RX, i);
	}
	pump();
	assert_in_range(shadows[RX].chain_count, 1, SHADOW_CHAINS_MAX);
	assert_true(shadows[RX].owed);
	/* One that is larger than all that these would have left. */
	put_desc(TX, 0, DATA, 40000, 0, 0);
	offer(TX, 0);
	pump();
	expect(TX, 0, 0);
	expect(RX, 0, 0);
	for (uint16_t i = 1; i < 200; i++) {
		put_frame(DATA, (uint8_t)i, 1000);
		put_desc(TX, i, DATA, HEADER + 1000, 0, 0);
		offer(TX, i);
		pump();
		expect(TX, i, 0);
		expect(RX, i, HEADER + 1000);
	}
	assert_int_equal(world.chains, 400);
}

static void refuses(unsigned queue, const char *part)
{
	assert_int_equal(shadow_publish(&shadows[queue], &world, true), -EPROTO);
	if (strstr(world.why, part) == NULL)
		fail_msg("'%s' says nothing of '%s'", world.why, part);
}

static void what_never_fits_is_refused(void **state)
{
	(void)state;
	begin(4, 16);
	put_desc(TX, 0, 0, room_largest(&world.room) + 1, 0, 0);
	offer(TX, 0);
	refuses(TX, "expected at most");
	for (uint16_t i = 0; i < 4; i++)
		put_desc(TX, i, 0, room_largest(&world.room), VRING_DESC_F_NEXT, (uint16_t)(i + 1));
	put_desc(TX, 3, 0, room_largest(&world.room), 0, 0);
	refuses(TX, "expected at most");
	for (uint16_t i = 0; i < 5; i++)
		put_desc(TX, i, 0, 1, i < 4 ? VRING_DESC_F_NEXT : 0, (uint16_t)(i + 1));
	refuses(TX, "has 5 descriptors, the device's queue 4");
	assert_int_equal(world.room.used, 0);
}

static void room_is_given_once_and_comes_back(void **state)
{
	static struct room room;
	static struct room_place places[ROOM_WORDS * 64];
	const struct arena *arena = &run->guest.arena;
	unsigned count = 0;

	(void)state;
	room_open(&room, arena);
	assert_true(room_size(&room) >= 256u << 10);
	while (room_take(&room, ROOM_GRANULE - 1, &places[count])) {
		uint64_t addr = arena->place[places[count].base] + places[count].offset;

		assert_true(addr >= arena->place[BASE_LOW] + GUEST_RINGS_SIZE);
		assert_true(arena_has(&run->guest.arena, addr, ROOM_GRANULE));
		count++;
	}
	assert_int_equal(count * ROOM_GRANULE, room_size(&room));
	/* A hole of three among those that are taken. */
	for (unsigned i = 70; i < 73; i++)
		room_give(&room, &places[i]);
	assert_false(room_take(&room, 4 * ROOM_GRANULE, &places[70]));
	assert_true(room_take(&room, 3 * ROOM_GRANULE, &places[70]));
	assert_int_equal(places[70].first, 70);
	assert_true(room_take(&room, 0, &places[71]));
	room_give(&room, &places[71]);
	room_give(&room, &places[70]);
	assert_int_equal(room.used, room.granules - 3);
}

/* ---- beginning and end
 * --------------------------------------------------------------------------- */

static void a_ring_that_stops_gives_back_what_is_out(void **state)
{
	(void)state;
	begin(16, 16);
	for (uint16_t i = 0; i < 5; i++) {
		put_desc(RX, i, DATA + 65536 + i * 256u, 256, VRING_DESC_F_WRITE, 0);
		offer(RX, i);
	}
	put_frame(DATA, 1, 60);
	put_desc(TX, 0, DATA, HEADER + 60, 0, 0);
	offer(TX, 0);
	pump();
	expect(RX, 0, HEADER + 60);
	/* Four are out, and were taken last. */
	assert_int_equal(shadow_stop(&shadows[RX]), 1);
	/* What comes back of these now is nobody's. */
	memset(bytes + DATA + 65536, 0, 65536);
	offer(TX, 0);
	pump();
	assert_int_equal(bytes[DATA + 65536 + 256 + HEADER], 0);
	/* From there on the driver has them again. */
	begin_ring(RX, 16, 1);
	shadows[RX].notified = true;
	for (unsigned i = 0; i < 4; i++)
		offer(TX, 0);
	pump();
	expect(RX, 1, HEADER + 60);
}

static void a_reset_forgets_all(void **state)
{
	(void)state;
	begin(16, 16);
	put_desc(RX, 0, DATA, 4096, VRING_DESC_F_WRITE, 0);
	offer(RX, 0);
	pump();
	assert_int_equal(shadows[RX].chain_count, 1);
	shadow_reset(&shadows[RX], &world);
	shadow_reset(&shadows[TX], &world);
	assert_int_equal(world.room.used, 0);
	assert_int_equal(shadows[RX].chain_count, 0);
	memset(bytes, 0, QUEUES * SPAN);
	begin(16, 16);
	put_frame(DATA, 1, 60);
	put_desc(TX, 0, DATA, HEADER + 60, 0, 0);
	offer(TX, 0);
	pump();
	expect(TX, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_frame_goes_and_comes_back),
		TEST(a_ring_may_be_smaller_than_the_drivers),
		TEST(only_the_driver_notifies),
		TEST(buffers_for_input_leave_room_for_others),
		TEST(what_never_fits_is_refused),
		TEST(room_is_given_once_and_comes_back),
		TEST(a_ring_that_stops_gives_back_what_is_out),
		TEST(a_reset_forgets_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
