/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A packed ring in a driver's memory: what is well-formed is read as it is written, over as
 * many laps as there are; used entries are shown together; and what is not well-formed is
 * refused with one line (harness/serve/driver_ring.h).
 */
#include "harness/serve/driver_ring.h"

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

#include <cmocka.h>

#define SIZE 7u /* it need be no power of two */
#define PAGE 4096u
#define BYTES (2 * PAGE)
#define GUEST 0x100000u
#define USER 0x7f0000000000u
#define DRIVER 1024u /* offsets */
#define DEVICE 2048u
#define TABLE 3072u
#define DATA PAGE
#define AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define USED (1u << VRING_PACKED_DESC_F_USED)
#define WRAP 0x8000u

static struct driver_memory memory;
static struct driver_ring ring;
static struct driver_chain chain;
static char why[DRIVER_RING_WHY_MAX];
static uint8_t *bytes;
static int fd;
static unsigned at; /* where the driver writes next, counted over two laps */

static struct driver_ring_setup setup_of(uint32_t base, bool event_idx)
{
	return (struct driver_ring_setup){ .queue = 3,
					   .size = SIZE,
					   .packed = true,
					   .base = base,
					   .desc = USER,
					   .avail = USER + DRIVER,
					   .used = USER + DEVICE,
					   .event_idx = event_idx,
					   .indirect = true };
}

static void open_at(uint32_t base, bool event_idx)
{
	const struct driver_ring_setup how = setup_of(base, event_idx);

	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), 0);
	at = (base & (WRAP - 1)) + (base & WRAP ? 0 : SIZE);
}

static int setup(void **state)
{
	struct vhost_memory_table table = { .count = 1 };

	(void)state;
	fd = memfd_create("driver", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, BYTES) != 0)
		return -1;
	bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	table.regions[0].guest_addr = GUEST;
	table.regions[0].user_addr = USER;
	table.regions[0].size = BYTES;
	if (bytes == MAP_FAILED || driver_memory_set(&memory, &table, &fd, why, sizeof(why)) != 0)
		return -1;
	open_at(WRAP, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	driver_memory_release(&memory);
	munmap(bytes, BYTES);
	close(fd);
	return 0;
}

static void put16(unsigned place, uint16_t value)
{
	memcpy(bytes + place, &value, sizeof(value));
}

static uint16_t get16(unsigned place)
{
	uint16_t value;

	memcpy(&value, bytes + place, sizeof(value));
	return value;
}

static void put_desc(unsigned place, uint64_t addr, uint32_t len, uint16_t id, unsigned flags)
{
	const struct vring_packed_desc desc = { addr, len, id, (uint16_t)flags };

	memcpy(bytes + place, &desc, sizeof(desc));
}

/* The next entry of the driver's. */
static void offer(uint64_t addr, uint32_t len, uint16_t id, unsigned flags)
{
	put_desc(at % SIZE * 16, addr, len, id, flags | (at < SIZE ? AVAIL : USED));
	at = (at + 1) % (2 * SIZE);
}

static int look_and_peek(void)
{
	int err = driver_ring_look(&ring, why);

	return err != 0 ? err : driver_ring_peek(&ring, &memory, &chain, why);
}

static void refuse(const char *part)
{
	why[0] = '\0';
	assert_int_equal(look_and_peek(), -EPROTO);
	if (strstr(why, part) == NULL)
		fail_msg("'%s' says nothing of '%s'", why, part);
}

static uint16_t flags_at(unsigned entry)
{
	return get16(entry * 16 + 14);
}

/* ---- what the driver makes available ------------------------------------------------------ */

