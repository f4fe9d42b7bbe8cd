/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of interrupts, of what stands at rest, of work and of counters, each
 * broken once, and kept once next to it.  See ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_cases.h"
#include "ledger_rig.h"

/* A chain of queue TX has been returned, nothing said of it yet. */
static void return_one(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, 0, 0);
	return_chain(0, 0, 0, 0);
}

void case_no_interrupt(void)
{
	return_one();
	avail_flags(0);
	done();
	rest(DEVICE_IDLE);
}

void case_no_interrupt_wanted(void)
{
	return_one();
	avail_flags(NO_INTERRUPT);
	done();
	rest(DEVICE_IDLE);
}

void case_interrupt_not_wanted(void)
{
	return_one();
	avail_flags(NO_INTERRUPT);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
}

void case_interrupt_wanted(void)
{
	return_one();
	avail_flags((uint16_t)~NO_INTERRUPT);
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	done();
	rest(DEVICE_IDLE);
}

void case_interrupt_unasked(void)
{
	return_one();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
}

void case_interrupt_asked(void)
{
	return_one();
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_used_interrupt_early(void)
{
	rig_features_ok(8);
	notify();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
}

void case_config_interrupt_early(void)
{
	rig_features_ok(8);
	notify();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	done();
	rest(DEVICE_IDLE);
}

void case_needs_reset_in_silence(void)
{
	rig_live(8);
	notify();
	shown.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	done();
	rest(DEVICE_IDLE);
}

void case_needs_reset_told(void)
{
	rig_live(8);
	notify();
	need_reset();
	done();
	rest(DEVICE_IDLE);
}

void case_both_bits_for_a_change(void)
{
	rig_live(8);
	notify();
	avail_idx(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	done();
}

void case_both_bits_for_both(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	avail_flags(0);
	raise_interrupt(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	done();
	rest(DEVICE_IDLE);
}

void case_config_interrupt_for_nothing(void)
{
	rig_live(8);
	notify();
	avail_idx(0);
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	done();
}

void case_config_interrupt_for_change(void)
{
	rig_live(8);
	notify();
	avail_idx(0);
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	done();
	rest(DEVICE_IDLE);
}

void case_used_flags_two(void)
{
	rig_live(8);
	notify();
	used_flags(2);
}

void case_used_flags_one(void)
{
	rig_live(8);
	notify();
	used_flags(VRING_USED_F_NO_NOTIFY);
	used_flags(0);
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

void case_rests_suppressed(void)
{
	rig_live(8);
	notify();
	used_flags(VRING_USED_F_NO_NOTIFY);
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

/* It looks again by itself, and then it rests. */
void case_works_suppressed(void)
{
	rig_live(8);
	notify();
	used_flags(VRING_USED_F_NO_NOTIFY);
	avail_idx(0);
	done();
	rest(DEVICE_WORK);
	work();
	used_flags(0);
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

void case_look_before_clear(void)
{
	rig_live(8);
	notify();
	used_flags(VRING_USED_F_NO_NOTIFY);
	avail_idx(0);
	used_flags(0);
	done();
	rest(DEVICE_IDLE);
}

void case_look_behind_clear(void)
{
	rig_live(8);
	notify();
	used_flags(VRING_USED_F_NO_NOTIFY);
	avail_idx(0);
	used_flags(0);
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

void case_notified_in_vain(void)
{
	rig_live(8);
	notify();
	done();
	rest(DEVICE_IDLE);
}

void case_notified_and_looked(void)
{
	rig_live(8);
	notify();
	done();
	rest(DEVICE_WORK);
	work();
	avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

static void serve_of_two(uint16_t position)
{
	avail_entry(position, position);
	desc(position, position, BUFFER, 16, 0, 0);
	return_chain(position, position, position, 0);
	wake();
}

void case_one_of_two_taken(void)
{
	rig_live(8);
	notify();
	avail_idx(2);
	serve_of_two(0);
	done();
	rest(DEVICE_IDLE);
}

void case_two_of_two_taken(void)
{
	rig_live(8);
	notify();
	avail_idx(2);
	serve_of_two(0);
	serve_of_two(1);
	done();
	rest(DEVICE_IDLE);
}

static void keep_one(void)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 16, 0, 0);
	done();
	rest(DEVICE_IDLE);
}

void case_chain_kept(void)
{
	keep_one();
}

void case_chain_kept_where_declared(void)
{
	rig_target.holds = true;
	keep_one();
}

/* 64 are a call's own. */
static void look_often(int times)
{
	rig_live(8);
	notify();
	for (int i = 0; i < times; i++)
		avail_idx(0);
	done();
	rest(DEVICE_IDLE);
}

void case_accesses_one_too_many(void)
{
	look_often(65);
}

void case_accesses_at_the_bound(void)
{
	look_often(64);
}

/* The guest adds the last one meanwhile. */
static void take_many(uint16_t count)
{
	rig_live(8);
	notify();
	for (uint16_t i = 0; i < count; i++) {
		avail_idx((uint16_t)(i + 1));
		take(i, i % 8, 16, 0);
		return_chain(i, i, i % 8, 0);
	}
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_chains_more_than_entries(void)
{
	take_many(9);
}

void case_chains_as_many_as_entries(void)
{
	take_many(8);
}

static void call_backend(int times)
{
	rig_live(8);
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	while (times-- > 0)
		ledger_backend(&ledger);
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_backend_called_once_more(void)
{
	call_backend(2 + 3 + 1);
}

void case_backend_called_as_due(void)
{
	call_backend(2 + 3);
}

static void read_often(int times)
{
	rig_live(8);
	notify();
	avail_idx(1);
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 20000, 0, 0);
	for (int i = 0; i < times; i++)
		payload_read(0, BUFFER, 20000);
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_bytes_moved_three_times(void)
{
	read_often(3);
}

void case_bytes_moved_twice(void)
{
	read_often(2);
}

static void have_heap(size_t bytes)
{
	rig_live(8);
	notify();
	avail_idx(0);
	rig_heap.live_bytes = bytes;
	rig_heap.live_blocks = 1;
	done();
	rest(DEVICE_IDLE);
}

void case_heap_one_too_many(void)
{
	have_heap(rig_target.heap_max + 1ull);
}

void case_heap_at_the_bound(void)
{
	have_heap(rig_target.heap_max);
}

static void count(uint64_t in, uint64_t out)
{
	rig_counters[1] = in;
	rig_counters[0] = out;
	rest(DEVICE_IDLE);
}

void case_counter_falls(void)
{
	rig_live(8);
	count(5, 2);
	count(4, 2);
}

void case_counter_stands(void)
{
	rig_live(8);
	count(5, 2);
	count(5, 2);
	count(6, 3);
}

void case_sum_broken(void)
{
	rig_live(8);
	count(5, 5);
	count(5, 6);
}

void case_sum_kept(void)
{
	rig_live(8);
	count(5, 5);
	count(UINT64_MAX, UINT64_MAX);
}

/* A call for what is left; and it takes the chain of queue TX that is there. */
static void go_on(bool takes)
{
	rig_live(8);
	on = TX;
	work();
	avail_idx(1);
	if (takes) {
		avail_entry(0, 0);
		desc(0, 0, 0x5000, 16, 0, 0);
		payload_read(0, 0x5000, 16);
		return_chain(0, 0, 0, 0);
		wake();
	}
	done();
	ledger_worked(&ledger, 64, ledger_stood_still(&ledger, NULL));
}

void case_busy_with_nothing(void)
{
	go_on(false);
}

void case_busy_with_a_chain(void)
{
	go_on(true);
}
