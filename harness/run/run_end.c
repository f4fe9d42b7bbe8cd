/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What comes after a program.  See run.h.
 *
 * reset.registers: when it is judged, all memory is mapped, no race or fault is armed,
 * and slots and rings are at their default places.  So only what the device kept can
 * make a difference.
 */
#include "harness/ledger/ledger_internal.h"
#include "harness/run/run_internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

static uint32_t peek(const struct run *run, uint32_t offset)
{
	uint32_t value = 0;

	run->guest.target->read(run->guest.device, offset, &value, sizeof(value));
	return value;
}

/* What they hold at first VIRTIO does not say. */
static void clear_selectors(const struct run *run)
{
	static const uint16_t selectors[] = { VIRTIO_MMIO_DEVICE_FEATURES_SEL,
					      VIRTIO_MMIO_DRIVER_FEATURES_SEL,
					      VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_SHM_SEL };
	static const uint32_t zero;

	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++)
		run->guest.target->write(run->guest.device, selectors[i], &zero, sizeof(zero));
}

/* Every register that may be read, as a new device shows it, selectors 0.  Not what
 * the driver wrote to the configuration, or the device changed there, of a device
 * that is not ours: VIRTIO does not say that a reset undoes it. */
static unsigned read_registers(const struct run *run, uint32_t *out)
{
	static const uint16_t offsets[] = {
		VIRTIO_MMIO_MAGIC_VALUE,   VIRTIO_MMIO_VERSION,		 VIRTIO_MMIO_DEVICE_ID,
		VIRTIO_MMIO_VENDOR_ID,	   VIRTIO_MMIO_DEVICE_FEATURES,	 VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_QUEUE_READY,   VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_STATUS,
		VIRTIO_MMIO_SHM_LEN_LOW,   VIRTIO_MMIO_SHM_LEN_HIGH,	 VIRTIO_MMIO_SHM_BASE_LOW,
		VIRTIO_MMIO_SHM_BASE_HIGH,
	};
	unsigned count = 0;

	clear_selectors(run);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		out[count++] = peek(run, offsets[i]);
	if (run->guest.target->keeps_config)
		return count;
	for (unsigned i = 0; i < run->guest.target->config_len && count < GUEST_REGISTERS_MAX;
	     i += 4)
		out[count++] = peek(run, VIRTIO_MMIO_CONFIG + i);
	return count;
}

static void judge_registers(struct run *run)
{
	uint32_t now[GUEST_REGISTERS_MAX];
	unsigned count = read_registers(run, now);
	uint32_t value;

	if (run->config_unknown)
		count -= (run->guest.target->config_len + 3) / 4;
	for (unsigned i = 0; i < count; i++)
		if (now[i] != run->guest.registers[i])
			ledger_break(&run->guest.ledger, RULE_RESET_REGISTERS,
				     "after reset register %u of those compared reads 0x%x, on a "
				     "new device 0x%x",
				     i, now[i], run->guest.registers[i]);
	for (uint32_t i = 0; i < run->guest.target->queue_count; i++) {
		run->guest.target->write(run->guest.device, VIRTIO_MMIO_QUEUE_SEL, &i, sizeof(i));
		value = peek(run, VIRTIO_MMIO_QUEUE_READY);
		if (value != 0)
			ledger_break(&run->guest.ledger, RULE_RESET_REGISTERS,
				     "after reset QueueReady of queue %u reads %u", i, value);
	}
}

static void note_mtu(struct run *run)
{
	uint32_t at = ledger_net_mtu_at(run->guest.target, run->guest.offered);
	uint8_t mtu[2] = { 0 };

	if (at > 0)
		run->guest.target->read(run->guest.device, VIRTIO_MMIO_CONFIG + at, mtu,
					sizeof(mtu));
	run->guest.ledger.net.mtu = ledger_get16(mtu);
}

bool run_create(struct run *run)
{
	arena_reset(&run->guest.arena);
	heap_reset(&run->guest.heap);
	guest_reset(&run->guest);
	run->snapshots[0].len = 0;
	run->config_unknown = false;
	run->guest.device = run->guest.target->create(run->guest.target, &run->guest.arena.host,
						      run->guest.offered, run->guest.queue_max);
	if (run->guest.device == NULL)
		return false;
	if (run->guest.target->listen != NULL)
		run->guest.target->listen(run->guest.device, &run->guest.listener);
	run->guest.register_count = read_registers(run, run->guest.registers);
	run->guest.ledger.generation = peek(run, VIRTIO_MMIO_CONFIG_GENERATION);
	run->guest.ledger.heap_base = run->guest.heap.peak_blocks = run->guest.heap.live_blocks;
	note_mtu(run);
	return true;
}

void run_reset(struct run *run)
{
	guest_reset(&run->guest);
	run->snapshots[0].len = 0;
	guest_write(&run->guest, VIRTIO_MMIO_STATUS, 4, 0);
	guest_take_all_output(&run->guest);
	guest_forget_orders(&run->guest);
	guest_want_nothing(&run->guest);
	clear_selectors(run);
	arena_reset(&run->guest.arena);
}

void run_clear(struct run *run)
{
	arena_map(&run->guest.arena, 0, UINT64_MAX);
	arena_map(&run->guest.arena, UINT64_MAX, 1); /* a length cannot hold all of 2^64 */
	arena_disarm(&run->guest.arena);
	guest_forget_orders(&run->guest);
	guest_reset(&run->guest);
}

void run_check_reset(struct run *run, const struct run_options *options)
{
	run_stage(run, options, "end-reset");
	run_clear(run);
	guest_write(&run->guest, VIRTIO_MMIO_STATUS, 4, 0);
	run_stage_end(run);
	if (run->guest.ledger.enabled && ledger_judges(&run->guest.ledger, RULE_RESET_REGISTERS))
		judge_registers(run);
}

void run_destroy(struct run *run)
{
	unsigned leaked;

	arena_disarm(&run->guest.arena);
	run->guest.target->destroy(run->guest.device);
	run->guest.device = NULL;
	leaked = run->guest.heap.live_blocks;
	if (leaked > 0)
		ledger_find(&run->guest.ledger, FINDING_LEAK, "leak",
			    "the device was destroyed and left %u blocks of %zu bytes", leaked,
			    run->guest.heap.live_bytes);
	heap_reset(&run->guest.heap);
}