static void a_list_is_read_as_it_is_written(void **state)
{
	(void)state;
	assert_int_equal(look_and_peek(), 0);
	offer(GUEST + DATA, 12, 99, VRING_DESC_F_NEXT);
	offer(GUEST + DATA + 64, 100, 5, VRING_DESC_F_WRITE);
	/* It stays there until it is taken. */
	assert_int_equal(look_and_peek(), 1);
	assert_int_equal(look_and_peek(), 1);
	/* Only the last tells which buffer it is. */
	assert_int_equal(chain.head, 5);
	assert_int_equal(chain.direct, 2);
	assert_int_equal(chain.count, 2);
	assert_int_equal(chain.buffers[0].addr, GUEST + DATA);
	assert_int_equal(chain.buffers[0].flags, VRING_DESC_F_NEXT);
	assert_int_equal(chain.buffers[1].len, 100);
	assert_int_equal(chain.buffers[1].flags, VRING_DESC_F_WRITE);
	driver_ring_take(&ring, chain.direct);
	assert_int_equal(look_and_peek(), 0);
}

static void a_list_goes_round_the_end(void **state)
{
	(void)state;
	open_at(WRAP | (SIZE - 1), false);
	offer(GUEST + DATA, 1, 0, VRING_DESC_F_NEXT);
	offer(GUEST + DATA, 2, 0, VRING_DESC_F_NEXT);
	offer(GUEST + DATA, 3, 8, 0);
	assert_int_equal(look_and_peek(), 1);
	assert_int_equal(chain.count, 3);
	assert_int_equal(chain.buffers[2].index, 1);
	driver_ring_take(&ring, chain.direct);
	assert_int_equal(driver_ring_base(&ring, ring.next_avail), 2 | (WRAP | (SIZE - 1)) << 16);
	driver_ring_put(&ring, 8, 0, chain.direct);
	driver_ring_show(&ring);
	assert_int_equal(flags_at(SIZE - 1), AVAIL | USED);
	assert_int_equal(driver_ring_base(&ring, ring.next_avail), 2 | 2 << 16);
}

static void entries_of_an_indirect_table_follow_each_other(void **state)
{
	(void)state;
	offer(GUEST + TABLE, 3 * 16, 4, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE);
	put_desc(TABLE, GUEST + DATA, 8, 77, 0);
	/* Only WRITE counts there. */
	put_desc(TABLE + 16, GUEST + DATA + 8, 9, 77, VRING_DESC_F_INDIRECT | USED);
	put_desc(TABLE + 32, GUEST + DATA + 17, 10, 77, VRING_DESC_F_WRITE);
	assert_int_equal(look_and_peek(), 1);
	assert_true(chain.indirect);
	assert_int_equal(chain.head, 4);
	assert_int_equal(chain.direct, 1);
	assert_int_equal(chain.count, 4);
	assert_int_equal(chain.buffers[2].len, 9);
	assert_int_equal(chain.buffers[2].flags, 0);
	assert_int_equal(chain.buffers[3].flags, VRING_DESC_F_WRITE);
}

/* A ring that is all available, and one that is all used, over and over. */
static void laps_follow_each_other(void **state)
{
	(void)state;
	for (unsigned lap = 0; lap < 5; lap++) {
		for (uint16_t i = 0; i < SIZE; i++)
			offer(GUEST + DATA, 1, i, VRING_DESC_F_WRITE);
		for (uint16_t i = 0; i < SIZE; i++) {
			assert_int_equal(look_and_peek(), 1);
			assert_int_equal(chain.head, i);
			driver_ring_take(&ring, chain.direct);
		}
		assert_int_equal(look_and_peek(), 0);
		for (uint16_t i = 0; i < SIZE; i++)
			driver_ring_put(&ring, (uint16_t)(SIZE - 1 - i), 1, 1);
		/* Nobody has seen the first, and so none. */
		assert_int_equal(flags_at(0), VRING_DESC_F_WRITE | (lap % 2 == 0 ? AVAIL : USED));
		assert_true(driver_ring_show(&ring));
		for (uint16_t i = 0; i < SIZE; i++) {
			assert_int_equal(get16(i * 16u + 12), SIZE - 1u - i);
			assert_int_equal(flags_at(i),
					 VRING_DESC_F_WRITE | (lap % 2 == 0 ? AVAIL | USED : 0));
		}
	}
}

