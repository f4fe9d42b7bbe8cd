/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the driver says becomes the device's life: status, features, queues, configuration.
 * See session.h.
 */
#include "harness/serve/session_internal.h"

#include "devices/ring.h"
#include "devices/virtio_1_4.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
#define STATUS_DRIVER (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define STATUS_FEATURES (STATUS_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

void session_fail(struct serve_session *s, const char *why)
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
void session_note(struct serve_session *s, unsigned queue, int err)
{
	if (err == -EPROTO)
		break_ring(s, queue);
	else if (err < 0 && err != -ECANCELED)
		session_fail(s, strerror(-err));
}

/* ---- the device's life ------------------------------------------------------------------ */

static uint32_t device_status(struct serve_session *s)
{
	return session_guest(s)->transport->look_status(session_guest(s));
}

static uint64_t accepted(const struct serve_session *s)
{
	return s->server.features & ~BIT(VHOST_USER_F_PROTOCOL_FEATURES);
}

/* The ring goes on there, unless the driver says otherwise. */
static void note_stopped(struct serve_session *s, unsigned queue, uint32_t base)
{
	s->server.rings[queue].base = base;
	s->server.rings[queue].goes_on = true;
}

static void device_reset(struct serve_session *s)
{
	for (unsigned i = 0; i < s->queue_count; i++) {
		struct shadow *sh = &s->shadows[i];

		if (sh->running)
			note_stopped(s, i, shadow_stop(sh));
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
		op->value[START_RING] =
			ring_is_packed(s->features) ? RING_FORMAT_PACKED : RING_FORMAT_SPLIT;
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
	uint32_t most = session_guest(s)->queue_max[queue], size = s->server.rings[queue].num;

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
		session_fail(s, "it uses a queue that the device does not have");
		return;
	}
	session_note(s, queue, shadow_set_up(&s->shadows[queue], queue, size));
	op = step_begin(&s->world.steps, OP_QUEUE);
	op->value[QUEUE_QUEUE] = queue;
	op->value[QUEUE_SIZE] = size;
	step_run(&s->world.steps);
}

/* The driver's ring is where it says. */
static void begin_ring(struct serve_session *s, unsigned queue)
{
	const struct vhost_server_ring *ring = &s->server.rings[queue];
	struct driver_ring_setup setup = {
		.queue = queue,
		.size = (uint16_t)ring->num,
		.packed = ring_is_packed(s->features),
		.base = ring->base,
		.goes_on = ring->goes_on,
		.desc = ring->addr.desc_user_addr,
		.avail = ring->addr.avail_user_addr,
		.used = ring->addr.used_user_addr,
		.event_idx = (s->features >> VIRTIO_RING_F_EVENT_IDX & 1) != 0,
		.indirect = (s->features >> VIRTIO_RING_F_INDIRECT_DESC & 1) != 0,
		.takes_back = !vhost_server_speaks(&s->server, VHOST_PROTOCOL_STATUS),
	};

	session_note(s, queue, shadow_begin(&s->shadows[queue], &s->world, &setup));
}

void session_go_live(struct serve_session *s)
{
	if (!s->negotiated)
		negotiate(s);
	if (!session_is_over(s) && (device_status(s) & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
		session_fail(s, "the device does not accept the features that it accepted");
	for (unsigned i = 0; i < s->queue_count && !session_is_over(s); i++)
		if (vhost_server_runs(&s->server, i)) {
			set_up(s, i);
			if (!session_is_over(s) && !s->broken)
				begin_ring(s, i);
		}
	if (!session_is_over(s))
		step_run_simple(&s->world.steps, OP_STATUS,
				STATUS_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK);
	s->live = true;
}

/* ---- what the driver says ----------------------------------------------------------------- */

/* What the protocol has no way to say: a notification is a count of nothing, and one ring has no
 * reset.  IN_ORDER: a shadow queue takes a used entry for one chain. */
#define FEATURES_HIDDEN                                                                            \
	(BIT(VIRTIO_F_IN_ORDER) | BIT(VIRTIO_F_NOTIFICATION_DATA) |                                \
	 BIT(VIRTIO_F_NOTIF_CONFIG_DATA) | BIT(VIRTIO_F_RING_RESET) | BIT(VIRTIO_F_SUSPEND))

static uint64_t on_features(void *ctx)
{
	return session_guest(ctx)->offered.low & ~FEATURES_HIDDEN;
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
				   ? (uint8_t)session_guest(s)->transport->look_config(
					     session_guest(s), at + i, 1)
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
	uint8_t now[VHOST_CONFIG_MAX] = { 0 };

	memset(bytes, 0, len);
	if (have > len)
		have = len;
	look_at_config(s, offset, now, have);
	for (uint32_t i = 0, width; i < have && !session_is_over(s); i += width) {
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
		value = session_guest(s)->last_read;
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

	for (uint32_t i = 0, width; i < len && !session_is_over(s); i += width) {
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
	for (unsigned i = 0; i < s->queue_count && !session_is_over(s); i++) {
		struct shadow *sh = &s->shadows[i];

		if (!sh->running)
			continue;
		sh->notified = sh->notified || driver_ring_waits(&sh->ring);
		note_stopped(s, i, driver_ring_base(&sh->ring, sh->ring.next_avail));
		begin_ring(s, i);
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

	if (!s->live || s->broken || session_is_over(s) || runs == sh->running)
		return;
	if (!runs) {
		/* What was taken stays taken, if it is enabled again. */
		note_stopped(s, queue, driver_ring_base(&sh->ring, sh->ring.next_avail));
		sh->running = false;
		if (!any_runs(s) && (s->status & VIRTIO_CONFIG_S_DRIVER_OK) == 0)
			device_reset(s);
		return;
	}
	if (!sh->set_up)
		set_up(s, queue);
	if (!session_is_over(s))
		begin_ring(s, queue);
}

static uint32_t on_ring_base(void *ctx, unsigned queue)
{
	struct serve_session *s = ctx;
	struct shadow *sh = &s->shadows[queue];

	/* After the ring of another queue was refused, this one's was not looked at. */
	return s->live && sh->begun ? shadow_stop(sh) : s->server.rings[queue].base;
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
	if ((status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 && !s->live && !session_is_over(s))
		session_go_live(s);
	if ((status & VIRTIO_CONFIG_S_FAILED) != 0 && !session_is_over(s))
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

const struct vhost_server_calls session_calls = {
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
