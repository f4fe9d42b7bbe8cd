/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A session: one driver, one device.  See session.h.
 */
#include "harness/serve/session_internal.h"

#include "harness/run/child.h"
#include "harness/serve/event.h"
#include "harness/serve/host.h"
#include "harness/serve/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- what happens in rings ----------------------------------------------------------------- */

static void interrupt(struct serve_session *s, unsigned queue)
{
	int fd = s->server.rings[queue].call;

	s->world.interrupts++;
	if (fd >= 0 && event_signal(fd) < 0)
		session_fail(s, "a descriptor for interrupts that cannot be written to");
}

/* Acknowledge what the device raised, and give back what it returned. */
static void collect(struct serve_session *s)
{
	uint32_t bits = session_guest(s)->transport->look_interrupt_status(session_guest(s));

	if (bits != 0 && !session_is_over(s))
		step_run_simple(&s->world.steps, OP_ACK, bits);
	for (unsigned i = 0; i < s->queue_count && !session_is_over(s); i++) {
		int wants = shadow_collect(&s->shadows[i], &s->world);

		if (wants == 1)
			interrupt(s, i);
		else
			session_note(s, i, wants);
	}
	if (!s->world.steps.config_changed)
		return;
	s->world.steps.config_changed = false;
	vhost_server_config_changed(&s->server);
}

static bool has_work(struct serve_session *s)
{
	return s->live && !session_is_over(s) &&
	       target_state(s->target, session_guest(s)->device) == DEVICE_WORK;
}

/* What the driver made available is there for the device to see. */
static void publish(struct serve_session *s, bool look)
{
	for (unsigned i = 0; i < s->queue_count && s->live && !s->broken && !session_is_over(s);
	     i++)
		session_note(s, i, shadow_publish(&s->shadows[i], &s->world, look));
}

/* Everything that can be done without waiting for the driver. */
#define ROUNDS_MAX 64
static void pump(struct serve_session *s)
{
	uint64_t before;

	s->unfinished = false;
	for (int i = 0; i < ROUNDS_MAX && s->live && !s->broken && !session_is_over(s); i++) {
		before = s->world.chains;
		publish(s, i == 0);
		for (unsigned q = 0; q < s->queue_count && !s->broken && !session_is_over(s); q++)
			session_note(s, q, shadow_notify(&s->shadows[q], &s->world));
		if (has_work(s)) {
			step_begin(&s->world.steps, OP_WORK);
			step_run(&s->world.steps);
		}
		if (!session_is_over(s))
			collect(s);
		if (s->options->echo && !session_is_over(s)) {
			host_echo(&s->world.steps, &s->echo_lost);
			if (!session_is_over(s))
				collect(s);
		}
		/* Room that came free may be what a chain waits for. */
		if (before == s->world.chains && !has_work(s))
			return;
	}
	s->unfinished = s->live && !s->broken && !session_is_over(s);
}

/* ---- the loop ------------------------------------------------------------------------------ */

/* May the device begin, though the driver has not said DRIVER_OK?  Only if it does not speak of
 * the status at all. */
static bool may_go_live(const struct serve_session *s)
{
	bool runs = false, waits = false, notified = false;

	if (s->live || session_is_over(s) || !s->server.has_features)
		return false;
	for (unsigned i = 0; i < s->queue_count; i++) {
		runs = runs || vhost_server_runs(&s->server, i);
		waits = waits || vhost_server_waits(&s->server, i);
		notified = notified || s->shadows[i].notified;
	}
	return vhost_server_speaks(&s->server, VHOST_PROTOCOL_STATUS)
		       ? s->silent && runs && notified
		       : runs && (!waits || notified);
}

struct waiting {
	struct pollfd fds[VHOST_SERVER_QUEUES_MAX + 2];
	unsigned queues[VHOST_SERVER_QUEUES_MAX + 2];
	unsigned count, rings;
	bool polls; /* a ring without a descriptor for notifications */
};

/* First the socket, then rings, then lines for the host. */
static void list_waiting(struct serve_session *s, const struct host_lines *lines, struct waiting *w)
{
	w->fds[0] = (struct pollfd){ .fd = s->server.channel.fd, .events = POLLIN };
	w->count = 1;
	w->polls = false;
	for (unsigned i = 0; i < s->queue_count; i++) {
		if (!vhost_server_runs(&s->server, i))
			continue;
		w->polls = w->polls || s->server.rings[i].kick < 0;
		if (s->server.rings[i].kick < 0) {
			/* Nobody will notify: what a look finds is as good. */
			s->shadows[i].owed = true;
			continue;
		}
		w->queues[w->count] = i;
		w->fds[w->count++] =
			(struct pollfd){ .fd = s->server.rings[i].kick, .events = POLLIN };
	}
	w->rings = w->count;
	if (lines->fd >= 0 && s->live)
		w->fds[w->count++] = (struct pollfd){ .fd = lines->fd, .events = POLLIN };
}

