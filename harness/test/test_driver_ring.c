/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A driver's memory and rings are the driver's word: what is well-formed is read as it is
 * written, and what is not is refused with one line, whatever it is
 * (harness/serve/driver_ring.h, memory.h).
 */
#include "harness/serve/driver_ring.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE 8u
#define PAGE 4096u
#define BYTES (4 * PAGE)
#define GUEST 0x100000u /* where the memory is for the guest, and for the front-end */
#define USER 0x7f0000000000u
#define DESC 0u /* offsets */
#define AVAIL 1024u
#define USED 2048u
#define TABLE 3072u
#define DATA PAGE

static struct driver_memory memory;
static struct driver_ring ring;
static struct driver_chain chain;
static char why[DRIVER_RING_WHY_MAX];
static uint8_t *bytes; /* the driver's own view */
static int fd;

static struct vhost_memory_table table_of(unsigned count, uint64_t size)
{
	struct vhost_memory_table table = { .count = count };

	for (unsigned i = 0; i < count; i++) {
		table.regions[i].guest_addr = GUEST + i * size;
		table.regions[i].user_addr = USER + i * size;
		table.regions[i].size = size;
		table.regions[i].mmap_offset = i * size;
	}
	return table;
}

static int set_memory(const struct vhost_memory_table *table)
{
	const int fds[VHOST_REGIONS_MAX] = { fd, fd, fd, fd, fd, fd, fd, fd };

	why[0] = '\0';
	return driver_memory_set(&memory, table, fds, why, sizeof(why));
}

static struct driver_ring_setup setup_of(uint16_t size)
{
	return (struct driver_ring_setup){ .queue = 3,
					   .size = size,
					   .desc = USER + DESC,
					   .avail = USER + AVAIL,
					   .used = USER + USED,
					   .indirect = true };
}

static int setup(void **state)
{
	struct vhost_memory_table table = table_of(1, BYTES);
	struct driver_ring_setup how = setup_of(SIZE);

	(void)state;
	fd = memfd_create("driver", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, BYTES) != 0)
		return -1;
	bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED || set_memory(&table) != 0)
		return -1;
	return driver_ring_open(&ring, &memory, &how, why);
}

static int teardown(void **state)
{
	(void)state;
	driver_memory_release(&memory);
	munmap(bytes, BYTES);
	close(fd);
	return 0;
}

static void put_desc(unsigned at, unsigned index, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	struct vring_desc desc = { addr, len, flags, next };

	memcpy(bytes + at + index * sizeof(desc), &desc, sizeof(desc));
}

static void put16(unsigned at, uint16_t value)
{
	memcpy(bytes + at, &value, sizeof(value));
}

static uint16_t get16(unsigned at)
{
	uint16_t value;

	memcpy(&value, bytes + at, sizeof(value));
	return value;
}

/* The next chain, as a driver that has just notified means it. */
static int look_and_peek(void)
{
	int err = driver_ring_look(&ring, why);

	return err != 0 ? err : driver_ring_peek(&ring, &memory, &chain, why);
}

/* Make `head` available. */
static void offer(uint16_t head)
{
	uint16_t idx = get16(AVAIL + 2);

	put16(AVAIL + 4 + 2 * (idx % SIZE), head);
	put16(AVAIL + 2, (uint16_t)(idx + 1));
}

static void refuse(const char *part)
{
	why[0] = '\0';
	assert_int_equal(look_and_peek(), -EPROTO);
	if (strstr(why, part) == NULL)
		fail_msg("'%s' says nothing of '%s'", why, part);
}

/* ---- rings ------------------------------------------------------------------------------- */

static void a_chain_is_read_as_it_is_written(void **state)
{
	(void)state;
	assert_int_equal(look_and_peek(), 0);
	put_desc(DESC, 5, GUEST + DATA, 12, VRING_DESC_F_NEXT, 2);
	put_desc(DESC, 2, GUEST + DATA + 64, 100, VRING_DESC_F_WRITE, 7);
	offer(5);
	/* It stays there until it is taken. */
	assert_int_equal(look_and_peek(), 1);
	assert_int_equal(look_and_peek(), 1);
	assert_int_equal(chain.head, 5);
	assert_int_equal(chain.count, 2);
	assert_int_equal(chain.direct, 2);
	assert_int_equal(chain.buffers[0].addr, GUEST + DATA);
	assert_int_equal(chain.buffers[0].index, 5);
	assert_int_equal(chain.buffers[1].len, 100);
	assert_int_equal(chain.buffers[1].flags, VRING_DESC_F_WRITE);
	driver_ring_take(&ring, chain.direct);
	assert_int_equal(look_and_peek(), 0);
}

