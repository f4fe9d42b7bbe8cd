/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Check the tables of a description and what it points to, and put it into the target:
 * fields, shared memory, gauges, and all that is a structure of its own with a
 * size.  See foreign.h.
 */
#include "harness/target/foreign.h"

#include "devices/table.h"
#include "devices/virtio_1_4.h"

#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>

#define PART_MAX 4096u /* bytes of a structure that a later vringer.h may have */

/* A structure that begins with its size: what the author's has that ours does not must be
 * 0. */
static const char *take_part(struct foreign *f, const char *name, const void *given, void *out,
			     uint32_t known)
{
	const uint8_t *bytes = given;
	uint32_t size, at = known;

	if (given == NULL)
		return NULL;
	memcpy(&size, given, sizeof(size));
	if (size >= known && size <= PART_MAX) {
		while (at < size && bytes[at] == 0)
			at++;
		if (at >= size) {
			memcpy(out, given, known);
			return NULL;
		}
	}
	snprintf(f->fault, sizeof(f->fault),
		 "was built with a different vringer.h: the size of its %s is %u, expected %u",
		 name, size, known);
	return f->fault;
}

static uint32_t no_queue_reset(const void *device, uint32_t queue)
{
	(void)device;
	(void)queue;
	return 0;
}

static void no_set_queue_reset(void *device, uint32_t queue, uint32_t reset)
{
	(void)device;
	(void)queue;
	(void)reset;
}

/* A device that resets no single queue need not have the calls for it. */
static bool has_all_calls(struct vringer_calls *calls, uint64_t features)
{
	if ((features >> VIRTIO_F_RING_RESET & 1) == 0 && calls->queue_reset == NULL &&
	    calls->set_queue_reset == NULL) {
		calls->queue_reset = no_queue_reset;
		calls->set_queue_reset = no_set_queue_reset;
	}
#define HAS_LOOK(type, name, parameters, arguments) &&calls->name != NULL
#define HAS_ACT(name, parameters, arguments) &&calls->name != NULL
	return true TARGET_CALLS(HAS_LOOK, HAS_ACT);
}

static const char *kind_fault(struct foreign *f)
{
	const struct vringer_kind *kind = &f->kind;

	if (kind->pages_max != 0 && f->given.device_id != VIRTIO_ID_BALLOON)
		return "has pages_max, which is for memory balloons (device_id 5)";
	if (kind->fuse_init_only != 0 && f->given.device_id != VIRTIO_ID_FS)
		return "has fuse_init_only, which is for file systems (device_id 26)";
	if (kind->fuse_init_only > 1 || kind->reserved != 0)
		return "has a fuse_init_only that is neither 0 nor 1, or a reserved member that is "
		       "not 0";
	f->target.pages_max = kind->pages_max;
	f->target.fuse = kind->fuse_init_only != 0;
	return NULL;
}

static const char *kept_fault(struct foreign *f)
{
	const struct vringer_kept *kept = &f->kept;

	if (kept->chains > UINT16_MAX || kept->blocks_saved > 1)
		return "keeps more than 65535 chains, or has a blocks_saved that is neither 0 nor "
		       "1";
	f->target.blocks_kept = kept->blocks;
	f->target.bytes_empty = kept->empty_bytes;
	f->target.saves_blocks = kept->blocks_saved != 0;
	f->target.chains_kept = (uint16_t)kept->chains;
	return NULL;
}

const char *foreign_parts_fault(struct foreign *f)
{
	const struct vringer_target *t = &f->given;
	const struct {
		const char *name;
		const void *given;
		void *out;
		uint32_t size;
	} parts[] = {
		{ "backend", t->backend, &f->backend, sizeof(f->backend) },
		{ "kept", t->kept, &f->kept, sizeof(f->kept) },
		{ "snapshots", t->snapshots, &f->snapshots, sizeof(f->snapshots) },
		{ "calls", t->calls, &f->calls, sizeof(f->calls) },
		{ "kind", t->kind, &f->kind, sizeof(f->kind) },
	};
	const char *fault = NULL;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && fault == NULL; i++)
		fault = take_part(f, parts[i].name, parts[i].given, parts[i].out, parts[i].size);
	if (fault != NULL)
		return fault;
	if (f->snapshots.reserved != 0 || f->calls.reserved != 0)
		return "has a reserved member that is not 0, in snapshots or calls";
	if (t->calls != NULL && !has_all_calls(&f->calls, t->features))
		return "has calls without one of them";
	if (t->snapshots != NULL &&
	    (f->snapshots.save == NULL || f->snapshots.restore == NULL || t->destroy == NULL))
		return "has snapshots, expected save, restore and destroy";
	fault = kind_fault(f);
	return fault != NULL ? fault : kept_fault(f);
}

static const char *fields_fault(struct foreign *f)
{
	const struct vringer_field *field = f->given.fields;
	unsigned n = 0;

	for (; field != NULL && field->name != NULL; field++) {
		if (n == TARGET_FIELDS_MAX)
			return "has more than 32 fields";
		f->fields[n++] = (struct target_field){ field->name, field->offset, field->width,
							field->count };
	}
	/* target_fault has the rest. */
	f->target.fields = f->fields;
	f->target.field_count = n;
	return NULL;
}

static const char *shm_fault(struct foreign *f)
{
	const struct vringer_target *t = &f->given;

	if (t->shm_count > FOREIGN_SHM_MAX)
		return "has more than 8 shared-memory regions";
	if (t->shm_count > 0 && t->shm == NULL)
		return "has a shm_count but no shm";
	for (uint32_t i = 0; i < t->shm_count; i++) {
		const struct vringer_shm *shm = &t->shm[i];

		if (shm->id > UINT8_MAX || shm->reserved != 0 || shm->base == UINT64_MAX ||
		    shm->len == UINT64_MAX)
			return "has a shared-memory region whose id is above 255, whose base or "
			       "len "
			       "is all ones, or with a reserved member that is not 0";
		f->shm[i] = (struct target_region){ (uint8_t)shm->id, shm->base, shm->len };
		f->transport_shm[i] = (struct device_shm){ shm->id, shm->base, shm->len };
	}
	f->target.regions = f->shm;
	f->target.region_count = t->shm_count;
	return NULL;
}

static const char *gauges_fault(struct foreign *f)
{
	f->target.gauges = f->given.gauges;
	return f->given.gauges != NULL ? foreign_terms_fault(f, "gauges", f->given.gauges) : NULL;
}

bool foreign_is_queue(const struct foreign *f, uint32_t queue)
{
	return queue < f->given.queue_count;
}

const char *foreign_tables_fault(struct foreign *f)
{
	static const char *(*const faults[])(struct foreign *) = { fields_fault, shm_fault,
								   gauges_fault };
	const char *fault = NULL;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]) && fault == NULL; i++)
		fault = faults[i](f);
	return fault;
}