/* A ring has no more entries than it has, whatever their flags say. */
static void no_more_is_seen_than_there_is_room_for(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < SIZE; i++)
		offer(GUEST + DATA, 1, i, 0);
	for (uint16_t i = 0; i < SIZE; i++) {
		assert_int_equal(look_and_peek(), 1);
		driver_ring_take(&ring, 1);
	}
	offer(GUEST + DATA, 1, 0, 0);
	assert_int_equal(look_and_peek(), 0);
	driver_ring_put(&ring, 0, 0, 1);
	/* It is there when the driver has one back; which has been written over it. */
	assert_true(driver_ring_show(&ring));
	assert_int_equal(look_and_peek(), 0);
	offer(GUEST + DATA, 1, 0, 0);
	assert_int_equal(look_and_peek(), 0);
}

/* ---- what goes back ------------------------------------------------------------------------ */

static void used_entries_are_shown_together(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		offer(GUEST + DATA, 1, 7, i % 2 == 0 && i < 4 ? VRING_DESC_F_NEXT : 0);
	assert_int_equal(driver_ring_look(&ring, why), 0);
	driver_ring_take(&ring, 2);
	driver_ring_take(&ring, 2);
	driver_ring_take(&ring, 1);
	assert_false(driver_ring_show(&ring));
	driver_ring_put(&ring, 6, 100, 2);
	driver_ring_put(&ring, 4, 0, 1);
	assert_int_equal(flags_at(0) & USED, 0);
	assert_true(driver_ring_show(&ring));
	/* The second lies behind all entries of the first. */
	assert_int_equal(flags_at(0), AVAIL | USED | VRING_DESC_F_WRITE);
	assert_int_equal(get16(12), 6);
	assert_int_equal(get16(8), 100);
	assert_int_equal(flags_at(1), AVAIL);
	assert_int_equal(flags_at(2), AVAIL | USED);
	assert_int_equal(get16(2 * 16 + 12), 4);
	assert_false(driver_ring_show(&ring));
	put16(DRIVER + 2, VRING_PACKED_EVENT_FLAG_DISABLE);
	driver_ring_put(&ring, 7, 1, 2);
	assert_false(driver_ring_show(&ring));
	assert_true(flags_at(3) & USED);
}

static void set_event(uint16_t off_wrap, uint16_t flags)
{
	put16(DRIVER, off_wrap);
	put16(DRIVER + 2, flags);
}

static void events_are_heeded(void **state)
{
	struct driver_ring_wish wish;

	(void)state;
	open_at(WRAP, true);
	/* From the first on the driver is to notify. */
	assert_int_equal(get16(DEVICE), WRAP);
	assert_int_equal(get16(DEVICE + 2), VRING_PACKED_EVENT_FLAG_DESC);
	for (uint16_t i = 0; i < SIZE; i++)
		offer(GUEST + DATA, 1, i, 0);
	assert_int_equal(driver_ring_look(&ring, why), 0);
	driver_ring_take(&ring, 3);
	assert_int_equal(get16(DEVICE), WRAP | 3);
	driver_ring_take(&ring, SIZE - 3);
	assert_int_equal(get16(DEVICE), 0);
	/* It wants one for entry 2. */
	set_event(WRAP | 2, VRING_PACKED_EVENT_FLAG_DESC);
	wish = driver_ring_wish(&ring);
	assert_true(wish.event);
	assert_int_equal(wish.value, 2);
	driver_ring_put(&ring, 0, 0, 2);
	assert_false(driver_ring_show(&ring));
	driver_ring_put(&ring, 0, 0, 2);
	assert_true(driver_ring_show(&ring));
	assert_int_equal(driver_ring_wish(&ring).value, -2);
	driver_ring_put(&ring, 0, 0, 1);
	assert_false(driver_ring_show(&ring));
	/* Of the next lap, which is not that far. */
	set_event(1, VRING_PACKED_EVENT_FLAG_DESC);
	assert_int_equal(driver_ring_wish(&ring).value, SIZE - 5 + 1);
	driver_ring_put(&ring, 0, 0, 2);
	assert_false(driver_ring_show(&ring));
	offer(GUEST + DATA, 1, 0, 0);
	offer(GUEST + DATA, 1, 0, 0);
	driver_ring_take(&ring, 2);
	driver_ring_put(&ring, 0, 0, 1);
	assert_false(driver_ring_show(&ring));
	driver_ring_put(&ring, 0, 0, 1);
	assert_true(driver_ring_show(&ring));
	set_event(0, VRING_PACKED_EVENT_FLAG_DISABLE);
	wish = driver_ring_wish(&ring);
	assert_false(wish.event);
	assert_int_equal(wish.value, VRING_AVAIL_F_NO_INTERRUPT);
}