static void an_indirect_table_is_read_as_it_is_written(void **state)
{
	(void)state;
	put_desc(DESC, 1, GUEST + TABLE, 3 * 16, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, 0, GUEST + DATA, 8, VRING_DESC_F_NEXT, 2);
	put_desc(TABLE, 2, GUEST + DATA + 8, 8, VRING_DESC_F_WRITE, 0);
	offer(1);
	assert_int_equal(look_and_peek(), 1);
	assert_true(chain.indirect);
	assert_int_equal(chain.direct, 1);
	assert_int_equal(chain.count, 3);
	assert_int_equal(chain.buffers[2].index, 2);
}

static void as_many_chains_as_there_are_entries_wrap(void **state)
{
	(void)state;
	put_desc(DESC, 0, GUEST + DATA, 1, 0, 0);
	ring.next_avail = 65534;
	put16(AVAIL + 2, 65534);
	for (unsigned i = 0; i < SIZE; i++)
		offer(0);
	for (unsigned i = 0; i < SIZE; i++) {
		assert_int_equal(look_and_peek(), 1);
		driver_ring_take(&ring, chain.direct);
	}
	assert_int_equal(look_and_peek(), 0);
	assert_int_equal(ring.next_avail, (uint16_t)(65534 + SIZE));
}

static void an_index_that_jumps_is_refused(void **state)
{
	(void)state;
	put16(AVAIL + 2, SIZE + 1);
	refuse("the available index of ring 3 jumps from 0 to 9");
	put16(AVAIL + 2, 65535);
	refuse("jumps from 0 to 65535");
}

/* Linux takes buffers back after a reset, which not every driver can tell a back-end of. */
static void what_was_made_available_may_be_taken_back(void **state)
{
	struct driver_ring_setup how = setup_of(SIZE);

	(void)state;
	how.takes_back = true;
	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), 0);
	for (unsigned i = 0; i < 3; i++)
		offer(0);
	assert_int_equal(look_and_peek(), 1);
	driver_ring_take(&ring, chain.direct);
	driver_ring_take(&ring, chain.direct);
	put16(AVAIL + 2, 1);
	assert_int_equal(look_and_peek(), 0);
	assert_int_equal(ring.behind, 1);
	/* It goes on. */
	put16(AVAIL + 2, 3);
	assert_int_equal(look_and_peek(), 1);
	assert_int_equal(ring.behind, 0);
	put16(AVAIL + 2, 2 + SIZE + 1);
	refuse("jumps from 2 to");
	put16(AVAIL + 2, (uint16_t)(2 - SIZE - 1));
	refuse("jumps from 2 to");
}

/* Between two looks, what was seen stays. */
static void a_ring_is_looked_at_when_that_is_asked_for(void **state)
{
	(void)state;
	offer(0);
	assert_int_equal(driver_ring_peek(&ring, &memory, &chain, why), 0);
	assert_int_equal(look_and_peek(), 1);
	put16(AVAIL + 2, 0);
	assert_true(driver_ring_waits(&ring));
	assert_int_equal(driver_ring_peek(&ring, &memory, &chain, why), 1);
}

static void a_loop_is_refused(void **state)
{
	(void)state;
	put_desc(DESC, 0, GUEST + DATA, 1, VRING_DESC_F_NEXT, 0);
	offer(0);
	refuse("is a loop, or longer than 8");
	/* Of all descriptors. */
	for (uint16_t i = 0; i < SIZE; i++)
		put_desc(DESC, i, GUEST + DATA, 1, VRING_DESC_F_NEXT, (uint16_t)((i + 1) % SIZE));
	refuse("is a loop, or longer than 8");
	/* ... which are no loop. */
	put_desc(DESC, SIZE - 1, GUEST + DATA, 1, 0, 0);
	assert_int_equal(look_and_peek(), 1);
	assert_int_equal(chain.count, SIZE);
}

static void numbers_past_the_table_are_refused(void **state)
{
	(void)state;
	offer(SIZE);
	refuse("descriptor 8 of ring 3, in a table of 8");
	put16(AVAIL + 4, 65535);
	refuse("descriptor 65535 of ring 3");
	put16(AVAIL + 4, 0);
	put_desc(DESC, 0, GUEST + DATA, 1, VRING_DESC_F_NEXT, SIZE);
	refuse("descriptor 8 of ring 3");
}

