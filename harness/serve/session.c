/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A session: one driver, one device.  See session.h.
 */
#include "harness/serve/session.h"

#include "harness/serve/host.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))
#define STATUS_DRIVER (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define STATUS_FEATURES (STATUS_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

static struct guest *guest(struct serve_session *s)
{
	return &s->world.steps.run->guest;
}

static void fail(struct serve_session *s, const char *why)
{
	if (!s->failed && why != s->world.why)
		snprintf(s->world.why, sizeof(s->world.why), "%s", why);
	s->failed = true;
}

/* The driver's ring is wrong, as world.why says.  A driver that hears of the status is told
 * that it has to reset the device, as a device would say it (VIRTIO 2.1.1): it may live on. */
static void break_ring(struct serve_session *s, unsigned queue)
{
	if (!vhost_server_speaks(&s->server, VHOST_PROTOCOL_STATUS)) {
		s->failed = true;
		return;
	}
	fprintf(stderr, "serve: %s: the driver is at fault: %s\n", s->target->name, s->world.why);
	s->broken = s->at_fault = true;
	for (unsigned i = 0; i < s->queue_count; i++)
		s->shadows[i].running = false;
	vhost_server_ring_error(&s->server, queue);
	vhost_server_config_changed(&s->server);
}

/* What came of a ring.  -EPROTO: world.why says what is wrong; -ECANCELED: a finding has
 * ended the session. */
static void note(struct serve_session *s, unsigned queue, int err)
{
	if (err == -EPROTO)
		break_ring(s, queue);
	else if (err < 0 && err != -ECANCELED)
		fail(s, strerror(-err));
}

static bool is_over(const struct serve_session *s)
{
	return s->failed || s->world.steps.over;
}

/* ---- the device's life ------------------------------------------------------------------ */

static uint32_t device_status(struct serve_session *s)
{
	return guest(s)->transport->look_status(guest(s));
}

static uint64_t accepted(const struct serve_session *s)
{
	return s->server.features & ~BIT(VHOST_USER_F_PROTOCOL_FEATURES);
}

static void device_reset(struct serve_session *s)
{
	for (unsigned i = 0; i < s->queue_count; i++) {
		struct shadow *sh = &s->shadows[i];

		if (sh->running)
			s->server.rings[i].base = shadow_stop(sh);
		shadow_reset(sh, &s->world);
	}
	if (s->touched) {
		step_begin(&s->world.steps, OP_RESET);
		step_run(&s->world.steps);
	}
	s->touched = s->negotiated = s->live = s->broken = false;
}

/* Initialise the device up to FEATURES_OK; whether it accepts the features the status says. */
static void negotiate(struct serve_session *s)
{
	struct op *op = step_begin(&s->world.steps, OP_START);

	s->features = accepted(s);
	s->touched = true;
	if (s->features != 0) {
		op->value[START_RUNG] = RUNG_FEATURES_OK;
		op->value[START_FEATURES] = s->features;
		step_run(&s->world.steps);
	} else {
		/* `start` would take none for all. */
		op->value[START_RUNG] = RUNG_DRIVER;
		step_run(&s->world.steps);
		step_run_simple(&s->world.steps, OP_NEGOTIATE, 0);
		step_run_simple(&s->world.steps, OP_STATUS, STATUS_FEATURES);
	}
	s->negotiated = true;
}

/* Entries of the ring in the arena. */
static uint16_t shadow_size(struct serve_session *s, unsigned queue)
{
	uint32_t most = guest(s)->queue_max[queue], size = s->server.rings[queue].num;

	if (most > guest_queue_room(queue))
		most = guest_queue_room(queue);
	while (size > most)
		size /= 2;
	return (uint16_t)size;
}

/* The device gets the queue. */
static void set_up(struct serve_session *s, unsigned queue)
{
	uint16_t size = shadow_size(s, queue);
	struct op *op;

	if (size == 0) {
		fail(s, "it uses a queue that the device does not have");
		return;
	}
	note(s, queue, shadow_set_up(&s->shadows[queue], queue, size));
	op = step_begin(&s->world.steps, OP_QUEUE);
	op->value[QUEUE_QUEUE] = queue;
	op->value[QUEUE_SIZE] = size;
	step_run(&s->world.steps);
}

