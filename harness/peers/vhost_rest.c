/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * When a vhost-user backend is at rest, and what it did until then: used buffers, changes
 * of the configuration, hang-ups and its end.  See vhost_user.h.
 *
 * No clock decides that it is at rest.  A backend that is one loop and took a notification is
 * done with it when it answers a message that was sent after that.  Of threads it is their
 * sleep: a notification makes a thread that waits for it runnable before it returns, so that
 * in a process whose threads all sleep nobody waits for it.  One that polls is done when it
 * ran on and used nothing more: its own CPU time says that it ran, on a busy machine too.
 */
#include "harness/peers/vhost_user.h"

#include "harness/target/target.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOP_TRIPS 8u	     /* until it took a notification; else it is looked at */
#define LOOP_LOOKS 24u	     /* ... before it is asked: about 10 us */
#define LOOK_NS 20000l	     /* between two looks at its threads, at first */
#define LOOK_MAX_NS 2000000l /* ... at most */
#define LOOKS_MAX 5000u	     /* while it goes on to return chains: 10 s */
/* CPU time of a thread that polls, over which it uses nothing: some hundred looks at each
 * ring, or one burst of 32 of the longest frames. */
#define POLL_NS 300000ull
#define POLL_LOOK_NS 100000l /* between two looks at that */
#define POLL_LOOKS (VHOST_SLICE_MS * 1000000u / POLL_LOOK_NS)
#define POLL_TURNS 1000u /* that find something used: more than rings have entries */
#define BACKEND_REQUESTS_MAX 64u
#define DYING_MS 2000u

struct failure {
	int err;
	const char *signature, *message;
};

/* What it means that a message failed.  Others: an error of this machine's. */
static const struct failure failures[] = {
	{ -EPROTO, "peer:protocol", "the backend broke the vhost-user protocol" },
	{ -ETIMEDOUT, "peer:silent", "the backend sleeps and does not answer a message" },
	{ -ETIME, "peer:spins", "the backend runs on and does not come to rest" },
};

static void report_gone(struct vhost_user *u, const char *signature, const char *message)
{
	if (u->gone)
		return;
	u->gone = true;
	u->host->report(u->host->ctx, VRINGER_REPORT_GONE, signature, message);
}

void vhost_report_end(struct vhost_user *u)
{
	char signature[PROCESS_SIGNATURE_MAX];

	snprintf(signature, sizeof(signature), "peer:%.74s", u->end.signature);
	report_gone(u, signature, u->end.message);
}

/* It closed the connection, or refuses what it was told, and it lives on. */
static void break_off(struct vhost_user *u)
{
	char why[VRINGER_WHAT_MAX] = "";
	bool live = u->live;
	int err;

	u->used = true;
	/* One that dies closes its connection first, and answers no other. */
	err = vhost_reconnect(u, why);
	if (err == 0)
		err = vhost_round_trip(u);
	if (err != 0) {
		if (err == -ECHILD ||
		    (u->process != NULL && !process_outlives(u->process, DYING_MS, &u->end)))
			vhost_report_end(u);
		else
			report_gone(u, "peer:hang-up",
				    why[0] != '\0' ? why
						   : "the backend closes each new connection");
		return;
	}
	u->broken = true;
	if (live)
		u->host->needs_reset(u->host->ctx);
}

void vhost_failed(struct vhost_user *u, int err)
{
	const struct failure *f = failures;
	char message[PROCESS_MESSAGE_MAX];

	if (u->gone)
		return;
	/* One that serves one connection ends with it. */
	if (err == -ECHILD ||
	    (err == -EPIPE && u->process != NULL &&
	     !process_outlives(u->process, u->side.reconnects ? 0 : DYING_MS, &u->end))) {
		vhost_report_end(u);
		return;
	}
	if (err == -EPIPE || err == -EREMOTEIO) {
		break_off(u);
		return;
	}
	while (f < failures + sizeof(failures) / sizeof(failures[0]) && f->err != err)
		f++;
	if (f == failures + sizeof(failures) / sizeof(failures[0]))
		snprintf(message, sizeof(message), "the backend cannot be spoken to: %s",
			 strerror(-err));
	else
		snprintf(message, sizeof(message), "%s%s%s", f->message, err == -EPROTO ? ": " : "",
			 err == -EPROTO ? u->channel.why : "");
	report_gone(u,
		    f == failures + sizeof(failures) / sizeof(failures[0]) ? "peer:error"
									   : f->signature,
		    message);
}