static void buffers_outside_memory_are_refused(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
	} wrong[] = {
		{ 0, 1 },
		{ GUEST - 1, 1 },
		{ GUEST - 1, 2 },
		{ GUEST + BYTES, 1 },
		{ GUEST + BYTES - 1, 2 },
		{ GUEST, BYTES + 1 },
		{ GUEST, UINT32_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, 2 },
		{ UINT64_MAX - 100, UINT32_MAX },
		{ USER, 1 },
	};

	(void)state;
	offer(0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put_desc(DESC, 0, wrong[i].addr, wrong[i].len, i % 2 ? VRING_DESC_F_WRITE : 0, 0);
		refuse("are not in memory");
	}
	put_desc(DESC, 0, GUEST + BYTES - 1, 1, 0, 0);
	assert_int_equal(look_and_peek(), 1);
}

static void indirect_tables_that_are_wrong_are_refused(void **state)
{
	(void)state;
	offer(0);
	put_desc(DESC, 0, GUEST + TABLE, 0, VRING_DESC_F_INDIRECT, 0);
	refuse("has 0 bytes");
	put_desc(DESC, 0, GUEST + TABLE, 17, VRING_DESC_F_INDIRECT, 0);
	refuse("has 17 bytes");
	put_desc(DESC, 0, 0, 16, VRING_DESC_F_INDIRECT, 0);
	refuse("is not in memory");
	put_desc(DESC, 0, UINT64_MAX - 7, 16, VRING_DESC_F_INDIRECT, 0);
	refuse("is not in memory");
	put_desc(DESC, 0, GUEST + TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	refuse("is indirect where it may not be");
	put_desc(DESC, 0, GUEST + TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, 0, GUEST + TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	refuse("is indirect where it may not be");
	put_desc(DESC, 0, GUEST + TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, 0, GUEST + DATA, 1, VRING_DESC_F_NEXT, 2);
	refuse("descriptor 2 of ring 3, in a table of 2");
	put_desc(DESC, 0, GUEST + TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, 0, GUEST + DATA, 1, VRING_DESC_F_NEXT, 0);
	refuse("is a loop, or longer than 1");
	/* The largest that its length allows is bounded all the same. */
	put_desc(DESC, 0, GUEST + TABLE, UINT32_MAX / 16 * 16, VRING_DESC_F_INDIRECT, 0);
	refuse("is a loop, or longer than 8");
	put_desc(TABLE, 0, GUEST + DATA, 1, 0, 0);
	ring.setup.indirect = false;
	refuse("is indirect where it may not be");
}

static void rings_that_are_nowhere_are_refused(void **state)
{
	static const uint16_t sizes[] = { 0, 3, 2 * DRIVER_RING_MAX, 32768, 65535 };
	static const uint64_t places[] = {
		0, USER - 16, USER + BYTES, USER + BYTES - 16, USER + 8, UINT64_MAX - 15, GUEST
	};
	struct driver_ring other;
	struct driver_ring_setup how;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		how = setup_of(sizes[i]);
		assert_int_equal(driver_ring_open(&other, &memory, &how, why), -EPROTO);
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		how = setup_of(SIZE);
		how.desc = places[i];
		assert_int_equal(driver_ring_open(&other, &memory, &how, why), -EPROTO);
		assert_non_null(strstr(why, "the descriptor table of ring 3"));
		how = setup_of(SIZE);
		how.avail = places[i] + (places[i] % 16 != 0);
		if (places[i] != USER + 8) {
			how.size = 64;
			how.avail = places[i] + 1;
		}
		assert_int_equal(driver_ring_open(&other, &memory, &how, why), -EPROTO);
		how = setup_of(64);
		how.used = places[i] + 2;
		assert_int_equal(driver_ring_open(&other, &memory, &how, why), -EPROTO);
	}
	/* The fields of events are there where they are used. */
	how = setup_of(SIZE);
	how.used = USER + BYTES - (4 + 8 * SIZE);
	assert_int_equal(driver_ring_open(&other, &memory, &how, why), 0);
	how.event_idx = true;
	assert_int_equal(driver_ring_open(&other, &memory, &how, why), -EPROTO);
}

static void used_entries_are_shown_together(void **state)
{
	(void)state;
	driver_ring_put(&ring, 6, 100, 1);
	driver_ring_put(&ring, 4, 0, 1);
	assert_int_equal(get16(USED + 2), 0);
	assert_true(driver_ring_show(&ring));
	assert_int_equal(get16(USED + 2), 2);
	assert_int_equal(get16(USED + 4), 6);
	assert_int_equal(get16(USED + 8), 100);
	assert_int_equal(get16(USED + 12), 4);
	/* Nothing new; and one that the driver does not want to hear of. */
	assert_false(driver_ring_show(&ring));
	put16(AVAIL, VRING_AVAIL_F_NO_INTERRUPT);
	driver_ring_put(&ring, 6, 100, 1);
	assert_false(driver_ring_show(&ring));
	assert_int_equal(get16(USED + 2), 3);
}

static void events_are_heeded(void **state)
{
	struct driver_ring_setup how = setup_of(SIZE);

	(void)state;
	how.event_idx = true;
	assert_int_equal(driver_ring_open(&ring, &memory, &how, why), 0);
	put16(AVAIL + 4 + 2 * SIZE, 1);
	driver_ring_put(&ring, 0, 0, 1);
	assert_false(driver_ring_show(&ring));
	driver_ring_put(&ring, 0, 0, 1);
	assert_true(driver_ring_show(&ring));
	/* From the next chain on the driver is to notify. */
	put_desc(DESC, 0, GUEST + DATA, 1, 0, 0);
	offer(0);
	assert_int_equal(look_and_peek(), 1);
	driver_ring_take(&ring, chain.direct);
	assert_int_equal(get16(USED + 4 + 8 * SIZE), 1);
}

/* Any bytes at all: there is an end, and what is given is in memory. */
static void rubbish_is_survived(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		for (unsigned i = 0; i < PAGE; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(seed >> 24);
		}
		/* Mostly small numbers, so that some of it is right. */
		for (unsigned i = 0; i < SIZE; i++)
			put_desc(DESC, i, GUEST + (bytes[i] & 1 ? TABLE : DATA), bytes[i + 8],
				 bytes[i + 16] & 7, bytes[i + 24] % (SIZE + 1));
		put16(AVAIL + 2, (uint16_t)(ring.next_avail + bytes[40] % (SIZE + 2)));
		for (unsigned i = 0; i < SIZE; i++)
			put16(AVAIL + 4 + 2 * i, bytes[50 + i] % (SIZE + 1));
		while (look_and_peek() == 1) {
			assert_in_range(chain.count, 1, 2 * SIZE);
			for (unsigned i = 0; i < chain.count; i++)
				assert_true(chain.buffers[i].flags & VRING_DESC_F_INDIRECT ||
					    driver_memory_has(&memory, chain.buffers[i].addr,
							      chain.buffers[i].len));
			driver_ring_take(&ring, chain.direct);
		}
	}
}