/* An event is for those that accepted it, and of an entry that there is. */
static void an_event_that_means_nothing_silences_nobody(void **state)
{
	(void)state;
	set_event(WRAP | 6, VRING_PACKED_EVENT_FLAG_DESC);
	assert_false(driver_ring_wish(&ring).event);
	driver_ring_put(&ring, 0, 0, 1);
	assert_true(driver_ring_show(&ring));
	open_at(WRAP, true);
	set_event(WRAP | SIZE, VRING_PACKED_EVENT_FLAG_DESC);
	assert_false(driver_ring_wish(&ring).event);
	driver_ring_put(&ring, 0, 0, 1);
	assert_true(driver_ring_show(&ring));
}

/* ---- beginnings ---------------------------------------------------------------------------- */

static void it_begins_where_the_driver_says(void **state)
{
	struct driver_ring_setup how;

	(void)state;
	open_at(WRAP | 3, false);
	assert_int_equal(driver_ring_base(&ring, ring.next_avail), (WRAP | 3) * 0x10001u);
	/* What a driver says that has no other way to begin. */
	open_at(0, false);
	assert_int_equal(driver_ring_base(&ring, ring.next_avail), WRAP * 0x10001u);
	/* ... which is the second lap where this end has said so. */
	how = setup_of(0, false);
	how.goes_on = true;
	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), 0);
	assert_int_equal(driver_ring_base(&ring, ring.next_avail), 0);
	how.base = WRAP | 2;
	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), -EPROTO);
	assert_non_null(strstr(why, "ring 3 begins at 0x8002"));
	how.base = 2;
	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), 0);
	assert_int_equal(driver_ring_base(&ring, ring.next_avail), 2);
	open_at((WRAP | 5) << 16 | 2, false);
	assert_int_equal(driver_ring_base(&ring, ring.next_avail), (WRAP | 5) << 16 | 2);
	/* More is out than there is. */
	how.base = 5u << 16 | WRAP | 6;
	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), -EPROTO);
	how = setup_of(WRAP | SIZE, false);
	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), -EPROTO);
	assert_non_null(strstr(why, "expected an entry of 7"));
}

static void rings_that_are_nowhere_are_refused(void **state)
{
	static const uint16_t sizes[] = { 0, DRIVER_RING_MAX + 1, 32768, 65535 };
	static const uint64_t places[] = { 0, USER - 16, USER + BYTES, USER + 2, GUEST };
	struct driver_ring_setup how;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		how = setup_of(WRAP, false);
		how.size = sizes[i];
		assert_int_equal(driver_ring_open(&ring, &memory, &how, why), -EPROTO);
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		how = setup_of(WRAP, false);
		how.desc = places[i];
		assert_int_equal(driver_ring_open(&ring, &memory, &how, why), -EPROTO);
		assert_non_null(strstr(why, "the descriptor ring of ring 3"));
		how = setup_of(WRAP, false);
		how.avail = places[i];
		assert_int_equal(driver_ring_open(&ring, &memory, &how, why), -EPROTO);
		assert_non_null(strstr(why, "the driver's event suppression"));
		how = setup_of(WRAP, false);
		how.used = places[i];
		assert_int_equal(driver_ring_open(&ring, &memory, &how, why), -EPROTO);
		assert_non_null(strstr(why, "the device's event suppression"));
	}
}

/* ---- what is wrong ------------------------------------------------------------------------- */

