/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of registers, each broken once, and kept once next to it; and the table of
 * all of them.  See ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_cases.h"
#include "ledger_rig.h"

#include <linux/virtio_ids.h>

const struct ledger_case ledger_cases[] = {
#define X(rule, broken, correct) { RULE_##rule, case_##broken, case_##correct },
	LEDGER_CASES(X)
#undef X
};
const size_t ledger_case_count = sizeof(ledger_cases) / sizeof(ledger_cases[0]);

void case_version_one(void)
{
	rig_live(8);
	reg_read(VIRTIO_MMIO_VERSION, 1);
}

void case_version_two(void)
{
	rig_live(8);
	reg_read(VIRTIO_MMIO_VERSION, 2);
	reg_read(VIRTIO_MMIO_MAGIC_VALUE, 0x74726976);
	reg_read(VIRTIO_MMIO_DEVICE_ID, 42);
}

static void read_offer(uint32_t high)
{
	rig_live(8);
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	reg_read(VIRTIO_MMIO_DEVICE_FEATURES, high);
}

void case_more_offered_than_is_true(void)
{
	read_offer(3);
}

void case_offer_as_it_is(void)
{
	read_offer(1);
}

/* Two bytes on either side of the end. */
static void read_across_end(uint32_t value)
{
	rig_live(8);
	reg_read(VIRTIO_MMIO_CONFIG + RIG_CONFIG_LEN - 2, value);
}

void case_past_config_is_left_over(void)
{
	read_across_end(0x10000);
}

void case_past_config_is_zero(void)
{
	read_across_end(0xffff);
}

void case_generation_moves_in_silence(void)
{
	rig_live(8);
	reg_read(VIRTIO_MMIO_CONFIG_GENERATION, 1);
}

void case_generation_moves_with_interrupt(void)
{
	rig_live(8);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation = 1;
	done();
	reg_read(VIRTIO_MMIO_CONFIG_GENERATION, 1);
}

void case_status_stays(void)
{
	rig_live(8);
	call(VIRTIO_MMIO_STATUS, 0);
	done();
}

void case_status_zero(void)
{
	rig_live(8);
	set_status(0);
	rest(DEVICE_IDLE);
}

/* The driver accepts a bit that is not there; what the device makes of it. */
static void accept_too_much(uint32_t status)
{
	rig_live(8);
	set_status(0);
	set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set_status(STATUS_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, 3);
	call(VIRTIO_MMIO_STATUS, STATUS_FEATURES);
	shown.status = status;
	done();
}

void case_features_not_offered(void)
{
	accept_too_much(STATUS_FEATURES);
}

void case_features_refused(void)
{
	accept_too_much(STATUS_DRIVER | VIRTIO_CONFIG_S_FAILED);
}

static void skip_a_step(uint32_t status)
{
	rig_live(8);
	set_status(0);
	call(VIRTIO_MMIO_STATUS, STATUS_DRIVER);
	shown.status = status;
	done();
}

void case_step_skipped(void)
{
	skip_a_step(STATUS_DRIVER);
}

void case_step_ignored(void)
{
	skip_a_step(0);
}

void case_poison_in_silence(void)
{
	rig_live(8);
	notify();
	avail_idx(9);
	done();
}

void case_poison_told(void)
{
	rig_live(8);
	notify();
	avail_idx(9);
	need_reset();
	done();
	rest(DEVICE_IDLE);
}

void case_interrupt_not_shown(void)
{
	rig_live(8);
	notify();
	avail_idx(0);
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	shown.interrupt_status = 0;
	done();
}

