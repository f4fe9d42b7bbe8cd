/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A chain that waits, in and out of a snapshot, of a split ring and of a packed one: what comes
 * back is what was put in, and what cannot be is refused.  VIRTIO 1.4, 2.7.5, 2.8.6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/virtio_config.h>

#include "../device.h"
#include "../snapshot_chain.h"

#define SIZE 8
#define TOTAL 12 /* bytes of the chain that is put in */

static uint8_t bytes[256];
static struct virtqueue vq;
static struct snapshot_queue q;
static struct snapshot_view view;
static struct virtqueue_chain chain;
static struct virtqueue_buffer buffers[SIZE];

/* One chain is held of a queue: it takes 3 entries of a packed ring. */
static void begin(bool packed)
{
	memset(&vq, 0, sizeof(vq));
	vq.packed = packed;
	vq.size = SIZE;
	q = (struct snapshot_queue){ .size = SIZE, .ready = true, .next_avail = 6, .next_used = 5 };
	if (packed)
		q.avail_cursor = 3;
	view = (struct snapshot_view){
		.features = packed ? UINT64_C(1) << VIRTIO_F_RING_PACKED : 0,
		.queues = &q,
	};
	memset(&chain, 0, sizeof(chain));
	memset(buffers, 0, sizeof(buffers));
}

/* The byte that says that there is one, and the chain.  How many bytes that is. */
static size_t put(void)
{
	static const struct virtqueue_buffer kept[SIZE] = { { .addr = 0x1000, .len = 8 },
							    { .addr = 0, .len = 0 },
							    { .addr = 0x2000, .len = 4 } };
	const struct virtqueue_chain from = { .vq = &vq, .head = 5, .slots = 3 };
	struct snapshot_out out = { .bytes = bytes, .room = sizeof(bytes) };

	snapshot_put(&out, 1, 1);
	snapshot_put_chain(&out, &from, kept, TOTAL);
	assert_in_range(out.len, 2, sizeof(bytes));
	return out.len;
}

/* Checked, and if it may be read anew, to be taken over.  The error. */
static int get(size_t len, bool writable)
{
	struct snapshot_in in = { .bytes = bytes, .len = len };
	uint64_t total;

	snapshot_get(&in, 1);
	total = snapshot_get_chain(&in, &view, &vq, writable, &chain, buffers);
	if (in.err)
		return in.err;
	assert_int_equal(in.at, len);
	in.at = 1;
	in.commit = true;
	assert_int_equal(snapshot_get_chain(&in, &view, &vq, writable, &chain, buffers), total);
	return in.err;
}

static void comes_back(bool packed, bool writable)
{
	begin(packed);
	assert_int_equal(get(put(), writable), 0);
	assert_ptr_equal(chain.vq, &vq);
	assert_int_equal(chain.head, 5);
	assert_int_equal(chain.slots, packed ? 3 : 0);
	assert_int_equal(chain.walk, 5);
	assert_true(chain.whole);
	assert_int_equal(chain.writable, writable);
	assert_int_equal(buffers[0].addr, 0x1000);
	assert_int_equal(buffers[0].len, 8);
	assert_int_equal(buffers[0].writable, writable);
	assert_int_equal(buffers[1].len, 0);
	assert_int_equal(buffers[2].addr, 0x2000);
	assert_int_equal(buffers[2].len, 4);
	assert_int_equal(buffers[2].writable, writable);
}

static void there_and_back(void **state)
{
	(void)state;
	comes_back(false, false);
	comes_back(false, true);
	comes_back(true, false);
	comes_back(true, true);
}

static void cut_anywhere(void **state)
{
	size_t len, cut;

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		begin(packed);
		len = put();
		for (cut = 1; cut < len; cut++)
			assert_int_not_equal(get(cut, true), 0);
	}
}

/* The queue has no such chain. */
static void of_a_queue_that_has_none(void **state)
{
	(void)state;
	begin(false);
	q.ready = false;
	assert_int_not_equal(get(put(), true), 0);
	begin(false);
	q.poisoned = true;
	assert_int_not_equal(get(put(), true), 0);
	begin(false);
	q.next_used = 6;
	assert_int_not_equal(get(put(), true), 0);
	begin(false);
	q.next_used = 4;
	assert_int_not_equal(get(put(), true), 0);
	begin(false);
	q.next_used = 4;
	q.lost = 1;
	assert_int_equal(get(put(), true), 0);
}

/* Of what is put in, byte `at` is `value`: is it refused? */
static bool refused(bool packed, size_t at, uint8_t value)
{
	size_t len;

	begin(packed);
	len = put();
	bytes[at] = value;
	return get(len, true) != 0;
}

static void what_cannot_be(void **state)
{
	(void)state;
	/* u8, u16 head, u16 buffers, u64 address, u32 length, ... */
	assert_false(refused(false, 1, SIZE - 1));
	assert_true(refused(false, 1, SIZE));
	assert_true(refused(false, 3, SIZE + 1));
	assert_true(refused(false, 5 + 2 * 12 + 8, 0)); /* empty, at the end */
	/* The id of a packed ring is the driver's; entries are what is held, at most. */
	assert_false(refused(true, 2, 0xff));
	assert_false(refused(true, 3, 2));
	assert_true(refused(true, 3, 0));
	assert_true(refused(true, 3, 4));
	assert_true(refused(true, 3, SIZE + 1));
}

static void a_buffer_past_the_top(void **state)
{
	size_t len;

	(void)state;
	begin(false);
	len = put();
	memset(bytes + 5, 0xff, 8);
	bytes[5] = 0xf8;
	assert_int_equal(get(len, true), 0);
	begin(false);
	len = put();
	memset(bytes + 5, 0xff, 8);
	bytes[5] = 0xf9;
	assert_int_not_equal(get(len, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),	    cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(of_a_queue_that_has_none), cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(a_buffer_past_the_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