/* ---- coming to rest -------------------------------------------------------------- */

/* A while, or until it says something to its display, for which it may wait. */
static void look_away(const struct vhost_user *u, const struct timespec *pause)
{
	struct pollfd said = { .fd = u->display.fd, .events = POLLIN };

	ppoll(&said, 1, pause, NULL);
}

static int rest_threads(struct vhost_user *u)
{
	struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t waited = 0;
	int err = 0;

	u->wait = (struct process_wait){ .slices = 0 };
	while (err == 0) {
		int shown =
			vhost_display_serve(&u->display, u->channel.why, sizeof(u->channel.why));

		if (shown < 0)
			return shown;
		if (shown == 0 && process_sleeps(u->process))
			break;
		/* It goes on with the answer, as often as the driver made it ask. */
		if (shown > 0) {
			pause.tv_nsec = LOOK_NS;
			u->wait = (struct process_wait){ .slices = 0 };
		}
		look_away(u, &pause);
		waited += (uint64_t)pause.tv_nsec;
		if (pause.tv_nsec < LOOK_MAX_NS)
			pause.tv_nsec *= 2;
		for (; waited >= VHOST_SLICE_MS * 1000000ull && err == 0;
		     waited -= VHOST_SLICE_MS * 1000000ull)
			err = vhost_patience(u);
	}
	return err;
}

/* How far its rings are used; true: as `seen` has it, which is then as it is. */
static bool stands_still(const struct vhost_user *u, uint16_t *seen)
{
	bool still = true;

	for (unsigned i = 0; i < u->kind->queue_count; i++) {
		uint16_t now = u->rings[i].live ? vhost_ring_used(u, i) : 0;

		still = still && now == seen[i];
		seen[i] = now;
	}
	return still;
}

/* Chains of those that were outstanding when it was called which are so now, but those that it
 * wants to be notified of and was not; and *deaf: it has returned all of a ring, and is not
 * notified of the next. */
static uint32_t count_owed(const struct vhost_user *u, const uint32_t *outstanding, bool *deaf)
{
	uint32_t owed = 0;

	*deaf = false;
	for (unsigned i = 0; i < u->kind->queue_count; i++) {
		bool one = false;

		if (!u->rings[i].live || u->kind->queues[i].driver_initiated == 0)
			continue;
		owed += vhost_ring_owed(u, i, outstanding[i], &one);
		*deaf = *deaf || (one && !u->stays_deaf);
	}
	return owed;
}

/* Threads that sleep may wait for a disk or a timer, and nothing shows it.  While chains are
 * out, they are given VHOST_PATIENCE_MS of sleep to go on, once for so many of them; and to ask
 * for notifications again, behind what they returned.  What waits for a CPU does not sleep. */
static int rest_owed(struct vhost_user *u, const uint32_t *outstanding)
{
	static const struct timespec pause = { .tv_nsec = LOOK_MAX_NS };
	const unsigned looks = VHOST_PATIENCE_MS * 1000000u / LOOK_MAX_NS;
	bool moved = !stands_still(u, u->used_then), deaf;
	uint32_t owed = count_owed(u, outstanding, &deaf);
	unsigned quiet = 0;

	if (moved || owed < u->given_up)
		u->given_up = moved ? 0 : owed;
	if (owed == u->given_up && !(moved && deaf))
		return 0;
	for (unsigned all = 0; (owed > 0 || deaf) && quiet < looks && all < LOOKS_MAX; all++) {
		nanosleep(&pause, NULL);
		target_waits();
		/* If something came back it may have more to do behind that. */
		quiet = stands_still(u, u->used_then) ? quiet + process_sleeps(u->process) : 0;
		owed = count_owed(u, outstanding, &deaf);
	}
	u->given_up = owed;
	/* Not each time. */
	u->stays_deaf = u->stays_deaf || deaf;
	return rest_threads(u);
}

