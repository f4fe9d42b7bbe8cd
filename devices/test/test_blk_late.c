/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The block device behind a disk that finishes later, in another order, in part, or not at all, and
 * in front of a driver that resets or suspends it meanwhile.
 * VIRTIO 1.4, 5.2.6, 2.6.1, 3.4.
 */
#include <stdlib.h>
#include <string.h>

#include "../snapshot.h"
#include "blk_guest.h"

#define IN_ORDER (UINT64_C(1) << VIRTIO_F_IN_ORDER)
#define SUSPEND (UINT64_C(1) << VIRTIO_F_SUSPEND)
#define RING_RESET (UINT64_C(1) << VIRTIO_F_RING_RESET)
#define S_SUSPENDED (S_FEAT | VIRTIO_CONFIG_S_SUSPEND)

static uint8_t status(uint16_t at)
{
	return *fake_mem(&fake, STATUS + at, 1);
}

static void send_write(unsigned queue, uint16_t at, uint64_t sector)
{
	blk_head(VIRTIO_BLK_T_OUT, sector);
	blk_send(queue, at, 512, 0);
}

static void send_read(unsigned queue, uint16_t at, uint64_t sector, uint32_t len)
{
	blk_head(VIRTIO_BLK_T_IN, sector);
	blk_send(queue, at, 0, len);
}

static void out_of_order(void **state)
{
	(void)state;
	disk.late = true;
	send_write(0, 0, 1);
	send_read(0, 4, 2, 512);
	send_write(1, 8, 3);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	assert_int_equal(fake_used_idx(&blk_q[0]), 0);
	assert_interrupts(0, 0);
	blk_finish(1, INT64_MAX);
	assert_used(&blk_q[0], 1, 4, 513);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	assert_bytes(DATA, 3, 512);
	assert_int_equal(status(0), 0xee);
	blk_finish(1, INT64_MAX);
	assert_used(&blk_q[1], 1, 8, 1);
	blk_finish(0, -EIO);
	assert_used(&blk_q[0], 2, 0, 1);
	assert_int_equal(status(0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(status(8), VIRTIO_BLK_S_OK);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
	expect({ "requests", 3 }, { "served", 2 }, { "reads", 1 }, { "writes", 1 },
	       { "sectors_read", 1 }, { "sectors_written", 1 }, { "failed", 1 });
}

/* With IN_ORDER what is done waits for what its queue had before it; the other queue does not. */
static void in_order(void **state)
{
	(void)state;
	blk_guest_start(ALL | IN_ORDER);
	disk.late = true;
	send_read(0, 0, 1, 512);
	send_read(0, 4, 2, 512);
	send_write(1, 8, 3);
	blk_finish(1, INT64_MAX);
	assert_int_equal(fake_used_idx(&blk_q[0]), 0);
	assert_int_equal(status(4), 0xee);
	blk_finish(1, INT64_MAX);
	assert_int_equal(fake_used_idx(&blk_q[1]), 1);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	blk_finish(0, INT64_MAX);
	assert_int_equal(fake_used_idx(&blk_q[0]), 2);
	assert_int_equal(fake_used_id(&blk_q[0], 0), 0);
	assert_int_equal(fake_used_id(&blk_q[0], 1), 4);
	/* One that is no request does not pass either. */
	send_read(0, 0, 1, 512);
	fake_desc(&blk_q[0], 4, HEADER, 16, 0, 0);
	fake_offer(&blk_q[0], 4);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(fake_used_idx(&blk_q[0]), 2);
	blk_finish(0, INT64_MAX);
	assert_used(&blk_q[0], 4, 4, 0);
}

static void short_results(void **state)
{
	(void)state;
	disk.result_count = 3;
	disk.results[0] = 100;
	disk.results[1] = 1;
	disk.results[2] = INT64_MAX;
	send_read(0, 0, 7, 1024);
	assert_used(&blk_q[0], 1, 0, 1025);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	assert_bytes(DATA, 8, 512);
	assert_bytes(DATA + 512, 9, 512);
	assert_int_equal(status(0), VIRTIO_BLK_S_OK);
	assert_int_equal(disk.calls, 3);
	assert_int_equal(disk.last.offset, 7 * 512 + 101);
	assert_int_equal(disk.last.len, 1024 - 101);
	expect({ "requests", 1 }, { "served", 1 }, { "reads", 1 }, { "sectors_read", 2 },
	       { "continued", 2 });
	/* Within a segment, and then the next one. */
	disk.result_next = 0;
	blk_segment(0, 1, 2, 0);
	blk_segment(1, 5, 1, 0);
	blk_ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 32, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk.bytes[511], 1);
	assert_int_equal(disk.bytes[512], 0);
	assert_int_equal(disk.bytes[3 * 512 - 1], 0);
	assert_int_equal(disk.bytes[3 * 512], 4);
	assert_int_equal(disk.bytes[5 * 512], 0);
	expect({ "requests", 1 }, { "served", 1 }, { "zeroes", 1 }, { "continued", 2 });
}

/* A disk that fails after a part, does nothing, or too much; one that does next to nothing each
 * time.  The driver is shown nothing of the part. */
static void failures(void **state)
{
	static const int64_t last[] = { -EIO, 0, 100000, INT64_MIN, -EAGAIN };
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++) {
		disk.result_next = 0;
		disk.result_count = 2;
		disk.results[0] = 100;
		disk.results[1] = last[i];
		memset(fake_mem(&fake, DATA, 512), 0x77, 512);
		blk_ask(VIRTIO_BLK_T_IN, 7, 0, 512, VIRTIO_BLK_S_IOERR);
		assert_bytes(DATA, 0, 512);
	}
	expect({ "requests", 5 }, { "failed", 5 }, { "continued", 5 });
	disk.result_next = 0;
	disk.result_count = 32;
	for (i = 0; i < 32; i++)
		disk.results[i] = 1;
	disk.calls = 0;
	blk_ask(VIRTIO_BLK_T_OUT, 7, 512, 0, VIRTIO_BLK_S_IOERR);
	assert_int_equal(disk.calls, BLK_CALLS_MAX);
	expect({ "requests", 1 }, { "failed", 1 }, { "continued", BLK_CALLS_MAX });
	/* A write that could not be made stable has failed. */
	disk.result_count = 2;
	disk.result_next = 0;
	disk.results[0] = 512;
	disk.results[1] = -EIO;
	mmio_write(m, 0x100 + 32, &(uint8_t){ 0 }, 1);
	blk_ask(VIRTIO_BLK_T_OUT, 7, 512, 0, VIRTIO_BLK_S_IOERR);
	expect({ "requests", 1 }, { "failed", 1 }, { "writeback_written", 1 });
}