/* ---- memory ------------------------------------------------------------------------------ */

static void tables_of_memory_that_are_wrong_are_refused(void **state)
{
	struct vhost_memory_table table;

	(void)state;
	table = table_of(2, PAGE);
	table.regions[1].size = 0;
	assert_int_equal(set_memory(&table), -EPROTO);
	assert_string_equal(why, "memory region 1 has no bytes");
	/* Nothing is left of what was there. */
	assert_false(driver_memory_has(&memory, GUEST, 1));
	table = table_of(1, BYTES + 1);
	assert_int_equal(set_memory(&table), -EPROTO);
	assert_string_equal(why, "memory region 0 passes the end of its file");
	table = table_of(1, PAGE);
	table.regions[0].mmap_offset = UINT64_MAX - PAGE + 2;
	assert_int_equal(set_memory(&table), -EPROTO);
	table.regions[0].mmap_offset = BYTES - PAGE + 1;
	assert_int_equal(set_memory(&table), -EPROTO);
	table = table_of(1, PAGE);
	table.regions[0].guest_addr = UINT64_MAX - PAGE + 2;
	assert_int_equal(set_memory(&table), -EPROTO);
	assert_string_equal(why, "memory region 0 passes the end of the address space");
	table = table_of(1, PAGE);
	table.regions[0].user_addr = UINT64_MAX;
	assert_int_equal(set_memory(&table), -EPROTO);
	table = table_of(2, PAGE);
	table.regions[1].guest_addr = GUEST + PAGE - 1;
	assert_int_equal(set_memory(&table), -EPROTO);
	assert_string_equal(why, "memory region 1 overlaps another");
	/* One that ends where addresses end is none of these. */
	table = table_of(1, PAGE);
	table.regions[0].guest_addr = 0 - (uint64_t)PAGE;
	assert_int_equal(set_memory(&table), 0);
	assert_true(driver_memory_has(&memory, UINT64_MAX, 1));
	assert_false(driver_memory_has(&memory, UINT64_MAX, 2));
	/* ... though there is some at 0 too. */
	table = table_of(2, PAGE);
	table.regions[0].guest_addr = 0 - (uint64_t)PAGE;
	table.regions[1].guest_addr = 0;
	assert_int_equal(set_memory(&table), 0);
	assert_true(driver_memory_has(&memory, 0, 1));
	assert_false(driver_memory_has(&memory, UINT64_MAX, 2));
}

