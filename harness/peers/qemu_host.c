/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the host does to QEMU's device: it gives and takes at the other end of the device's
 * sockets, and wants numbers of it by QMP.  See qemu.h.
 *
 * QEMU reads a socket, and writes one that was full, when its main loop comes round.  So
 * after each call that loop is made to do so until nothing has moved for ROUNDS_QUIET
 * rounds: then it has read what it is going to.  What it does not read stays where it is,
 * until there is room for it or the driver resets the device, and the host takes it back.
 */
#include "harness/peers/qemu.h"

#include <errno.h>
#include <stddef.h>

#define ROUNDS_QUIET 4u	  /* one to see that there is room, one to see a socket, one to read */
#define ROUNDS_MAX 65536u /* one for each piece that a line keeps, and many more */

int qemu_host_open(struct qemu *q)
{
	int err = 0;

	while (err == 0 && q->line_count < q->side->lines)
		err = line_open(&q->lines[q->line_count++], q->side->frames);
	return err;
}

void qemu_host_close(struct qemu *q)
{
	while (q->line_count > 0)
		line_close(&q->lines[--q->line_count]);
}

bool qemu_host_renew(struct qemu *q)
{
	/* A frame for which there was no room is with QEMU, and comes with the next chain. */
	if (q->keeps)
		return false;
	for (unsigned i = 0; i < q->line_count; i++)
		line_forget(&q->lines[i]);
	if (q->side->renew != NULL && !q->side->renew(q))
		return false;
	q->wanted = 0;
	return true;
}

void qemu_host_reset(struct qemu *q)
{
	for (unsigned i = 0; i < q->line_count; i++)
		line_take_back(&q->lines[i]);
}

void qemu_host_seen(struct qemu *q, const uint32_t *outstanding)
{
	if (q->keeps && outstanding[0] < q->keeps_until)
		q->keeps = false;
}

/* One step of all lines. */
static bool move(struct qemu *q)
{
	bool moved = false;

	for (unsigned i = 0; i < q->line_count; i++)
		moved |= line_move(&q->lines[i]);
	return moved;
}

static bool is_owed(const struct qemu *q)
{
	for (unsigned i = 0; i < q->line_count; i++)
		if (line_is_owed(&q->lines[i]))
			return true;
	return false;
}

/* One frame is known to have arrived by the chain that it took; of more that is not known. */
static void note_frames(struct qemu *q, uint32_t count, uint32_t outstanding)
{
	if (count == 0)
		return;
	q->keeps_until = count == 1 && !q->keeps ? outstanding : 0;
	q->keeps = true;
}

void qemu_host_rest(struct qemu *q, const uint32_t *outstanding, bool waiting)
{
	uint32_t before = q->lines[0].passed;

	if (q->line_count == 0)
		return;
	move(q);
	for (unsigned i = 0, quiet = 0; i < ROUNDS_MAX && quiet < ROUNDS_QUIET; i++) {
		if (q->process == NULL || (!waiting && !is_owed(q)))
			break;
		qemu_come_round(q, 1);
		quiet = move(q) ? 0 : quiet + 1;
	}
	/* What was read last, it has dealt with. */
	if (q->process != NULL && q->lines[0].passed != before)
		qemu_come_round(q, 1);
	move(q);
	if (q->side->frames)
		note_frames(q, q->lines[0].passed - before, outstanding[0]);
}

int qemu_command(struct qemu *q, const char *command, const char *arguments)
{
	const char *answer;
	int err;

	q->waited = 0;
	peer_waited();
	err = qtest_sync(&q->qtest);
	q->waited = 0;
	return err != 0 ? err : qmp_command(&q->qmp, command, arguments, &answer);
}

/* A number is wanted of the device. */
static uint32_t want(struct qemu *q, uint32_t value)
{
	int done;

	if (q->side->want == NULL || value == q->wanted)
		return 0;
	done = q->side->want(q, value);
	if (done < 0)
		qemu_lose(q, done);
	if (done <= 0)
		return 0;
	q->wanted = value;
	qemu_come_round(q, ROUNDS_QUIET);
	return 1;
}

uint32_t qemu_host_act(void *device, uint32_t act, uint32_t port, void *data, uint32_t len)
{
	struct qemu *q = device;

	if (q->process == NULL)
		return 0;
	if (act == VRINGER_SET_NUM_PAGES || act == VRINGER_CHANGE_CONFIG) {
		q->known = q->has_ahead = false;
		q->worked = true;
		return want(q, len);
	}
	if (port >= q->line_count)
		return 0;
	if (act == VRINGER_TAKE)
		return line_take(&q->lines[port], data, len);
	if (act != VRINGER_TYPE)
		return 0;
	q->known = q->has_ahead = false;
	q->worked = true;
	return line_give(&q->lines[port], data, len);
}