void case_interrupt_shown(void)
{
	rig_live(8);
	notify();
	avail_idx(0);
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.generation++;
	done();
	call(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	shown.interrupt_status = 0;
	done();
}

static void unready(uint32_t ready)
{
	rig_live(8);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	call(VIRTIO_MMIO_QUEUE_READY, 0);
	shown.ready = ready;
	done();
}

void case_ready_stays(void)
{
	unready(1);
}

void case_ready_falls(void)
{
	unready(0);
}

/* The host changes a field of 4 bytes from 0x0000ffff to 0x10000, and the driver
 * reads a half before and a half after. */
static void read_halves(uint32_t generation)
{
	static const struct target_field fields[] = { { "field", 0, 4, 1 } };

	rig_target.field_count = 1;
	rig_target.fields = fields;
	rig_live(8);
	ledger_field_read(&ledger, 0, 0, 2, 0xffff, 0xffff, 7);
	ledger_field_read(&ledger, 0, 2, 2, 0x0001, 0x10000, generation);
}

void case_halves_of_two_values(void)
{
	read_halves(7);
}

void case_halves_under_two_generations(void)
{
	read_halves(8);
	ledger_field_read(&ledger, 0, 0, 2, 0x0000, 0x10000, 8);
	/* Of one value, and of another that it becomes again. */
	ledger_field_read(&ledger, 0, 0, 4, 0x20000, 0x20000, 8);
	ledger_field_read(&ledger, 0, 2, 2, 0x0001, 0x10000, 8);
	/* The driver's own write. */
	reg_write(VIRTIO_MMIO_CONFIG, 0);
	ledger_field_read(&ledger, 0, 0, 2, 0xabcd, 0xffffabcd, 8);
	/* Too many to keep. */
	for (uint64_t i = 1; i < 9; i++)
		ledger_field_read(&ledger, 0, 1, 1, i, i << 8, 8);
	ledger_field_read(&ledger, 0, 0, 1, 0, 0, 8);
	ledger_field_read(&ledger, 0, 2, 2, 0x5555, 0, 8);
}

static void look_twice(const struct ledger_look *driver, const struct ledger_look *again)
{
	if (ledger_config_differs(&ledger, driver, again))
		ledger_config_differ(&ledger, driver, again);
}

void case_byte_of_another_lane(void)
{
	rig_live(8);
	look_twice(&(struct ledger_look){ 1, 1, 0x44 }, &(struct ledger_look){ 0, 4, 0x11223344 });
}

void case_byte_at_two_widths(void)
{
	rig_live(8);
	look_twice(&(struct ledger_look){ 1, 1, 0x33 }, &(struct ledger_look){ 0, 4, 0x11223344 });
	look_twice(&(struct ledger_look){ 0, 4, 0x11223344 }, &(struct ledger_look){ 3, 1, 0x11 });
	/* They have no byte in common. */
	look_twice(&(struct ledger_look){ 2, 2, 0x1122 }, &(struct ledger_look){ 1, 1, 0x55 });
	/* One passes the end. */
	look_twice(&(struct ledger_look){ RIG_CONFIG_LEN - 1, 2, 0xffff },
		   &(struct ledger_look){ RIG_CONFIG_LEN - 1, 1, 0x55 });
}

/* A file system with one queue for requests. */
static void count_queues(uint32_t count)
{
	rig_target.device_id = VIRTIO_ID_FS;
	rig_target.features = 1ULL << VIRTIO_F_VERSION_1;
	rig_features_ok(8);
	ledger_config_count(&ledger, count);
}

void case_more_queues_than_there_are(void)
{
	count_queues(2);
}

void case_queues_that_there_are(void)
{
	count_queues(1);
}

/* A balloon whose driver wrote `actual` in two accesses; it reads as that. */
static void read_actual(uint64_t value)
{
	uint32_t offset = 0, width = 0;

	rig_target.device_id = VIRTIO_ID_BALLOON;
	rig_live(8);
	reg_write(VIRTIO_MMIO_CONFIG + 4, 0x11223344);
	reg_write(VIRTIO_MMIO_CONFIG + 2, 0xaabb0000);
	assert_int_equal(ledger_config_tells(&ledger, 0, 8, &offset, &width), rig_target.model);
	if (rig_target.model) {
		assert_int_equal(offset, 4);
		assert_int_equal(width, 4);
	}
	ledger_config_told(&ledger, value);
}

void case_half_of_actual_kept(void)
{
	read_actual(0x11223344);
}

void case_actual_kept(void)
{
	read_actual(0x1122aabb);
}

void case_change_in_silence(void)
{
	rig_live(8);
	shown.generation++;
	host(HOST_CHANGE_CONFIG, NULL, 5, 1);
}

void case_change_told(void)
{
	shown.generation++;
	host(HOST_SET_NUM_PAGES, NULL, 4, 1);
	rig_live(8);
	host(HOST_SET_NUM_PAGES, NULL, 4, 0);
	host(HOST_CHANGE_CONFIG, NULL, 0, 0);
	host_raises = VIRTIO_MMIO_INT_CONFIG;
	shown.generation++;
	host(HOST_SET_NUM_PAGES, NULL, 5, 1);
	host_raises = VIRTIO_MMIO_INT_CONFIG;
	shown.generation++;
	host(HOST_CHANGE_CONFIG, NULL, 1, 1);
}