/* What is completed from within the call counts, and what the call says after that does not. */
static void completed_from_within(void **state)
{
	(void)state;
	disk.both = true;
	blk_ask(VIRTIO_BLK_T_IN, 7, 0, 512, VIRTIO_BLK_S_OK);
	assert_bytes(DATA, 8, 512);
	assert_int_equal(disk.calls, 1);
	expect({ "requests", 1 }, { "served", 1 }, { "reads", 1 }, { "sectors_read", 1 });
}

/* More than the device has with the disk wait in their rings. */
static void no_more_than_can_be(void **state)
{
	unsigned i;

	(void)state;
	disk.late = true;
	for (i = 0; i < 3; i++)
		send_write(1, (uint16_t)(4 * i), i);
	for (i = 0; i < 4; i++)
		send_read(0, (uint16_t)(4 * i), i, 512);
	for (i = 0; i < 4; i++) {
		fake_offer(&blk_q[0], (uint16_t)(4 * i));
		reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	}
	assert_int_equal(disk.later_count, BLK_IN_FLIGHT_MAX);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	blk_finish(0, INT64_MAX);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	mmio_work(m);
	assert_int_equal(disk.later_count, BLK_IN_FLIGHT_MAX);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	while (disk.later_count > 0 || mmio_state(m) == DEVICE_WORK)
		if (disk.later_count > 0)
			blk_finish(disk.later_count - 1, INT64_MAX);
		else
			mmio_work(m);
	assert_int_equal(fake_used_idx(&blk_q[0]), 8);
	assert_int_equal(fake_used_idx(&blk_q[1]), 3);
	assert_int_equal(mmio_state(m), DEVICE_IDLE);
}

