/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Event indices: which interrupts used_event asks for, and what avail_event says.
 * VIRTIO 1.4, 2.7.7.2 and 2.7.10.2.
 */
#include <endian.h>
#include <errno.h>

#include "virtqueue_rig.h"

#define F_EVENT_IDX (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)

static uint64_t used_event_at(void)
{
	return rig_q.driver + 4 + 2u * rig_q.size;
}

static uint64_t avail_event_at(void)
{
	return rig_q.device + 4 + 8u * rig_q.size;
}

static void used_event(uint16_t event)
{
	event = htole16(event);
	memcpy(fake_mem(&rig_host, used_event_at(), 2), &event, 2);
}

static uint16_t avail_event(void)
{
	uint16_t event;

	memcpy(&event, fake_mem(&rig_host, avail_event_at(), 2), 2);
	return le16toh(event);
}

/* A queue of 8 that has moved `position` buffers. */
static void setup(uint16_t position)
{
	rig_setup(8);
	rig_start_at(position);
	virtqueue_negotiated(&vq, F_EVENT_IDX);
}

/* `count` buffers are made available and come back. */
static void move(unsigned count)
{
	while (count-- > 0) {
		fake_offer(&rig_q, 0);
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
		assert_int_equal(virtqueue_push(&vq, &chain, 0), 0);
	}
}

/* From these positions, `count` buffers, used_event so far from the position. */
static void interrupts(void **state)
{
	static const uint16_t starts[] = { 0, 1, 100, 32766, 32767, 32768, 65532, 65534, 65535 };
	static const struct {
		unsigned count;
		int event;
		bool wanted;
	} cases[] = {
		{ 1, 0, true },	     { 1, 1, false },	  { 1, -1, false },	{ 1, 2, false },
		{ 3, 0, true },	     { 3, 1, true },	  { 3, 2, true },	{ 3, 3, false },
		{ 3, -1, false },    { 8, 7, true },	  { 8, 8, false },	{ 1, 32767, false },
		{ 1, 32768, false }, { 1, 32769, false }, { 1, -32767, false }, { 8, 32768, false },
	};

	(void)state;
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			setup(starts[s]);
			used_event((uint16_t)(starts[s] + cases[i].event));
			move(cases[i].count);
			assert_int_equal(virtqueue_wants_interrupt(&vq), cases[i].wanted);
			/* Once, and of one look. */
			assert_false(virtqueue_wants_interrupt(&vq));
			assert_int_equal(fake_log_count(&rig_host, GUEST_USED_EVENT), 1);
			assert_int_equal(fake_log_count(&rig_host, GUEST_AVAIL_FLAGS), 0);
		}
	}
}

/* What was told of once is not told of again, and what was passed in silence is passed. */
static void each_move_counts_once(void **state)
{
	(void)state;
	setup(65534);
	used_event(65535);
	move(1);
	assert_false(virtqueue_wants_interrupt(&vq));
	move(1);
	assert_true(virtqueue_wants_interrupt(&vq));
	move(1);
	assert_false(virtqueue_wants_interrupt(&vq));
	used_event(65534);
	move(2);
	assert_false(virtqueue_wants_interrupt(&vq));
	used_event(3);
	move(1);
	assert_true(virtqueue_wants_interrupt(&vq));
	/* A whole round later it is asked for again. */
	for (unsigned i = 0; i < 65535 / 8; i++) {
		move(8);
		assert_false(virtqueue_wants_interrupt(&vq));
	}
	move(8);
	assert_true(virtqueue_wants_interrupt(&vq));
}

/* The flags say nothing beside it, and it says nothing without the feature. */
static void flags_or_event(void **state)
{
	(void)state;
	setup(0);
	fake_avail_flags(&rig_q, VRING_AVAIL_F_NO_INTERRUPT);
	used_event(0);
	move(1);
	assert_true(virtqueue_wants_interrupt(&vq));

	setup(0);
	fake_avail_flags(&rig_q, 0);
	used_event(7);
	move(1);
	assert_false(virtqueue_wants_interrupt(&vq));

	setup(0);
	virtqueue_negotiated(&vq, RIG_SPLIT & ~F_EVENT_IDX);
	used_event(7);
	move(1);
	assert_true(virtqueue_wants_interrupt(&vq));
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake_log_count(&rig_host, GUEST_USED_EVENT), 0);
	assert_int_equal(fake_log_count(&rig_host, GUEST_AVAIL_EVENT), 0);
}

static void unreadable_used_event(void **state)
{
	(void)state;
	setup(0);
	used_event(7);
	rig_host.fail_nth[GUEST_USED_EVENT] = 1;
	move(1);
	assert_true(virtqueue_wants_interrupt(&vq));
	move(1);
	assert_false(virtqueue_wants_interrupt(&vq));
	assert_false(vq.poisoned);
}