static void bytes_and_rings_lie_across_regions_that_meet(void **state)
{
	struct vhost_memory_table table = table_of(4, PAGE);
	uint8_t seen[16], wanted[16];

	(void)state;
	assert_int_equal(set_memory(&table), 0);
	for (unsigned i = 0; i < sizeof(wanted); i++)
		wanted[i] = bytes[PAGE - 8 + i] = (uint8_t)(i + 1);
	assert_true(driver_memory_read(&memory, GUEST + PAGE - 8, seen, sizeof(seen)));
	assert_memory_equal(seen, wanted, sizeof(seen));
	assert_memory_equal(driver_memory_ring(&memory, USER + PAGE - 8, 16), wanted, 16);
	assert_non_null(driver_memory_ring(&memory, USER, BYTES));
	assert_null(driver_memory_ring(&memory, USER + 1, BYTES));
	/* They meet for the guest alone. */
	table.regions[1].user_addr += PAGE * 16;
	assert_int_equal(set_memory(&table), 0);
	assert_true(driver_memory_write(&memory, GUEST + PAGE - 4, seen, 8));
	assert_memory_equal(bytes + PAGE - 4, seen, 8);
	assert_null(driver_memory_ring(&memory, USER + PAGE - 8, 16));
	/* There is a hole between them. */
	table.regions[1].guest_addr += 16 * PAGE;
	assert_int_equal(set_memory(&table), 0);
	assert_false(driver_memory_read(&memory, GUEST + PAGE - 4, seen, 8));
}

static void a_file_that_is_cut_does_not_end_the_process(void **state)
{
	uint8_t seen = 1;

	(void)state;
	driver_memory_guard();
	assert_false(driver_memory_is_cut());
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_true(driver_memory_read(&memory, GUEST + DATA, &seen, 1));
	assert_int_equal(seen, 0);
	assert_true(driver_memory_is_cut());
}

static void on_fault(int signal)
{
	_exit(signal == SIGBUS ? 7 : 8);
}

/* A recorder's, say, which has something to write first. */
static void other_faults_are_still_whose_they_were(void **state)
{
	volatile uint8_t *other;
	int cut = memfd_create("other", MFD_CLOEXEC), status = 0;
	pid_t child;

	(void)state;
	assert_int_equal(ftruncate(cut, 4096), 0);
	other = mmap(NULL, 4096, PROT_READ, MAP_SHARED, cut, 0);
	assert_ptr_not_equal(other, MAP_FAILED);
	assert_int_equal(ftruncate(cut, 0), 0);
	for (int sent = 0; sent < 2; sent++) {
		child = fork();
		if (child == 0) {
			signal(SIGBUS, on_fault);
			driver_memory_guard();
			driver_memory_guard();
			if (sent != 0)
				raise(SIGBUS);
			else
				(void)*other;
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 7);
	}
	close(cut);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_chain_is_read_as_it_is_written),
		TEST(an_indirect_table_is_read_as_it_is_written),
		TEST(as_many_chains_as_there_are_entries_wrap),
		TEST(an_index_that_jumps_is_refused),
		TEST(what_was_made_available_may_be_taken_back),
		TEST(a_ring_is_looked_at_when_that_is_asked_for),
		TEST(a_loop_is_refused),
		TEST(numbers_past_the_table_are_refused),
		TEST(buffers_outside_memory_are_refused),
		TEST(indirect_tables_that_are_wrong_are_refused),
		TEST(rings_that_are_nowhere_are_refused),
		TEST(used_entries_are_shown_together),
		TEST(events_are_heeded),
		TEST(rubbish_is_survived),
		TEST(tables_of_memory_that_are_wrong_are_refused),
		TEST(bytes_and_rings_lie_across_regions_that_meet),
		TEST(a_file_that_is_cut_does_not_end_the_process),
		TEST(other_faults_are_still_whose_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
