/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of suspended devices and of what may be offered, each broken once, and kept once next
 * to it.  See ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "devices/virtio_1_4.h"
#include "ledger_cases.h"
#include "ledger_rig.h"

/* Live, of another's device, SUSPEND accepted. */
static void live(void)
{
	rig_target.model = false;
	rig_target.features |= 1ULL << VIRTIO_F_SUSPEND;
	rig_live(8);
	negotiate(VIRTIO_F_SUSPEND);
}

/* The driver writes that status, and the device shows this one. */
static void status(uint32_t written, uint32_t showing)
{
	call(VIRTIO_MMIO_STATUS, written);
	shown.status = showing;
	done();
	rest(DEVICE_IDLE);
}

static void suspended(void)
{
	live();
	status(STATUS_LIVE | STATUS_SUSPEND, STATUS_SUSPENDED);
}

static void resume(void)
{
	status(STATUS_LIVE | STATUS_SUSPEND, STATUS_LIVE);
}

void case_suspended_before_driver_ok(void)
{
	rig_target.model = false;
	rig_target.features |= 1ULL << VIRTIO_F_SUSPEND;
	rig_features_ok(8);
	status(STATUS_SUSPENDED, STATUS_SUSPENDED);
}

void case_suspend_ignored_before_driver_ok(void)
{
	rig_target.model = false;
	rig_target.features |= 1ULL << VIRTIO_F_SUSPEND;
	rig_features_ok(8);
	status(STATUS_SUSPENDED, STATUS_FEATURES);
}

void case_suspend_ignored(void)
{
	live();
	status(STATUS_LIVE | STATUS_SUSPEND, STATUS_LIVE);
}

void case_suspend_taken(void)
{
	suspended();
	status(STATUS_SUSPENDED, STATUS_SUSPENDED);
	/* Or it says that it cannot. */
	live();
	call(VIRTIO_MMIO_STATUS, STATUS_LIVE | STATUS_SUSPEND);
	shown.status = STATUS_LIVE | VIRTIO_CONFIG_S_NEEDS_RESET;
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.interrupt_status = VIRTIO_MMIO_INT_CONFIG;
	done();
	rest(DEVICE_IDLE);
}

void case_suspended_for_ever(void)
{
	suspended();
	status(STATUS_LIVE | STATUS_SUSPEND, STATUS_SUSPENDED);
}

void case_suspended_and_resumed(void)
{
	suspended();
	resume();
	suspended();
	status(STATUS_LIVE | STATUS_SUSPEND, STATUS_SUSPENDED | VIRTIO_CONFIG_S_NEEDS_RESET);
}

void case_suspended_and_looking(void)
{
	suspended();
	notify();
	avail_idx(0);
	done();
}

void case_suspended_and_still(void)
{
	suspended();
	notify();
	done();
	rest(DEVICE_IDLE);
	/* In the call that resumes it the device may look. */
	call(VIRTIO_MMIO_STATUS, STATUS_LIVE | STATUS_SUSPEND);
	avail_idx(0);
	shown.status = STATUS_LIVE;
	done();
	rest(DEVICE_IDLE);
}

void case_suspended_and_notifying(void)
{
	suspended();
	notify();
	raise_interrupt(VIRTIO_MMIO_INT_VRING);
	shown.interrupt_status = VIRTIO_MMIO_INT_VRING;
	done();
}

void case_notifying_as_it_is_suspended(void)
{
	live();
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	done();
	rest(DEVICE_WORK);
	/* It finishes what it has. */
	call(VIRTIO_MMIO_STATUS, STATUS_LIVE | STATUS_SUSPEND);
	return_chain(0, 0, 0, 0);
	wake();
	shown.status = STATUS_SUSPENDED;
	done();
	rest(DEVICE_IDLE);
	notify();
	done();
	rest(DEVICE_IDLE);
}

