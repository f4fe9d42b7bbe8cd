/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A device that knows itself only when it runs, as one in another process: asked once
 * what it has; and what it reports of itself later.  See foreign.h.
 *
 * A probe may only take away from what the description says.
 */
#include "harness/target/foreign.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <string.h>

_Static_assert(VRINGER_WHAT_MAX == TARGET_WHAT_MAX, "one line of a target");

#define SIGNATURE_MAX 80u

/* The queues that there are: those after the first that is not are none either. */
static const char *take_queues(struct foreign *f, const uint16_t *queue_max)
{
	uint32_t count = 0;

	while (count < f->given.queue_count && queue_max[count] != 0)
		count++;
	for (uint32_t i = count; i < f->given.queue_count; i++)
		if (queue_max[i] != 0)
			return "has a queue after one that it does not have";
	/* Every script would be skipped. */
	if (count == 0 && f->given.queue_count > 0)
		return "has none of its queues";
	for (uint32_t i = 0; i < count; i++) {
		if (queue_max[i] > f->queues[i].size_max)
			return "has a queue that is larger than its description says";
		f->queues[i].size_max = queue_max[i];
	}
	f->given.queue_count = count;
	f->target.queue_count = count;
	f->ops.queue_count = count;
	return NULL;
}

/* The fields that its configuration has. */
static void take_fields(struct foreign *f)
{
	unsigned count = 0;

	for (unsigned i = 0; i < f->target.field_count; i++)
		if (target_field_end(&f->fields[i]) <= f->target.config_len)
			f->fields[count++] = f->fields[i];
	f->target.field_count = count;
}

static const char *take(struct foreign *f, const struct vringer_probe *probe)
{
	if ((probe->features >> VIRTIO_F_VERSION_1 & 1) == 0)
		return "does not offer VIRTIO_F_VERSION_1";
	f->given.features &= probe->features;
	f->given.features_high &= probe->features_high;
	f->given.config_len = probe->config_len;
	f->target.features = f->ops.features = f->given.features;
	f->target.features_always &= f->given.features;
	f->target.features_high = f->ops.features_high = f->given.features_high;
	f->target.config_len = f->given.config_len;
	take_fields(f);
	return take_queues(f, probe->queue_max);
}

static int foreign_probe(const struct target *target, char *what)
{
	struct foreign *f = target->owner;
	uint16_t queue_max[PROGRAM_QUEUES] = { 0 };
	struct vringer_probe probe = { .size = sizeof(probe),
				       .config_len = f->given.config_len,
				       .features = f->given.features,
				       .features_high = f->given.features_high,
				       .queue_max = queue_max };
	const char *fault;

	if (!f->probed) {
		for (uint32_t i = 0; i < f->given.queue_count; i++)
			queue_max[i] = f->queues[i].size_max;
		f->probed = true;
		f->probe_err = f->given.probe(f->given.opaque, &probe, f->fault);
		fault = f->probe_err == 0 ? take(f, &probe) : NULL;
		if (fault != NULL) {
			snprintf(f->fault, sizeof(f->fault), "%s", fault);
			f->probe_err = -EPROTO;
		}
	}
	if (f->probe_err != 0)
		snprintf(what, TARGET_WHAT_MAX, "%s", f->fault);
	return f->probe_err;
}

static const char *foreign_unusable(const struct target *target)
{
	const struct foreign *f = target->owner;

	return f->unusable[0] != '\0' ? f->unusable : NULL;
}

static bool is_signature(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.";
	size_t len = strspn(text, allowed);

	return len > 0 && len <= SIGNATURE_MAX && text[len] == '\0';
}

void foreign_report(struct foreign_device *d, uint32_t kind, const char *signature,
		    const char *message)
{
	bool gone = kind == VRINGER_REPORT_GONE;

	if (kind == VRINGER_REPORT_UNUSABLE) {
		snprintf(d->foreign->unusable, sizeof(d->foreign->unusable), "%s", message);
		d->gone = true;
		return;
	}
	if ((!gone && kind != VRINGER_REPORT_FAULT) || signature == NULL ||
	    !is_signature(signature) || message == NULL)
		foreign_abort(d, "report",
			      "no enum vringer_report, or a signature that is not up to 80 "
			      "letters, digits and ':-_.'");
	if (d->gone)
		return;
	d->gone = gone;
	/* While it is created nobody listens: it cannot be run. */
	if (d->listener != NULL)
		d->listener->report(d->listener->ctx, gone, signature, message);
	else
		snprintf(d->foreign->unusable, sizeof(d->foreign->unusable), "%s", message);
}

void foreign_probe_init(struct foreign *f)
{
	f->target.probe = f->given.probe != NULL ? foreign_probe : NULL;
	f->target.unusable = foreign_unusable;
}
