/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Chains of the block device: those that are no requests, and requests that are divided and placed
 * in every way.  VIRTIO 1.4, 5.2.6, 2.7.4.
 */
#include <string.h>

#include "blk_guest.h"

static uint8_t status(uint16_t at)
{
	return *fake_mem(&fake, STATUS + at, 1);
}

static void invalid_chains(void **state)
{
	struct fake_queue *q = &blk_q[0];

	(void)state;
	blk_head(VIRTIO_BLK_T_IN, 0);
	/* No writable byte; a readable part behind one; a header that is short, or not there. */
	chain(q, 0, HEADER, 16);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 1, 0, 0);
	fake_desc(q, 0, STATUS, 1, F_WRITE | F_NEXT, 1);
	fake_desc(q, 1, HEADER, 16, 0, 0);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 2, 0, 0);
	fake_desc(q, 0, UNMAPPED, 16, F_NEXT, 1);
	fake_desc(q, 1, STATUS, 1, F_WRITE, 0);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 3, 0, 0);
	fake_desc(q, 0, HEADER, 15, F_NEXT, 1);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 4, 0, 1);
	assert_int_equal(status(0), VIRTIO_BLK_S_IOERR);
	expect({ "requests", 4 }, { "no_status", 1 }, { "chain_invalid", 2 }, { "refused", 1 });
	/* Data or a status that cannot be written. */
	fake_desc(q, 0, HEADER, 16, F_NEXT, 1);
	fake_desc(q, 1, UNMAPPED, 512, F_WRITE | F_NEXT, 2);
	fake_desc(q, 2, STATUS, 1, F_WRITE, 0);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 5, 0, 0);
	assert_int_equal(status(0), VIRTIO_BLK_S_IOERR);
	fake_desc(q, 1, DATA, 512, F_WRITE | F_NEXT, 2);
	fake_desc(q, 2, UNMAPPED, 1, F_WRITE, 0);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 6, 0, 0);
	expect({ "requests", 2 }, { "answer_failed", 2 });
	/* Data that cannot be read, and no memory for it. */
	fake_desc(q, 2, STATUS, 1, F_WRITE, 0);
	fake_desc(q, 1, UNMAPPED, 512, F_NEXT, 2);
	blk_head(VIRTIO_BLK_T_OUT, 0);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 7, 0, 0);
	assert_int_equal(disk.calls, 1 + 1);
	expect({ "requests", 1 }, { "chain_invalid", 1 });
	fake.allocs_left = 0;
	fake_desc(q, 1, DATA, 512, F_NEXT, 2);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 8, 0, 1);
	assert_int_equal(status(0), VIRTIO_BLK_S_IOERR);
	expect({ "requests", 1 }, { "no_memory", 1 });
}

/* Header, data and status in every piece that there is: 16 + 512 readable bytes and the status
 * byte, cut at every place; data and status in one buffer. */
static void every_division(void **state)
{
	struct fake_queue *q = &blk_q[0];
	uint32_t cut;

	(void)state;
	for (cut = 1; cut < 16; cut++) {
		blk_head(VIRTIO_BLK_T_IN, cut);
		fake_desc(q, 0, HEADER, cut, F_NEXT, 1);
		fake_desc(q, 1, HEADER + cut, 16 - cut, F_NEXT, 2);
		fake_desc(q, 2, DATA, 0, F_WRITE | F_NEXT, 3);
		fake_desc(q, 3, DATA, 32 * cut, F_WRITE | F_NEXT, 4);
		fake_desc(q, 4, DATA + 32 * cut, 513 - 32 * cut, F_WRITE, 0);
		fake_offer(q, 0);
		reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		assert_used(q, (uint16_t)cut, 0, 513);
		assert_bytes(DATA, (uint8_t)(cut + 1), 512);
		assert_bytes(DATA + 512, 0, 1);
	}
	/* A status byte before an empty buffer. */
	fake_desc(q, 4, DATA + 480, 33, F_WRITE | F_NEXT, 5);
	fake_desc(q, 5, UNMAPPED, 0, F_WRITE, 0);
	fake_offer(q, 0);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_used(q, 16, 0, 513);
}

/* The header changes once it was read, and the descriptors once they were: nobody sees it. */
static void flip(struct fake_host *host, const struct fake_access *access)
{
	if (access->write || access->why.purpose != GUEST_PAYLOAD)
		return;
	/* The next access comes after the copy. */
	if (++*(unsigned *)host->hook_arg == 2)
		memset(fake_mem(host, HEADER, 16), 0xff, 16);
}

static void read_once(void **state)
{
	unsigned reads = 0;

	(void)state;
	fake.hook = flip;
	fake.hook_arg = &reads;
	blk_head(VIRTIO_BLK_T_OUT, 2);
	blk_send(0, 0, 512, 0);
	fake.hook = NULL;
	assert_int_equal(reads, 2);
	assert_int_equal(status(0), VIRTIO_BLK_S_OK);
	assert_int_equal(disk.last.offset, 2 * 512);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, blk_guest_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(invalid_chains),
		TEST(every_division),
		TEST(read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