/* Did it take all notifications? */
static bool took_kicks(struct vhost_user *u)
{
	struct pollfd kicks[VHOST_QUEUES_MAX];
	nfds_t count = 0;

	for (unsigned i = 0; i < u->kind->queue_count; i++)
		if (u->rings[i].live)
			kicks[count++] =
				(struct pollfd){ .fd = u->rings[i].kick, .events = POLLIN };
	return count == 0 || poll(kicks, count, 0) == 0;
}

static int rest_loop(struct vhost_user *u)
{
	bool took = false;
	int err = 0;

	for (unsigned i = 0; i < LOOP_TRIPS && !took && err == 0; i++) {
		for (unsigned n = 0; n < LOOP_LOOKS && !took; n++)
			took = took_kicks(u);
		err = vhost_round_trip(u);
	}
	/* It does not wait for one of them, or gets no CPU time. */
	return err != 0 || took || u->process == NULL ? err : rest_threads(u);
}

/* Until those who poll were counted after this call began, and have run for `ns` since. */
static int let_poll(struct vhost_user *u, uint64_t ns)
{
	static const struct timespec pause = { .tv_nsec = POLL_LOOK_NS };
	uint64_t first = 0, counted = 0, now = 0, waited = 0;
	bool known = process_thread_ns(u->process, u->side.poller, &first), begun = false;

	u->wait = (struct process_wait){ .slices = 0 };
	while (!begun || now - counted < ns) {
		int err = 0;

		nanosleep(&pause, NULL);
		if (++waited % POLL_LOOKS == 0)
			err = vhost_patience(u);
		if (err != 0)
			return err;
		if (!process_thread_ns(u->process, u->side.poller, &now))
			continue;
		if (!known)
			first = now;
		else if (!begun && now != first)
			counted = now;
		begun = begun || (known && now != first);
		known = true;
	}
	return 0;
}

/* It has its rings until those who poll have run for a while, over which they used nothing. What
 * a message asks for is done when it answers the next: DPDK answers first. */
static int rest_paused(struct vhost_user *u)
{
	uint16_t seen[VHOST_QUEUES_MAX] = { 0 };
	unsigned turns = 0;
	int last, err = vhost_enable(u, true);

	if (err == 0)
		err = vhost_round_trip(u);
	if (err == 0)
		err = let_poll(u, 0);
	stands_still(u, seen);
	do
		err = err != 0 ? err : turns++ == POLL_TURNS ? -ETIME : let_poll(u, POLL_NS);
	while (err == 0 && !stands_still(u, seen));
	if (err == -ECHILD)
		return err;
	last = vhost_enable(u, false);
	if (last == 0)
		last = vhost_round_trip(u);
	return err != 0 ? err : last;
}

/* ---- what it did ----------------------------------------------------------------- */

void vhost_drain(struct vhost_user *u)
{
	uint64_t count;

	for (unsigned i = 0; i < u->kind->queue_count; i++)
		while (u->rings[i].call >= 0 && read(u->rings[i].call, &count, sizeof(count)) > 0)
			;
}