void case_suspended_and_telling_of_config(void)
{
	suspended();
	host_raises = VIRTIO_MMIO_INT_CONFIG;
	shown.interrupt_status = VIRTIO_MMIO_INT_CONFIG;
	host(HOST_CHANGE_CONFIG, NULL, 1, 1);
}

void case_suspended_and_silent_of_config(void)
{
	suspended();
	host(HOST_CHANGE_CONFIG, NULL, 1, 1);
	rest(DEVICE_IDLE);
	/* That it needs a reset it may say. */
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.interrupt_status = VIRTIO_MMIO_INT_CONFIG;
	shown.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	done();
	rest(DEVICE_IDLE);
}

void case_change_never_told(void)
{
	suspended();
	host(HOST_CHANGE_CONFIG, NULL, 1, 1);
	rest(DEVICE_IDLE);
	resume();
}

void case_change_told_later(void)
{
	suspended();
	host(HOST_CHANGE_CONFIG, NULL, 1, 1);
	host(HOST_CHANGE_CONFIG, NULL, 1, 0);
	rest(DEVICE_IDLE);
	call(VIRTIO_MMIO_STATUS, STATUS_LIVE | STATUS_SUSPEND);
	shown.status = STATUS_LIVE;
	done();
	rest(DEVICE_WORK);
	work();
	raise_interrupt(VIRTIO_MMIO_INT_CONFIG);
	shown.interrupt_status = VIRTIO_MMIO_INT_CONFIG;
	done();
	rest(DEVICE_IDLE);
	/* One that no change was told of, and a session that is over. */
	suspended();
	host(HOST_CHANGE_CONFIG, NULL, 1, 0);
	resume();
	suspended();
	host(HOST_CHANGE_CONFIG, NULL, 1, 1);
	set_status(0);
	rest(DEVICE_IDLE);
}

static void return_and_suspend(bool interrupt)
{
	live();
	notify();
	avail_idx(1);
	take(0, 0, 16, 0);
	return_chain(0, 0, 0, 0);
	done();
	rest(DEVICE_WORK);
	call(VIRTIO_MMIO_STATUS, STATUS_LIVE | STATUS_SUSPEND);
	if (interrupt)
		wake();
	shown.status = STATUS_SUSPENDED;
	done();
}

void case_suspended_and_owing(void)
{
	return_and_suspend(false);
}

void case_suspended_and_owing_nothing(void)
{
	return_and_suspend(true);
	rest(DEVICE_IDLE);
}

static void offer(uint64_t features)
{
	rig_target.features |= features;
	rig_live(8);
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	reg_read(VIRTIO_MMIO_DEVICE_FEATURES, rig_target.features >> 32);
}

void case_offer_of_another_transport(void)
{
	offer(1ULL << VIRTIO_F_NOTIF_CONFIG_DATA);
}

void case_offer_of_this_transport(void)
{
	offer(1ULL << VIRTIO_F_NOTIFICATION_DATA | 1ULL << VIRTIO_F_SUSPEND);
	/* Bits that 1.4 has not are a later version's. */
	rig_target.virtio = 0x0105;
	offer(1ULL << 44 | 1ULL << 49);
}

/* A network device offers this, and its driver reads it. */
static void offer_net(uint64_t features)
{
	rig_target.device_id = VIRTIO_ID_NET;
	rig_target.features |= features;
	rig_live(8);
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	reg_read(VIRTIO_MMIO_DEVICE_FEATURES, (uint32_t)rig_target.features);
}

void case_offer_without_what_it_requires(void)
{
	offer_net(1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_ECN);
}

/* One of two is enough, and what is of another type of device requires nothing. */
void case_offer_with_what_it_requires(void)
{
	offer_net(1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_ECN |
		  1ULL << VIRTIO_NET_F_HOST_TSO6);
	rig_target.device_id = VIRTIO_ID_RNG;
	rig_target.features |= 1ULL << VIRTIO_NET_F_CTRL_RX;
	rig_live(8);
	reg_write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	reg_read(VIRTIO_MMIO_DEVICE_FEATURES, (uint32_t)rig_target.features);
}
