/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Of snapshots of a source of entropy and of a block device, made by hand, the second readers
 * take those that a device can save, and name the number that none could.
 */
#include "devices/blk.h"
#include "devices/rng.h"
#include "harness/models/models.h"
#include "harness/target/own_part.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PACKED (1ULL << VIRTIO_F_RING_PACKED)
#define SIZE 8u
#define TAKEN 5u /* chains, of the first queue */

typedef const char *reader(const void *data, uint64_t len, uint64_t *at);

static uint8_t bytes[2048];
static size_t len, own, own_len_at;

static void put(uint64_t value, unsigned width)
{
	for (; width > 0; width--, value >>= 8)
		bytes[len++] = (uint8_t)value;
}

/* The transport's part of a live device that has `held` chains, each of one entry, of its first
 * queue; the counter of that name is `gauge`. */
static void begin(const struct vringer_target *target, unsigned queues, uint64_t features,
		  unsigned held, const char *name, uint64_t gauge)
{
	memset(bytes, 0, sizeof(bytes));
	len = SNAPSHOT_RECORD_AT;
	put(features, 8);
	put(VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK, 4);
	put(0, 4);
	put(queues, 4);
	for (unsigned i = 0; i < queues; i++) {
		put(SIZE, 2);
		put(1, 1);
		len += 3 * 8;
		put(TAKEN, 2);
		put(i == 0 ? TAKEN - held : TAKEN, 2);
	}
	len += 5 * 4;
	for (unsigned i = 0; i < queues; i++) {
		put(0, 1);
		put(0, 2);
		if ((features & PACKED) != 0) {
			put(TAKEN, 2);
			put(i == 0 ? TAKEN - held : TAKEN, 2);
		}
	}
	put(target->counter_count, 4);
	for (unsigned i = 0; i < target->counter_count; i++)
		put(strcmp(target->counter_names[i], name) == 0 ? gauge : 0, 8);
	own_len_at = len;
	len += 4;
	own = len;
}

static void end(void)
{
	size_t all = len;

	len = own_len_at;
	put(all - own, 4);
	len = all;
}

/* A chain of two buffers that waits, and three bytes. */
static void build_rng(uint64_t features)
{
	begin(&rng_target, 1, features, 1, "bytes_pending", 3);
	put(0, 1);
	put(1, 1);
	put(7, 2);
	if ((features & PACKED) != 0)
		put(1, 2);
	put(2, 2);
	put(0x1000, 8);
	put(16, 4);
	put(0x2000, 8);
	put(1, 4);
	put(3, 4);
	put(0xaabbcc, 3);
	end();
}

/* Where the numbers of a request are, from its first byte on. */
enum {
	OF_QUEUE = 0,
	OF_HEAD = 1,
	OF_TAG = 7,
	OF_IS_DONE = 15,
	OF_DONE_AT = 16,
	OF_FATE = 24,
	OF_CALLS = 25,
	OF_FLUSHING = 26,
	OF_TYPE = 27,
	OF_SECTOR = 31,
	OF_DONE = 39,
	OF_PART = 43,
	OF_COUNT = 51,
	OF_LEN = 65,
	REQUEST_LEN = 69, /* with one buffer, and without data */
	REQUESTS_AT = 27,
};

/* One that writes a sector, or one that was refused. */
static void put_request(unsigned tag, bool is_done)
{
	enum { REFUSED = 8 };

	put(0, 1);
	put(tag, 2);
	put(tag, 2);
	put(1, 1);
	put(1, 1);
	put(tag, 8);
	put(is_done, 1);
	put(is_done, 8);
	put(is_done ? REFUSED : 0, 1);
	put(0, 1);
	put(0, 1);
	put(VIRTIO_BLK_T_OUT, 4);
	put(1, 8);
	put(0, 4);
	put(0, 8);
	put(1, 2);
	put(0x1000, 8);
	put(1, 4);
	put(is_done ? 0 : BLK_SECTOR, 4);
	len += is_done ? 0 : BLK_SECTOR;
}