/* One request of the backend's. */
static int serve_backend(struct vhost_user *u)
{
	struct vhost_channel channel = { .fd = u->backend_requests };
	struct vhost_user_msg msg;
	bool known;
	int err = vhost_receive(&channel, &msg);

	if (err == -EPIPE) {
		close(u->backend_requests);
		u->backend_requests = -1;
		return 0;
	}
	if (err != 0) {
		memcpy(u->channel.why, channel.why, sizeof(channel.why));
		return err;
	}
	vhost_close_fds(&msg);
	known = msg.header.request == VHOST_BACKEND_CONFIG_CHANGE;
	if (known)
		u->host->config_changed(u->host->ctx);
	if ((msg.header.flags & VHOST_FLAG_NEED_REPLY) == 0)
		return 0;
	msg.header.flags = VHOST_FLAG_VERSION | VHOST_FLAG_REPLY;
	msg.header.size = sizeof(msg.payload.u64);
	msg.payload.u64 = !known;
	return vhost_send(&channel, &msg);
}

static bool is_ready(int fd, short *events)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	*events = 0;
	if (fd < 0 || poll(&ready, 1, 0) <= 0)
		return false;
	*events = ready.revents;
	return true;
}

/* Is the connection as it should be?  What is due may come at any time. */
static int look_at_channel(struct vhost_user *u)
{
	uint8_t byte;
	ssize_t got = recv(u->channel.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* An answer that is not waited for yet, of a new connection. */
	if (u->due_count > 0)
		return 0;
	snprintf(u->channel.why, sizeof(u->channel.why), "a message that nobody asked for");
	return -EPROTO;
}

static int collect(struct vhost_user *u)
{
	uint64_t count;
	short events;
	int err = 0;

	for (unsigned i = 0; i < u->kind->queue_count; i++) {
		struct vhost_ring *ring = &u->rings[i];

		if (ring->call < 0 || !ring->live)
			continue;
		if (read(ring->call, &count, sizeof(count)) > 0)
			u->host->used(u->host->ctx, i);
		if (read(ring->err, &count, sizeof(count)) > 0 && u->live)
			u->host->needs_reset(u->host->ctx);
	}
	for (unsigned i = 0; err == 0 && is_ready(u->backend_requests, &events); i++) {
		if (i == BACKEND_REQUESTS_MAX) {
			snprintf(u->channel.why, sizeof(u->channel.why),
				 "more than %u requests of its own at a time",
				 BACKEND_REQUESTS_MAX);
			return -EPROTO;
		}
		err = serve_backend(u);
	}
	return err != 0 ? err : look_at_channel(u);
}

/* A backend with a status says so. */
static int look_at_status(struct vhost_user *u)
{
	uint8_t status = 0;
	int err;

	if (!u->live || !vhost_speaks(u, VHOST_PROTOCOL_STATUS))
		return 0;
	err = vhost_get_status(u, &status);
	if (err == 0 && (status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		u->host->needs_reset(u->host->ctx);
	return err;
}

void vhost_settle(struct vhost_user *u, const uint32_t *outstanding)
{
	static int (*const rests[])(struct vhost_user *) = {
		[VHOST_REST_THREADS] = rest_threads,
		[VHOST_REST_LOOP] = rest_loop,
		[VHOST_REST_PAUSED] = rest_paused,
	};
	int err = 0, last;

	if (u->gone || u->channel.fd < 0)
		return;
	for (unsigned i = 0; i < u->kind->queue_count && u->busy && u->packed; i++)
		if (u->rings[i].live)
			u->rings[i].used_before = vhost_ring_used(u, i);
	/* Nobody can look at the threads of a process that is not ours. */
	if (u->busy)
		err = u->process == NULL ? rest_loop(u) : rests[u->side.rest](u);
	if (err == 0 && u->busy && u->live && u->process != NULL &&
	    u->side.rest == VHOST_REST_THREADS)
		err = rest_owed(u, outstanding);
	if (err == 0 && u->busy)
		err = look_at_status(u);
	u->busy = false;
	/* What it did before it hung up counts. */
	last = collect(u);
	if (err != 0 || last != 0)
		vhost_failed(u, err != 0 ? err : last);
}