/* The driver's ring is where it says. */
static void begin_ring(struct serve_session *s, unsigned queue, uint16_t base)
{
	const struct vhost_server_ring *ring = &s->server.rings[queue];
	struct driver_ring_setup setup = {
		.queue = queue,
		.size = (uint16_t)ring->num,
		.base = base,
		.desc = ring->addr.desc_user_addr,
		.avail = ring->addr.avail_user_addr,
		.used = ring->addr.used_user_addr,
		.event_idx = (s->features >> VIRTIO_RING_F_EVENT_IDX & 1) != 0,
		.indirect = (s->features >> VIRTIO_RING_F_INDIRECT_DESC & 1) != 0,
		.takes_back = !vhost_server_speaks(&s->server, VHOST_PROTOCOL_STATUS),
	};

	note(s, queue, shadow_begin(&s->shadows[queue], &s->world, &setup));
}

static void go_live(struct serve_session *s)
{
	if (!s->negotiated)
		negotiate(s);
	if (!is_over(s) && (device_status(s) & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
		fail(s, "the device does not accept the features that it accepted");
	for (unsigned i = 0; i < s->queue_count && !is_over(s); i++)
		if (vhost_server_runs(&s->server, i)) {
			set_up(s, i);
			if (!is_over(s) && !s->broken)
				begin_ring(s, i, s->server.rings[i].base);
		}
	if (!is_over(s))
		step_run_simple(&s->world.steps, OP_STATUS,
				STATUS_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK);
	s->live = true;
}

/* ---- what the driver says ----------------------------------------------------------------- */

static uint64_t on_features(void *ctx)
{
	return guest(ctx)->offered.low;
}

/* The next access of a driver that reads or writes configuration from `at` on, `len` bytes at
 * most, and nothing past the end of a field (VIRTIO 2.5.3, 4.2.2.2). */
static uint32_t config_width(const struct target *target, uint32_t at, uint32_t len)
{
	uint32_t width = 1;

	for (unsigned i = 0; i < target->field_count; i++) {
		const struct target_field *field = &target->fields[i];

		if (at < field->offset || at >= target_field_end(field))
			continue;
		if ((at - field->offset) % field->width == 0)
			width = field->width < 4 ? field->width : 4;
		else if (field->width == 8 && (at - field->offset) % 4 == 0)
			width = 4;
	}
	while (width > len)
		width /= 2;
	return width;
}

/* What the device shows now, which is no access. */
static void look_at_config(struct serve_session *s, uint32_t at, uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = at + i < s->target->config_len
				   ? (uint8_t)guest(s)->transport->look_config(guest(s), at + i, 1)
				   : 0;
}

/* Did the driver read that, and does the device still show it? */
static bool is_known(const struct serve_session *s, uint32_t offset, const uint8_t *now,
		     uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (!s->config_known[offset + i] || s->config[offset + i] != now[i])
			return false;
	return true;
}

static void on_config_read(void *ctx, uint32_t offset, uint8_t *bytes, uint32_t len)
{
	struct serve_session *s = ctx;
	uint32_t have = offset < s->target->config_len ? s->target->config_len - offset : 0;
	uint8_t now[VHOST_CONFIG_MAX];

	memset(bytes, 0, len);
	if (have > len)
		have = len;
	look_at_config(s, offset, now, have);
	for (uint32_t i = 0, width; i < have && !is_over(s); i += width) {
		struct op *op;
		uint64_t value;

		width = config_width(s->target, offset + i, have - i);
		/* Some drivers read it all from the beginning for each byte that they want. */
		if (is_known(s, offset + i, now + i, width)) {
			memcpy(bytes + i, now + i, width);
			continue;
		}
		s->touched = true;
		op = step_begin(&s->world.steps, OP_CONFIG_READ);
		op->value[CONFIG_READ_OFFSET] = offset + i;
		op->value[CONFIG_READ_WIDTH] = width;
		if (!step_run(&s->world.steps))
			return;
		value = guest(s)->last_read;
		for (uint32_t b = 0; b < width; b++) {
			bytes[i + b] = (uint8_t)(value >> 8 * b);
			s->config[offset + i + b] = bytes[i + b];
			s->config_known[offset + i + b] = true;
		}
	}
}

static void on_config_write(void *ctx, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
	struct serve_session *s = ctx;

	for (uint32_t i = 0, width; i < len && !is_over(s); i += width) {
		struct op *op = step_begin(&s->world.steps, OP_CONFIG_WRITE);

		width = config_width(s->target, offset + i, len - i);
		op->value[CONFIG_WRITE_OFFSET] = offset + i;
		op->value[CONFIG_WRITE_WIDTH] = width;
		for (uint32_t b = 0; b < width; b++)
			op->value[CONFIG_WRITE_VALUE] |= (uint64_t)bytes[i + b] << 8 * b;
		step_run(&s->world.steps);
	}
	s->touched = true;
}

static void on_memory_changed(void *ctx)
{
	struct serve_session *s = ctx;

	/* Indices stay as they are: the driver has moved nothing but memory. */
	for (unsigned i = 0; i < s->queue_count && !is_over(s); i++) {
		struct shadow *sh = &s->shadows[i];

		if (!sh->running)
			continue;
		sh->notified = sh->notified || driver_ring_waits(&sh->ring);
		begin_ring(s, i, sh->ring.next_avail);
	}
}

static bool any_runs(const struct serve_session *s)
{
	for (unsigned i = 0; i < s->queue_count; i++)
		if (vhost_server_runs(&s->server, i))
			return true;
	return false;
}

static void on_ring_changed(void *ctx, unsigned queue)
{
	struct serve_session *s = ctx;
	struct shadow *sh = &s->shadows[queue];
	bool runs = vhost_server_runs(&s->server, queue);

	if (!s->live || s->broken || is_over(s) || runs == sh->running)
		return;
	if (!runs) {
		/* What was taken stays taken, if it is enabled again. */
		s->server.rings[queue].base = sh->ring.next_avail;
		sh->running = false;
		if (!any_runs(s) && (s->status & VIRTIO_CONFIG_S_DRIVER_OK) == 0)
			device_reset(s);
		return;
	}
	if (!sh->set_up)
		set_up(s, queue);
	if (!is_over(s))
		begin_ring(s, queue, s->server.rings[queue].base);
}

static uint16_t on_ring_base(void *ctx, unsigned queue)
{
	struct serve_session *s = ctx;
	struct shadow *sh = &s->shadows[queue];

	return s->live && sh->set_up ? shadow_stop(sh) : s->server.rings[queue].base;
}

static void on_reset(void *ctx)
{
	struct serve_session *s = ctx;

	device_reset(s);
	s->status = 0;
}

static void on_status_write(void *ctx, uint8_t status)
{
	struct serve_session *s = ctx;

	if (status == 0) {
		on_reset(s);
		return;
	}
	s->status = status;
	if ((status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 && !s->negotiated)
		negotiate(s);
	if ((status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 && !s->live && !is_over(s))
		go_live(s);
	if ((status & VIRTIO_CONFIG_S_FAILED) != 0 && !is_over(s))
		step_run_simple(&s->world.steps, OP_STATUS, device_status(s) | status);
}

static uint8_t on_status_read(void *ctx)
{
	struct serve_session *s = ctx;
	uint32_t device = s->touched ? device_status(s) : 0;
	uint8_t status = s->status;

	/* The device may refuse the features, and may break. */
	if (s->negotiated && (device & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
		status &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if (s->broken)
		status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	return (uint8_t)(status | (device & VIRTIO_CONFIG_S_NEEDS_RESET));
}

static const struct vhost_server_calls calls = {
	.features = on_features,
	.config_read = on_config_read,
	.config_write = on_config_write,
	.memory_changed = on_memory_changed,
	.ring_changed = on_ring_changed,
	.ring_base = on_ring_base,
	.status_write = on_status_write,
	.status_read = on_status_read,
	.reset = on_reset,
};

/* ---- what happens in rings ----------------------------------------------------------------- */

static void interrupt(struct serve_session *s, unsigned queue)
{
	static const uint64_t one = 1;
	int fd = s->server.rings[queue].call;

	s->world.interrupts++;
	/* One that is full has not been seen yet. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN && errno != EINTR)
		fail(s, "a descriptor for interrupts that cannot be written to");
}

/* Acknowledge what the device raised, and give back what it returned. */
static void collect(struct serve_session *s)
{
	uint32_t bits = guest(s)->transport->look_interrupt_status(guest(s));

	if (bits != 0 && !is_over(s))
		step_run_simple(&s->world.steps, OP_ACK, bits);
	for (unsigned i = 0; i < s->queue_count && !is_over(s); i++) {
		int wants = shadow_collect(&s->shadows[i], &s->world);

		if (wants == 1)
			interrupt(s, i);
		else
			note(s, i, wants);
	}
	if (!s->world.steps.config_changed)
		return;
	s->world.steps.config_changed = false;
	vhost_server_config_changed(&s->server);
}

static bool has_work(struct serve_session *s)
{
	return s->live && !is_over(s) && target_state(s->target, guest(s)->device) == DEVICE_WORK;
}

/* What the driver made available is there for the device to see. */
static void publish(struct serve_session *s, bool look)
{
	for (unsigned i = 0; i < s->queue_count && s->live && !s->broken && !is_over(s); i++)
		note(s, i, shadow_publish(&s->shadows[i], &s->world, look));
}

/* Everything that can be done without waiting for the driver. */
#define ROUNDS_MAX 64
static void pump(struct serve_session *s)
{
	uint64_t before;

	for (int i = 0; i < ROUNDS_MAX && s->live && !s->broken && !is_over(s); i++) {
		before = s->world.chains;
		publish(s, i == 0);
		for (unsigned q = 0; q < s->queue_count && !s->broken && !is_over(s); q++)
			note(s, q, shadow_notify(&s->shadows[q], &s->world));
		if (has_work(s)) {
			step_begin(&s->world.steps, OP_WORK);
			step_run(&s->world.steps);
		}
		if (!is_over(s))
			collect(s);
		if (s->options->echo && !is_over(s)) {
			host_echo(&s->world.steps, &s->echo_lost);
			if (!is_over(s))
				collect(s);
		}
		/* Room that came free may be what a chain waits for. */
		if (before == s->world.chains && !has_work(s))
			return;
	}
}

/* ---- the loop ------------------------------------------------------------------------------ */

/* May the device begin, though the driver has not said DRIVER_OK?  Only if it does not speak of
 * the status at all. */
static bool may_go_live(const struct serve_session *s)
{
	bool runs = false, waits = false, notified = false;

	if (s->live || is_over(s) || !s->server.has_features)
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
	uint64_t count;

	for (unsigned i = 1; i < w->rings; i++) {
		if ((w->fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
			fail(s, "a descriptor for notifications that is none");
		if ((w->fds[i].revents & POLLIN) == 0)
			continue;
		s->shadows[w->queues[i]].notified = true;
		if (read(w->fds[i].fd, &count, sizeof(count)) < 0 && errno != EAGAIN &&
		    errno != EINTR)
			fail(s, "a descriptor for notifications that cannot be read");
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
	const struct timespec *until = has_work(s) ? &now : w->polls ? &soon : NULL;
	int ready;

	if (until == NULL && !s->live && s->negotiated)
		until = &later;
	ready = ppoll(w->fds, w->count, until, &s->options->unblocked);
	s->silent = ready == 0 && until == &later;
	return ready < 0 ? -errno : 0;
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

		if (!s->shadows[i].running || ring->behind == 0)
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
	while (!is_over(s)) {
		struct waiting w;

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
			fail(s, s->server.channel.why);
		else if (*err != 0)
			return SESSION_HOST;
		if (!is_spoken_to(s) && may_go_live(s))
			go_live(s);
		if (w.count > w.rings && w.fds[w.rings].revents != 0 && !is_over(s)) {
			publish(s, true);
			host_lines_run(lines, &s->world.steps);
		}
		pump(s);
		if (driver_memory_is_cut())
			fail(s, "its memory became shorter while it was in use");
		if (s->options->progress != NULL)
			s->options->progress(s->world.chains, s->world.interrupts,
					     guest(s)->ledger.finding_count);
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
	vhost_server_open(&s->server, fd, s->queue_count, &calls, s);
	s->world.memory = &s->server.memory;
	driver_memory_guard();
	*err = host_lines_open(&lines, s->options->host);
	if (*err == 0)
		end = serve(s, &lines, err);
	snprintf(why, DRIVER_RING_WHY_MAX, "%s", s->world.why);
	host_lines_close(&lines);
	vhost_server_close(&s->server);
	for (unsigned i = 0; i < s->queue_count; i++)
		shadow_close(&s->shadows[i]);
	return end;
}