/* A request that is done, and behind it one that is to be submitted. */
static void build_blk(void)
{
	begin(&blk_target, BLK_QUEUE_COUNT, 1ULL << VIRTIO_F_VERSION_1, 2, "in_flight", 2);
	put(1u << 16, 8);
	put(0, 1);
	put(0, 1);
	put(5, 8);
	put(2, 8);
	put(2, 1);
	put_request(3, true);
	put_request(4, false);
	end();
}

static void assert_possible(reader *read)
{
	uint64_t at = 0;
	const char *what = read(bytes, len, &at);

	if (what != NULL)
		fail_msg("byte %llu: %s", (unsigned long long)(at - own), what);
}

/* With that byte of the own part it is not possible, and back. */
static void assert_impossible(reader *read, size_t at, uint8_t value)
{
	uint8_t kept = bytes[own + at];
	uint64_t bad_at = 0;

	bytes[own + at] = value;
	if (read(bytes, len, &bad_at) == NULL)
		fail_msg("byte %zu may be %u", at, value);
	bytes[own + at] = kept;
	assert_possible(read);
}

static void a_chain_that_waits_for_entropy(void **state)
{
	(void)state;
	build_rng(0);
	assert_possible(rng_impossible);
	assert_impossible(rng_impossible, 0, 2);
	assert_impossible(rng_impossible, 1, 2);
	assert_impossible(rng_impossible, 2, SIZE);
	assert_impossible(rng_impossible, 4, SIZE + 1);
	assert_impossible(rng_impossible, 4, 3);
	assert_impossible(rng_impossible, 26, 0);
	assert_impossible(rng_impossible, 30, 2);
	assert_impossible(rng_impossible, 30, 4);
	build_rng(PACKED);
	assert_possible(rng_impossible);
	assert_impossible(rng_impossible, 4, 0);
	assert_impossible(rng_impossible, 4, 2);
}

static void requests_of_a_disk(void **state)
{
	static const struct {
		uint8_t at, value;
	} done[] = {
		{ OF_QUEUE, BLK_QUEUE_COUNT },
		{ OF_QUEUE, 1 },
		{ OF_HEAD, SIZE },
		{ OF_TAG, 4 },
		{ OF_IS_DONE, 2 },
		{ OF_DONE_AT, 2 },
		{ OF_FATE, 1 },
		{ OF_FATE, 14 },
		{ OF_CALLS, BLK_CALLS_MAX + 1 },
		{ OF_FLUSHING, 2 },
		{ OF_COUNT, SIZE + 1 },
	}, to_submit[] = {
		{ OF_TAG, 3 },	{ OF_TAG, 5 },	{ OF_FLUSHING, 1 }, { OF_TYPE, 0x7f },
		{ OF_SECTOR + 7, 1 }, { OF_DONE + 1, 2 }, { OF_PART, 1 }, { OF_LEN + 1, 3 },
	};

	(void)state;
	build_blk();
	assert_possible(blk_impossible);
	for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++)
		assert_impossible(blk_impossible, REQUESTS_AT + done[i].at, done[i].value);
	for (size_t i = 0; i < sizeof(to_submit) / sizeof(to_submit[0]); i++)
		assert_impossible(blk_impossible, REQUESTS_AT + REQUEST_LEN + to_submit[i].at,
				  to_submit[i].value);
	/* Without CONFIG_WCE a driver says nothing of the cache. */
	assert_impossible(blk_impossible, 8, 1);
	assert_impossible(blk_impossible, 7, 1);
	assert_impossible(blk_impossible, 9, 1u << BLK_QUEUE_COUNT);
}

static void what_follows_or_is_not_there(void **state)
{
	uint64_t at = 0;

	(void)state;
	build_blk();
	len++;
	end();
	assert_non_null(blk_impossible(bytes, len, &at));
	len -= 2;
	end();
	assert_non_null(blk_impossible(bytes, len, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_that_waits_for_entropy),
		cmocka_unit_test(requests_of_a_disk),
		cmocka_unit_test(what_follows_or_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
