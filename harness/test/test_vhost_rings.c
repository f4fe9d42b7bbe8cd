/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a ring shows of a backend in another process: how many chains it still owes, whether it
 * asked to be notified, and whether it hears of the next (harness/peers/vhost_user.h).
 */
#include "harness/peers/vhost_user.h"

#include "devices/ring.h"

#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 5u /* of the packed ring; the split one has 4 */
#define GUEST 0x10000u
#define DRIVER 1024u
#define DEVICE 2048u
#define BYTES 4096u

static uint8_t bytes[BYTES];
static struct vringer_region region = { .addr = GUEST, .size = BYTES, .host = bytes };
static const struct vringer_host host = { .regions = &region, .region_count = 1 };
static struct vhost_user u;
static unsigned at; /* where the driver of a packed ring writes next, of two laps */

static void begin(bool packed, bool event_idx)
{
	memset(bytes, 0, sizeof(bytes));
	memset(&u, 0, sizeof(u));
	u.host = &host;
	u.packed = packed;
	u.event_idx = event_idx;
	u.places[0] = (struct vringer_ring){ .desc = GUEST,
					     .avail = GUEST + DRIVER,
					     .used = GUEST + DEVICE,
					     .size = packed ? SIZE : 4,
					     .ready = 1 };
	u.rings[0].live = true;
	at = 0;
	vhost_ring_told(&u, 0);
}

static void put16(unsigned place, unsigned value)
{
	const uint16_t word = (uint16_t)value;

	memcpy(bytes + place, &word, sizeof(word));
}

static uint32_t owed(uint32_t outstanding, bool *deaf)
{
	*deaf = false;
	return vhost_ring_owed(&u, 0, outstanding, deaf);
}

static void expect(uint32_t outstanding, uint32_t wanted, bool wanted_deaf)
{
	bool deaf;

	assert_int_equal(owed(outstanding, &deaf), wanted);
	assert_int_equal(deaf, wanted_deaf);
}

/* ---- packed rings ---------------------------------------------------------------------- */

/* A list of `count` entries. */
static void offer(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		put16(at % SIZE * 16 + 14, (at < SIZE ? RING_PACKED_AVAIL : RING_PACKED_USED) |
						   (i + 1 < count ? VRING_DESC_F_NEXT : 0u));
		at = (at + 1) % (2 * SIZE);
	}
}

static void use(unsigned entry, bool wrap)
{
	put16(entry * 16 + 14, wrap ? RING_PACKED_AVAIL | RING_PACKED_USED : 0);
}

static void tell(void)
{
	vhost_ring_told(&u, 0);
	u.rings[0].used_before = vhost_ring_used(&u, 0);
}

static void what_is_not_returned_is_owed(void **state)
{
	(void)state;
	begin(true, false);
	offer(2);
	offer(1);
	tell();
	expect(2, 2, false);
	use(0, true);
	expect(2, 1, false);
	/* Of the second list, behind both entries of the first. */
	use(2, true);
	expect(2, 0, false);
	/* Round the end, lap after lap. */
	for (unsigned lap = 0; lap < 6; lap++) {
		unsigned first = at;

		offer(2);
		offer(2);
		tell();
		expect(2, 2, false);
		use(first % SIZE, first < SIZE);
		expect(2, 1, false);
		first = (first + 2) % (2 * SIZE);
		use(first % SIZE, first < SIZE);
		expect(2, 0, false);
	}
}

/* What it wants to hear of, and was not told, it does not owe. */
static void what_it_was_not_told_of_is_not_owed(void **state)
{
	(void)state;
	begin(true, true);
	put16(DEVICE, RING_EVENT_WRAP | 0);
	put16(DEVICE + 2, VRING_PACKED_EVENT_FLAG_DESC);
	offer(1);
	tell();
	offer(2);
	offer(1);
	u.rings[0].used_before = vhost_ring_used(&u, 0);
	/* It wants to hear of entry 0 alone, which it was told of. */
	expect(3, 3, false);
	put16(DEVICE, RING_EVENT_WRAP | 1);
	expect(3, 1, false);
	put16(DEVICE, RING_EVENT_WRAP | 3);
	expect(3, 1, false);
	/* Of one that is further. */
	put16(DEVICE, RING_EVENT_WRAP | 4);
	expect(3, 3, false);
	put16(DEVICE + 2, VRING_PACKED_EVENT_FLAG_DISABLE);
	expect(3, 3, false);
	put16(DEVICE + 2, VRING_PACKED_EVENT_FLAG_ENABLE);
	expect(3, 1, false);
}

static void one_that_hears_of_nothing_is_deaf(void **state)
{
	(void)state;
	begin(true, true);
	offer(1);
	tell();
	use(0, true);
	put16(DEVICE, RING_EVENT_WRAP | 0);
	put16(DEVICE + 2, VRING_PACKED_EVENT_FLAG_DESC);
	/* It has returned all, and asks for what was. */
	expect(1, 0, true);
	put16(DEVICE, RING_EVENT_WRAP | 1);
	expect(1, 0, false);
	put16(DEVICE + 2, VRING_PACKED_EVENT_FLAG_DISABLE);
	expect(1, 0, true);
}

/* The driver alone is no sign of the device's. */
static void what_the_driver_writes_is_no_return(void **state)
{
	(void)state;
	begin(true, false);
	offer(SIZE);
	tell();
	assert_int_equal(u.used_then[0], vhost_ring_used(&u, 0));
	use(0, true);
	assert_int_equal(vhost_ring_used(&u, 0), u.used_then[0] + 1);
	offer(3);
	tell();
	assert_int_equal(u.used_then[0], vhost_ring_used(&u, 0));
}

/* ---- split rings ------------------------------------------------------------------------- */

static void a_split_ring_says_it_by_its_indices(void **state)
{
	(void)state;
	begin(false, true);
	put16(DRIVER + 2, 2);
	vhost_ring_told(&u, 0);
	put16(DEVICE + 4 + 4 * 8, 2);
	expect(2, 2, false);
	put16(DEVICE + 2, 1);
	expect(2, 1, false);
	/* A third, which it wants to hear of. */
	put16(DRIVER + 2, 3);
	expect(3, 1, false);
	put16(DEVICE + 4 + 4 * 8, 3);
	expect(3, 2, false);
	put16(DEVICE + 2, 3);
	expect(3, 0, false);
	put16(DEVICE + 4 + 4 * 8, 2);
	expect(3, 0, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_returned_is_owed),
		cmocka_unit_test(what_it_was_not_told_of_is_not_owed),
		cmocka_unit_test(one_that_hears_of_nothing_is_deaf),
		cmocka_unit_test(what_the_driver_writes_is_no_return),
		cmocka_unit_test(a_split_ring_says_it_by_its_indices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