static void lists_that_are_wrong_are_refused(void **state)
{
	(void)state;
	offer(GUEST + DATA, 1, 0, VRING_DESC_F_NEXT);
	refuse("goes on in entry 1, which is not available");
	at = 0;
	for (unsigned i = 0; i < SIZE; i++)
		offer(GUEST + DATA, 1, 0, VRING_DESC_F_NEXT);
	refuse("goes on in entry 0, which is not available");
	at = 0;
	offer(GUEST + BYTES, 1, 0, 0);
	refuse("descriptor 0 of ring 3: 1 bytes");
	at = 0;
	offer(UINT64_MAX, 2, 0, VRING_DESC_F_WRITE);
	refuse("are not in memory");
}

static void indirect_tables_that_are_wrong_are_refused(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		unsigned flags;
		const char *says;
	} wrong[] = {
		{ GUEST + TABLE, 0, VRING_DESC_F_INDIRECT, "has 0 bytes" },
		{ GUEST + TABLE, 17, VRING_DESC_F_INDIRECT, "has 17 bytes" },
		{ 0, 16, VRING_DESC_F_INDIRECT, "is not in memory" },
		{ UINT64_MAX - 7, 16, VRING_DESC_F_INDIRECT, "is not in memory" },
		{ GUEST + TABLE, (SIZE + 1) * 16, VRING_DESC_F_INDIRECT, "is longer than 7" },
		{ GUEST + TABLE, UINT32_MAX / 16 * 16, VRING_DESC_F_INDIRECT, "is longer than 7" },
		{ GUEST + TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT,
		  "is indirect where it may not be" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		at = 0;
		offer(wrong[i].addr, wrong[i].len, 0, wrong[i].flags);
		refuse(wrong[i].says);
	}
	at = 0;
	offer(GUEST + TABLE, 16, 0, VRING_DESC_F_INDIRECT);
	put_desc(TABLE, 0, 1, 0, 0);
	refuse("are not in memory");
	put_desc(TABLE, GUEST, 1, 0, 0);
	ring.setup.indirect = false;
	refuse("is indirect where it may not be");
	ring.setup.indirect = true;
	/* Behind another descriptor. */
	at = 0;
	offer(GUEST + DATA, 1, 0, VRING_DESC_F_NEXT);
	offer(GUEST + TABLE, 16, 0, VRING_DESC_F_INDIRECT);
	refuse("is indirect where it may not be");
}

/* Any bytes at all: there is an end, and what is given is in memory. */
static void rubbish_is_survived(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned taken = 0;

		for (unsigned i = 0; i < PAGE; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(seed >> 24);
		}
		/* Mostly small numbers, so that some of it is right. */
		for (unsigned i = 0; i < SIZE; i++)
			put_desc(i * 16, GUEST + (bytes[i * 16] & 1 ? TABLE : DATA),
				 bytes[i * 16 + 1] % 64, bytes[i * 16 + 2],
				 (bytes[i * 16 + 3] & 7) | (bytes[i * 16 + 4] & 8 ? AVAIL : USED));
		while (look_and_peek() == 1) {
			assert_in_range(chain.count, 1, 2 * SIZE);
			for (unsigned i = 0; i < chain.count; i++)
				assert_true(chain.buffers[i].flags & VRING_DESC_F_INDIRECT ||
					    driver_memory_has(&memory, chain.buffers[i].addr,
							      chain.buffers[i].len));
			driver_ring_take(&ring, chain.direct);
			taken += chain.direct;
			assert_in_range(taken, 1, SIZE);
		}
		if (taken > 0)
			driver_ring_put(&ring, 0, 0, taken);
		driver_ring_show(&ring);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_is_read_as_it_is_written),
		TEST(a_list_goes_round_the_end),
		TEST(entries_of_an_indirect_table_follow_each_other),
		TEST(laps_follow_each_other),
		TEST(no_more_is_seen_than_there_is_room_for),
		TEST(used_entries_are_shown_together),
		TEST(events_are_heeded),
		TEST(an_event_that_means_nothing_silences_nobody),
		TEST(it_begins_where_the_driver_says),
		TEST(rings_that_are_nowhere_are_refused),
		TEST(lists_that_are_wrong_are_refused),
		TEST(indirect_tables_that_are_wrong_are_refused),
		TEST(rubbish_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
