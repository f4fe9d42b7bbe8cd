/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of the reset of one queue, each broken once, and kept once next to it.  See
 * ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_cases.h"
#include "ledger_rig.h"

#include "devices/virtio_1_4.h"

static void reset_queue(unsigned queue, uint32_t ready, uint32_t resetting)
{
	negotiate(VIRTIO_F_RING_RESET);
	reg_write(VIRTIO_MMIO_QUEUE_SEL, queue);
	call(VIRTIO_MMIO_QUEUE_RESET, 1);
	shown.ready = ready;
	shown.resetting = resetting;
	done();
}

void case_queue_stays_ready(void)
{
	rig_live(8);
	reset_queue(TX, 1, 0);
}

void case_queue_is_reset(void)
{
	rig_live(8);
	reset_queue(TX, 0, 0);
	rest(DEVICE_IDLE);
}

/* Both queues are reset, the one of which the driver heard last. */
static void reset_both(void)
{
	on = TX;
	rig_live(8);
	serve(0);
	done();
	call(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	shown.interrupt_status = 0;
	done();
	reset_queue(RX, 0, 0);
	reset_queue(TX, 0, 0);
}

void case_interrupt_of_a_reset_queue(void)
{
	reset_both();
	notify();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
}

void case_interrupt_of_a_queue_set_up_again(void)
{
	reset_both();
	on = TX;
	reg_write(VIRTIO_MMIO_QUEUE_SEL, TX);
	reg_write(VIRTIO_MMIO_QUEUE_NUM, 4);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, DESC_AT(TX));
	reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL_AT(TX));
	reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, USED_AT(TX));
	shown.ready = 1;
	reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
	serve(0);
	done();
	rest(DEVICE_IDLE);
}
