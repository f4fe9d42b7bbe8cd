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

/* Every register that may be read, as a new device shows it, selectors as at first,
 * where there are any; and the configuration.  Not what the driver wrote to the configuration, or
 * the device changed there, of a device that is not ours: VIRTIO does not say that a reset undoes
 * it. */
static unsigned read_registers(struct run *run, uint32_t *out)
{
	static const uint16_t offsets[] = {
		VIRTIO_MMIO_MAGIC_VALUE,   VIRTIO_MMIO_VERSION,		 VIRTIO_MMIO_DEVICE_ID,
		VIRTIO_MMIO_VENDOR_ID,	   VIRTIO_MMIO_DEVICE_FEATURES,	 VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_QUEUE_READY,   VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_STATUS,
		VIRTIO_MMIO_SHM_LEN_LOW,   VIRTIO_MMIO_SHM_LEN_HIGH,	 VIRTIO_MMIO_SHM_BASE_LOW,
		VIRTIO_MMIO_SHM_BASE_HIGH,
	};
	const struct transport *t = run->guest.transport;
	unsigned count = 0;

	t->aim_at_first(&run->guest);
	if (t->look_register != NULL)
		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
			out[count++] = (uint32_t)t->look_register(&run->guest, offsets[i], 4);
	if (run->guest.target->keeps_config || run->config_unknown)
		return count;
	for (unsigned i = 0; i < run->guest.target->config_len && count < GUEST_REGISTERS_MAX;
	     i += 4)
		out[count++] = (uint32_t)t->look_config(&run->guest, i, 4);
	return count;
}

static void judge_registers(struct run *run)
{
	uint32_t now[GUEST_REGISTERS_MAX];
	unsigned count = read_registers(run, now);
	uint32_t value;

	for (unsigned i = 0; i < count; i++)
		if (now[i] != run->guest.registers[i])
			ledger_break(&run->guest.ledger, RULE_RESET_REGISTERS,
				     "after reset register %u of those compared reads 0x%x, on a "
				     "new device 0x%x",
				     i, now[i], run->guest.registers[i]);
	for (uint32_t i = 0; i < run->guest.target->queue_count; i++) {
		run->guest.transport->aim(&run->guest, i);
		value = run->guest.transport->look_queue_ready(&run->guest);
		if (value != 0)
			ledger_break(&run->guest.ledger, RULE_RESET_REGISTERS,
				     "after reset QueueReady of queue %u reads %u", i, value);
	}
}

static uint16_t peek_mtu(const struct run *run)
{
	uint32_t at = ledger_net_mtu_at(run->guest.target, run->guest.offered.low);

	return at > 0 ? (uint16_t)run->guest.transport->look_config(&run->guest, at, 2) : 0;
}

bool run_create(struct run *run)
{
	uint32_t generation;

	arena_reset(&run->guest.arena);
	heap_reset(&run->guest.heap);
	guest_reset(&run->guest);
	run->snapshots[0].len = 0;
	run->advanced = 0;
	run->config_unknown = false;
	run->written_count = 0;
	run->guest.device = target_create(run->guest.target, &run->guest.arena.host,
					  run->guest.offered, run->guest.queue_max);
	if (run->guest.device == NULL)
		return false;
	if (run->guest.target->listen != NULL)
		run->guest.target->listen(run->guest.device, &run->guest.listener);
	run->guest.register_count = read_registers(run, run->guest.registers);
	generation = run->guest.transport->look_generation(&run->guest);
	ledger_created(&run->guest.ledger, generation, peek_mtu(run));
	ledger_disk_capacity(&run->guest.ledger, guest_disk_capacity(&run->guest));
	run->guest.ledger.socket.cid = guest_socket_cid(&run->guest);
	return true;
}

void run_reset(struct run *run)
{
	guest_reset(&run->guest);
	run->snapshots[0].len = 0;
	run->guest.transport->write_status(&run->guest, 0);
	guest_take_all_output(&run->guest);
	guest_forget_orders(&run->guest);
	guest_want_nothing(&run->guest);
	run->guest.transport->aim_at_first(&run->guest);
	arena_reset(&run->guest.arena);
}

void run_clear(struct run *run)
{
	arena_map(&run->guest.arena, 0, UINT64_MAX);
	arena_map(&run->guest.arena, UINT64_MAX, 1); /* a length cannot hold all of 2^64 */
	guest_set_regions(&run->guest, 0, UINT64_MAX, true);
	arena_disarm(&run->guest.arena);
	guest_forget_orders(&run->guest);
	guest_reset(&run->guest);
}

void run_check_reset(struct run *run, const struct run_options *options)
{
	run_stage(run, options, "end-reset");
	run_clear(run);
	run->guest.transport->write_status(&run->guest, 0);
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
