/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * When QEMU's device is at rest.  See qemu.h.
 *
 * After what may make it work, QEMU's main loop is made to come round ROUNDS times: it takes up
 * each question of ours when it has done what the one before left behind (its bottom halves).
 * The last of these comes after the chains that are out were counted: what had come back by then
 * has its interrupt by then.  In between, QMP is asked of a device that goes on by itself.
 */
#include "harness/peers/qemu.h"

#include <errno.h>
#include <linux/virtio_mmio.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS 3u	  /* after what may make it work */
#define ROUNDS_WAITING 4u /* where chains are with it, in the place of the last */
#define PAUSE_NS 100000l  /* between questions to QMP */
#define INTERRUPT_BITS (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)

/* ---- looks ------------------------------------------------------------------------- */

void qemu_tell(struct qemu *q)
{
	uint32_t raised = q->interrupts & ~q->told & INTERRUPT_BITS;

	q->told = q->interrupts;
	if (raised != 0)
		q->host->interrupt(q->host->ctx, raised);
}

bool qemu_look(struct qemu *q)
{
	struct qtest_access accesses[] = {
		{ VIRTIO_MMIO_STATUS, 4, 0 },
		{ VIRTIO_MMIO_INTERRUPT_STATUS, 4, 0 },
		{ VIRTIO_MMIO_QUEUE_READY, 4, 0 },
	};
	int err = qemu_read(q, accesses, q->set_ready ? 3 : 2);

	if (err != 0) {
		qemu_lose(q, err);
		return false;
	}
	q->status = (uint32_t)accesses[0].value;
	q->interrupts = (uint32_t)accesses[1].value;
	q->ready = (uint32_t)accesses[2].value;
	q->has_ready = q->set_ready;
	q->known = true;
	qemu_tell(q);
	return true;
}

/* A round, and what it interrupts for, but for its Status. */
static bool glance(struct qemu *q)
{
	struct qtest_access access = { VIRTIO_MMIO_INTERRUPT_STATUS, 4, 0 };
	int err = qemu_read(q, &access, 1);

	if (err != 0) {
		qemu_lose(q, err);
		return false;
	}
	q->interrupts = (uint32_t)access.value;
	qemu_tell(q);
	return true;
}

void qemu_come_round(struct qemu *q, unsigned rounds)
{
	while (rounds > 1 && glance(q))
		rounds--;
	if (rounds == 1)
		qemu_look(q);
}

void qemu_work(struct qemu *q)
{
	for (unsigned i = 1; q->process != NULL && i < ROUNDS; i++)
		glance(q);
	q->worked = true;
}

/* ---- rest -------------------------------------------------------------------------- */

/* How many chains the device has, as QMP says: of queues too that no driver may use yet, which
 * it may serve nevertheless. */
static int ask_inuse(struct qemu *q, uint64_t *sum)
{
	uint32_t queues = kind_find(q->peer->kind)->queue_count;

	*sum = 0;
	for (uint32_t i = 0; i < queues; i++) {
		char arguments[80];
		const char *answer;
		uint64_t inuse;
		int err;

		snprintf(arguments, sizeof(arguments),
			 "{\"path\":\"/machine/peripheral/vringer\",\"queue\":%u}", i);
		q->waited = 0;
		peer_waited();
		err = qmp_command(&q->qmp, "x-query-virtio-queue-status", arguments, &answer);
		/* No such device or queue: nothing is known of it. */
		if (err == -EREMOTEIO)
			continue;
		if (err != 0)
			return err;
		if (qmp_number(answer, "inuse", &inuse))
			*sum += inuse;
	}
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until it has no chain, and had none when it was asked first or after a look: what it ended
 * may have made it begin another. */
static int32_t wait_unused(struct qemu *q, uint32_t ms)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t end = 0, inuse;
	bool had = false;

	while (q->process != NULL) {
		int err = ask_inuse(q, &inuse);

		if (err != 0) {
			qemu_lose(q, err);
		} else if (inuse == 0 && !had) {
			break;
		} else if (inuse == 0) {
			had = false;
			qemu_come_round(q, 1);
		} else {
			had = true;
			if (end == 0)
				end = now_ms() + ms;
			else if (now_ms() >= end)
				return -ETIMEDOUT;
			nanosleep(&pause, NULL);
		}
	}
	return 0;
}

/* Only QMP knows whether it is still at one: what it does later, where it does that.  Before
 * DRIVER_OK nobody counts what is out, and it may serve nevertheless. */
static bool may_have_some(const struct qemu *q, uint32_t waiting)
{
	return q->has_qmp &&
	       (q->side->asynchronous || (q->side->keeps_none && (waiting > 0 || !q->live)));
}

int32_t qemu_settle(void *device, uint32_t ms, const uint32_t *outstanding)
{
	struct qemu *q = device;
	uint32_t queues = kind_find(q->peer->kind)->queue_count, waiting = 0;

	if (q->process != NULL)
		qemu_host_seen(q, outstanding);
	if (!q->worked || q->process == NULL)
		return 0;
	for (uint32_t i = 0; i < queues; i++)
		waiting += outstanding[i];
	if (may_have_some(q, waiting)) {
		int32_t err = wait_unused(q, ms);

		if (err != 0 || q->process == NULL)
			return err;
	}
	q->worked = false;
	qemu_come_round(q, waiting > 0 ? ROUNDS_WAITING : 1);
	if (q->process != NULL)
		qemu_host_rest(q, outstanding, waiting > 0);
	return 0;
}