/* What a reset gives up is not answered, and a completion that comes all the same is nobody's,
 * not even that of the request which has its place now. */
static void reset_in_flight(void **state)
{
	struct fake_call old;

	(void)state;
	disk.late = true;
	send_read(0, 0, 1, 512);
	old = disk.later[0];
	reg_write(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(disk.cancels, 1);

	expect({ "requests", 1 }, { "abandoned", 1 });
	memset(fake_mem(&fake, DATA, 512), 0x77, 512);
	fake_log_clear(&fake);
	blk_complete(mmio_device(m), old.tag, 512);
	assert_int_equal(fake.logged, 0);
	blk_q[0].avail_idx = 0;
	blk_guest_start(ALL);
	send_read(0, 0, 5, 512);
	fake_log_clear(&fake);
	blk_complete(mmio_device(m), old.tag, 512);
	blk_complete(mmio_device(m), UINT64_MAX, 512);
	assert_int_equal(fake.logged, 0);
	assert_int_equal(fake.interrupt_count, 0);
	assert_bytes(DATA, 0x77, 512);
	expect({ "completed_unknown", 3 }, { "requests", 1 });
	blk_finish(0, INT64_MAX);
	assert_bytes(DATA, 6, 512);
	expect({ "served", 1 }, { "reads", 1 }, { "sectors_read", 1 });
}

static void queue_reset_in_flight(void **state)
{
	(void)state;
	blk_guest_start(ALL | RING_RESET);
	disk.late = true;
	send_read(0, 0, 1, 512);
	send_write(1, 4, 2);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, 0);
	reg_write(VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(disk.cancels, 1);
	assert_int_equal(disk.later_count, 1);
	blk_finish(0, INT64_MAX);
	assert_used(&blk_q[1], 1, 4, 1);
	expect({ "requests", 2 }, { "abandoned", 1 }, { "served", 1 }, { "writes", 1 },
	       { "sectors_written", 1 });
	/* A queue that is stopped has them no more either. */
	send_write(1, 4, 2);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, 1);
	reg_write(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(disk.later_count, 0);
	expect({ "requests", 1 }, { "abandoned", 1 });
}

/* The disk is done with what it has before the device is suspended, each part of it. */
static void suspended_and_finished(void **state)
{
	(void)state;
	blk_guest_start(ALL | SUSPEND);
	disk.late = true;
	disk.results[disk.result_count++] = 100;
	send_read(0, 0, 1, 512);
	send_write(1, 4, 2);
	reg_write(VIRTIO_MMIO_STATUS, S_OK | VIRTIO_CONFIG_S_SUSPEND);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_SUSPENDED);
	assert_int_equal(disk.later_count, 0);
	assert_int_equal(disk.finishes, 2);
	assert_used(&blk_q[0], 1, 0, 513);
	assert_used(&blk_q[1], 1, 4, 1);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	/* It waits so long and no longer. */
	reg_write(VIRTIO_MMIO_STATUS, S_OK);
	disk.stuck = true;
	send_write(1, 4, 2);
	reg_write(VIRTIO_MMIO_STATUS, S_OK | VIRTIO_CONFIG_S_SUSPEND);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_SUSPENDED);
	assert_int_equal(disk.finishes, 2 + BLK_CALLS_MAX);
}

/* Nor for a disk that cannot say when it is done: what came meanwhile is answered when the device
 * resumes, and until then nothing is touched. */
static void suspended_in_flight(void **state)
{
	static struct blk_backend backend;

	(void)state;
	backend = blk_guest_backend;
	backend.finish = NULL;
	blk_connect(mmio_device(m), &backend, &disk, SECTORS);
	blk_guest_start(ALL | SUSPEND);
	disk.late = true;
	send_read(0, 0, 1, 512);
	send_write(0, 4, 2);
	reg_write(VIRTIO_MMIO_STATUS, S_OK | VIRTIO_CONFIG_S_SUSPEND);
	assert_int_equal(reg_read(VIRTIO_MMIO_STATUS), S_SUSPENDED);
	fake_log_clear(&fake);
	blk_finish(0, 100);
	blk_finish(0, INT64_MAX);
	assert_int_equal(fake.logged, 0);
	assert_int_equal(fake.interrupt_count, 0);
	assert_int_equal(disk.later_count, 0);
	reg_write(VIRTIO_MMIO_STATUS, S_OK);
	/* The rest of the read is asked for, and the write is answered. */
	assert_int_equal(disk.later_count, 1);
	assert_used(&blk_q[0], 1, 4, 1);
	assert_interrupts(VIRTIO_MMIO_INT_VRING, 0);
	blk_finish(0, INT64_MAX);
	assert_used(&blk_q[0], 2, 0, 513);
}