static void note_kicks(struct serve_session *s, const struct waiting *w)
{
	for (unsigned i = 1; i < w->rings; i++) {
		if ((w->fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
			session_fail(s, "a descriptor for notifications that is none");
		if ((w->fds[i].revents & POLLIN) == 0)
			continue;
		s->shadows[w->queues[i]].notified = true;
		if (event_take(w->fds[i].fd) < 0)
			session_fail(s, "a descriptor for notifications that cannot be read");
	}
}

#define POLLS_NS 1000000l /* of rings without notifications: 1 ms */

/* A driver that speaks of the status and never says DRIVER_OK, as QEMU 7.2 does for its file
 * systems, has meant it if it notifies and then is silent for so long. */
#define SILENCE_S 1

/* Wait for something to do.  0, or negative errno; -EINTR: a signal. */
static int wait_for_driver(struct serve_session *s, struct waiting *w)
{
	static const struct timespec now = { .tv_nsec = 0 }, soon = { .tv_nsec = POLLS_NS },
				     later = { .tv_sec = SILENCE_S };
	const struct timespec *until = has_work(s) || s->unfinished ? &now
				       : w->polls		    ? &soon
								    : NULL;
	int ready;

	if (until == NULL && !s->live && s->negotiated)
		until = &later;
	ready = serve_wait(s->options, s->live, w->fds, w->count, until);
	s->silent = ready == 0 && until == &later;
	return ready < 0 ? ready : 0;
}

static void swap_if_asked(struct serve_session *s)
{
	if (*s->options->swap == 0 || !s->live)
		return;
	*s->options->swap = 0;
	if (s->target->save == NULL)
		fprintf(stderr, "serve: %s: the target has no snapshots\n", s->target->name);
	else if (host_swap(&s->world.steps))
		fprintf(stderr, "serve: %s: saved, and restored into a new device\n",
			s->target->name);
}

/* One message, if there is one.  0; -EPIPE; or an error. */
static int hear(struct serve_session *s, const struct waiting *w)
{
	if ((w->fds[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
		return 0;
	return vhost_server_message(&s->server);
}

/* Is there a message that has not been read? */
static bool is_spoken_to(const struct serve_session *s)
{
	struct pollfd fd = { .fd = s->server.channel.fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* The driver has gone; what looked like a reset has to have been one. */
static enum session_end close_session(struct serve_session *s)
{
	for (unsigned i = 0; i < s->queue_count && !s->at_fault; i++) {
		const struct driver_ring *ring = &s->shadows[i].ring;

		if (!s->shadows[i].running)
			continue;
		if (s->shadows[i].doubt[0] != '\0') {
			session_fail(s, s->shadows[i].doubt);
			return SESSION_PROTOCOL;
		}
		if (ring->behind == 0)
			continue;
		snprintf(s->world.why, sizeof(s->world.why),
			 "the available index of ring %u went back by %u, and the ring was served "
			 "to the end",
			 i, ring->behind);
		return SESSION_PROTOCOL;
	}
	return s->at_fault ? SESSION_AT_FAULT : SESSION_CLOSED;
}

static enum session_end serve(struct serve_session *s, struct host_lines *lines, int *err)
{
	while (!session_is_over(s)) {
		struct waiting w;

		watchdog_step();
		list_waiting(s, lines, &w);
		*err = wait_for_driver(s, &w);
		if (*s->options->stop != 0)
			return SESSION_STOPPED;
		swap_if_asked(s);
		if (*err == -EINTR)
			continue;
		if (*err != 0)
			return SESSION_HOST;
		note_kicks(s, &w);
		*err = hear(s, &w);
		if (*err == -EPIPE)
			return close_session(s);
		if (*err == -EPROTO)
			session_fail(s, s->server.channel.why);
		else if (*err != 0)
			return SESSION_HOST;
		if (!is_spoken_to(s) && may_go_live(s))
			session_go_live(s);
		if (w.count > w.rings && w.fds[w.rings].revents != 0 && !session_is_over(s)) {
			publish(s, true);
			host_lines_run(lines, &s->world.steps);
		}
		pump(s);
		if (driver_memory_is_cut())
			session_fail(s, "its memory became shorter while it was in use");
		if (s->options->progress != NULL)
			s->options->progress(s->world.chains, s->world.interrupts,
					     session_guest(s)->ledger.finding_count);
	}
	return s->world.steps.over ? SESSION_FINDING : SESSION_PROTOCOL;
}

enum session_end session_serve(struct serve_session *s, struct run *run, struct recorder *recorder,
			       int fd, char *why, int *err)
{
	const struct target *target = run->guest.target;
	struct host_lines lines;
	enum session_end end = SESSION_HOST;

	s->target = target;
	steps_open(&s->world.steps, run, recorder, target->name);
	room_open(&s->world.room, &run->guest.arena);
	s->queue_count = target->queue_count < VHOST_SERVER_QUEUES_MAX ? target->queue_count
								       : VHOST_SERVER_QUEUES_MAX;
	s->world.share = room_size(&s->world.room) / (s->queue_count > 0 ? s->queue_count : 1);
	vhost_server_open(&s->server, fd, s->queue_count, &session_calls, s);
	s->world.memory = &s->server.memory;
	driver_memory_guard();
	watchdog_begin(target->name, CHILD_SECONDS);
	*err = host_lines_open(&lines, s->options->host);
	if (*err == 0)
		end = serve(s, &lines, err);
	watchdog_end();
	snprintf(why, DRIVER_RING_WHY_MAX, "%s", s->world.why);
	host_lines_close(&lines);
	vhost_server_close(&s->server);
	for (unsigned i = 0; i < s->queue_count; i++)
		shadow_close(&s->shadows[i]);
	return end;
}