static void avail_event_is_what_was_taken(void **state)
{
	(void)state;
	setup(65534);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(avail_event(), 65534);
	move(3);
	assert_int_equal(avail_event(), 65534);
	fake_log_clear(&rig_host);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(avail_event(), 1);
	/* The index, the event, and the index once more, which the driver may have moved before it
	 * saw the event (2.7.13.4.1). */
	assert_int_equal(rig_host.logged, 3);
	rig_access(0, GUEST_AVAIL_IDX, 0, rig_q.driver + 2, 2);
	rig_access(1, GUEST_AVAIL_EVENT, 0, avail_event_at(), 2);
	assert_true(rig_host.log[1].write);
	rig_access(2, GUEST_AVAIL_IDX, 0, rig_q.driver + 2, 2);
	/* It is said each time: what the ring holds is not remembered. */
	fake_log_clear(&rig_host);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(rig_host.logged, 3);
}

static void offer_at_the_event(struct fake_host *host, const struct fake_access *access)
{
	(void)host;
	if (access->why.purpose == GUEST_AVAIL_EVENT)
		fake_offer(&rig_q, 5);
}

static void what_came_before_the_event_is_taken(void **state)
{
	(void)state;
	setup(0);
	rig_host.hook = offer_at_the_event;
	assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	assert_int_equal(chain.head, 5);

	/* ... and that the ring is broken is seen there too. */
	setup(0);
	rig_host.hook = offer_at_the_event;
	fake_avail_set(&rig_q, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(virtqueue_pop(&vq, &chain), 1);
	rig_q.avail_idx = 16;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EBADMSG);
	assert_true(vq.poisoned);

	setup(0);
	rig_host.fail_nth[GUEST_AVAIL_IDX] = 2;
	assert_int_equal(virtqueue_pop(&vq, &chain), -EFAULT);
	assert_true(vq.poisoned);
}

static void unwritable_avail_event(void **state)
{
	(void)state;
	setup(5);
	rig_host.fail_nth[GUEST_AVAIL_EVENT] = 1;
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(avail_event(), 0);
	assert_false(vq.poisoned);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(avail_event(), 5);
}

/* Who goes on where another stopped writes it again, and tells of moves from there. */
static void negotiated_anew(void **state)
{
	(void)state;
	setup(65535);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	memset(fake_mem(&rig_host, avail_event_at(), 2), 0, 2);
	virtqueue_negotiated(&vq, F_EVENT_IDX);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(avail_event(), 65535);

	vq.next_used = 100;
	virtqueue_negotiated(&vq, F_EVENT_IDX);
	used_event(99);
	move(1);
	assert_false(virtqueue_wants_interrupt(&vq));
	used_event(101);
	move(1);
	assert_true(virtqueue_wants_interrupt(&vq));

	virtqueue_reset(&vq);
	assert_false(vq.event_idx || vq.indirect);
	assert_int_equal(vq.told, 0);
}

static void unusable_queue_says_nothing(void **state)
{
	(void)state;
	setup(0);
	move(1);
	vq.poisoned = true;
	fake_log_clear(&rig_host);
	assert_true(virtqueue_wants_interrupt(&vq));
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(rig_host.logged, 0);
}

/* The event fields pass 2^64: they are not looked for at 0, and the queue goes on. */
static void events_past_the_end(void **state)
{
	const uint64_t base = 0 - (uint64_t)FAKE_MEM_SIZE;

	(void)state;
	rig_setup_at(base, 8, base, 0 - (uint64_t)(4 + 2 * 8), base + 0x2000);
	virtqueue_negotiated(&vq, F_EVENT_IDX);
	move(1);
	assert_true(virtqueue_wants_interrupt(&vq));
	assert_int_equal(fake_log_count(&rig_host, GUEST_USED_EVENT), 0);

	rig_setup_at(base, 8, base, base + 0x2000, 0 - (uint64_t)(4 + 8 * 8));
	virtqueue_negotiated(&vq, F_EVENT_IDX);
	assert_int_equal(virtqueue_pop(&vq, &chain), 0);
	assert_int_equal(fake_log_count(&rig_host, GUEST_AVAIL_EVENT), 0);
	move(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupts),
		cmocka_unit_test(each_move_counts_once),
		cmocka_unit_test(flags_or_event),
		cmocka_unit_test(unreadable_used_event),
		cmocka_unit_test(avail_event_is_what_was_taken),
		cmocka_unit_test(what_came_before_the_event_is_taken),
		cmocka_unit_test(unwritable_avail_event),
		cmocka_unit_test(negotiated_anew),
		cmocka_unit_test(unusable_queue_says_nothing),
		cmocka_unit_test(events_past_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