/* A queue that is poisoned is left alone, its requests too. */
static void poisoned_in_flight(void **state)
{
	(void)state;
	disk.late = true;
	send_read(0, 0, 1, 512);
	fake_avail_set(&blk_q[0], 999);
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_interrupts(VIRTIO_MMIO_INT_CONFIG, 0);
	expect({ "requests", 1 }, { "invalid_avail_idx_count", 1 });
	fake_log_clear(&fake);
	blk_finish(0, INT64_MAX);
	assert_int_equal(fake.logged, 0);
	expect({ "abandoned", 1 }, { "add_used_failures", 1 });
}

/* The device with all that it has goes into a new one, which asks again and answers. */
static void saved_in_flight(void **state)
{
	static uint8_t bytes[1 << 16];
	struct snapshot_error error;
	size_t len, cut;
	uint64_t tag;
	struct mmio *old;

	(void)state;
	disk.late = true;
	send_read(0, 0, 1, 512);
	memset(fake_mem(&fake, DATA, 512), 0x66, 512);
	send_write(1, 4, 2);
	blk_segment(0, 3, 1, 0);
	blk_head(VIRTIO_BLK_T_DISCARD, 0);
	blk_send(0, 8, 16, 0);
	memset(fake_mem(&fake, DATA, 512), 0x55, 512);
	tag = disk.later[1].tag;
	len = snapshot_save(m, bytes, sizeof(bytes));
	assert_true(len < sizeof(bytes));
	old = m;
	disk.later_count = 0;
	m = mmio_create(&blk_ops, &fake.host, UINT64_MAX & ~F(RO), NULL);
	blk_connect(mmio_device(m), &blk_guest_backend, &disk, SECTORS);
	/* Cut anywhere it is refused, and leaves nothing. */
	for (cut = 0; cut < len; cut++)
		assert_int_not_equal(snapshot_restore(m, bytes, cut, &error), 0);
	assert_int_equal(snapshot_restore(m, bytes, len, &error), 0);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	/* One that the disk knows, one that it has no more, and the others. */
	blk_resubmit(mmio_device(m), tag - 1);
	blk_resubmit(mmio_device(m), tag + 100);
	assert_int_equal(disk.later_count, 1);
	assert_int_equal(mmio_state(m), DEVICE_WORK);
	mmio_work(m);
	assert_int_equal(mmio_state(m), DEVICE_WAITING);
	assert_int_equal(disk.later_count, 3);
	assert_int_equal(disk.later[1].tag, tag);
	while (disk.later_count > 0)
		blk_finish(disk.later_count - 1, INT64_MAX);
	assert_int_equal(fake_used_idx(&blk_q[0]), 2);
	assert_int_equal(fake_used_id(&blk_q[0], 0), 8);
	assert_used(&blk_q[1], 1, 4, 1);
	assert_bytes(DATA, 2, 512);
	assert_int_equal(disk.bytes[2 * 512], 0x66);
	assert_int_equal(disk.bytes[3 * 512], 0xdd);
	disk.late = false;
	mmio_destroy(m);
	m = old;
	/* What the old one had is nobody's business here. */
	disk.later[0].tag = tag - 1;
	disk.later[1].tag = tag;
	disk.later[2].tag = tag + 1;
	disk.later_count = 3;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, blk_guest_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(out_of_order),	      TEST(in_order),
		TEST(short_results),	      TEST(failures),
		TEST(completed_from_within),  TEST(no_more_than_can_be),
		TEST(reset_in_flight),	      TEST(queue_reset_in_flight),
		TEST(suspended_and_finished), TEST(suspended_in_flight),
		TEST(poisoned_in_flight),     TEST(saved_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
