/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Why an instance of a script cannot run on a device: what the script needs of the queue, its
 * requests and features, and its operations of the device.  See instance.h.
 */
#include "harness/arena/arena.h"
#include "harness/guest/guest.h"
#include "harness/run/demands.h"
#include "harness/run/instance.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

/* The smallest region that is not the page at 0 (arena.h). */
#define REGION_BYTES (96u << 10)

/* Why an operation cannot work on this target: races and faults need accesses by calls,
 * since pointers cannot be intercepted; save and restore need a device with snapshots.
 * NULL: it can. */
static const char *unmet_op(const struct op *op, const struct target *target)
{
	unsigned facts = target->facts;
	bool told = (facts & FACT_ACCESS) != 0;

	if ((op->code >= OP_SAVE && op->code <= OP_CUT) || op->code == OP_ALTER)
		return target->restore != NULL ? NULL : "the device has no snapshots";
	if (op->code >= OP_REFUSE && op->code <= OP_PRETEND)
		return target->order != NULL ? NULL : "the device's host takes no orders";
	if (op->code == OP_SET_NUM_PAGES)
		return target->has_num_pages ? NULL : "the device has no num_pages";
	if (op->code == OP_CHANGE_CONFIG)
		return target->changes_config ? NULL
					      : "the device's host does not change its "
						"configuration";
	/* A region as a whole can be taken from pointers too. */
	if (op->code == OP_UNMAP && op->value[UNMAP_LEN] >= REGION_BYTES)
		return told || target->set_region != NULL
			       ? NULL
			       : "holes need a device that reaches memory by calls, or regions "
				 "that come and go";
	if (op->code == OP_RACE || op->code == OP_RACE_WRITE || op->code == OP_UNMAP)
		return told ? NULL : "races and holes need a device that reaches memory by calls";
	if (op->code == OP_FAULT_ACCESS && op->value[FAULT_ACCESS_PURPOSE] != 0)
		return (facts & FACT_PURPOSE) != 0 ? NULL
						   : "needs a device that tells the purpose of "
						     "its accesses";
	if (op->code == OP_FAULT_ACCESS)
		return told ? NULL
			    : "failing accesses need a device that reaches memory by "
			      "calls";
	if (op->code >= OP_CHAIN_REQUEST && op->code <= OP_SEND_REQUEST)
		return target->layout != ARENA_FLAT || op->base[SEND_REQUEST_AT] != BASE_ABSOLUTE ||
				       op->value[SEND_REQUEST_AT] - 1 >= 4095
			       ? NULL
			       : "needs memory at address 0";
	if (op->code == OP_FAULT_ALLOC)
		return (facts & FACT_HEAP) != 0 ? NULL
						: "needs a device that takes all memory from "
						  "host->alloc";
	return NULL;
}

/* ... or moves bytes through a port that is not there.  A script of one device alone knows its
 * ports, and is about what comes of that. */
static const char *unmet_port(const struct script *script, const struct op *op,
			      const struct target *target)
{
	if (op->code != OP_TYPE && op->code != OP_TAKE_OUTPUT && op->code != OP_PUT_BACK)
		return NULL;
	return op->value[TYPE_PORT] < target->port_count || strcmp(script->prog.target, "any") != 0
		       ? NULL
		       : "the device has no such port";
}

/* Does it say where in the rings something stands, or how far the device is? */
static bool counts_chains(const struct script *script, const struct target *target)
{
	for (unsigned i = 0; i < script->expect_count; i++) {
		const struct expect *e = &script->expects[i];

		if ((e->kind == EXPECT_USED || e->kind == EXPECT_USED_NONE ||
		     e->kind == EXPECT_USED_IDX || e->kind == EXPECT_MEM ||
		     (e->kind == EXPECT_OUTSTANDING && e->value[1] != 0)) &&
		    demand_applies(script, e, target))
			return true;
	}
	for (uint32_t i = 0; i < script->prog.op_count; i++)
		if (script->prog.ops[i].code == OP_USED_EVENT ||
		    script->prog.ops[i].code == OP_EVENT_AT)
			return true;
	return false;
}

SAME_FIELD(PUBLISH_QUEUE, OFFER_QUEUE);
SAME_FIELD(SEND_QUEUE, OFFER_QUEUE);
SAME_FIELD(AVAIL_IDX_QUEUE, OFFER_QUEUE);
SAME_FIELD(OFFER_REQUEST_QUEUE, OFFER_QUEUE);
SAME_FIELD(SEND_REQUEST_QUEUE, OFFER_QUEUE);

static bool makes_available(const struct op *op)
{
	static const uint8_t codes[] = { OP_PUBLISH,   OP_OFFER,	 OP_SEND,
					 OP_AVAIL_IDX, OP_OFFER_REQUEST, OP_SEND_REQUEST };

	return memchr(codes, op->code, sizeof(codes)) != NULL;
}

/* Do these operations of a request make chains of its queue available?  So it is if they
 * cannot be read. */
static bool sends_more(const struct target *target, const struct target_request *request,
		       const char *text)
{
	struct program *ops = NULL;
	bool more = target_request_ops(target, request, text, &ops, NULL, 0) != 0;

	for (uint32_t i = 0; ops != NULL && i < ops->op_count; i++)
		more = more || (makes_available(&ops->ops[i]) &&
				ops->ops[i].value[OFFER_QUEUE] == request->queue);
	free(ops);
	return more;
}

/* What the script says that it needs of queue and request. */
static const char *unmet_words(const struct instance *in, const struct script *script,
			       const struct target *target)
{
	const struct target_request *request = in->request;
	unsigned needs = script->needs;

	if ((needs & NEED_MODEL) != 0 && !target->model)
		return "is for vringer's own models only";
	if ((needs & NEED_TOP) != 0 && target->layout != ARENA_STANDARD)
		return "needs memory that ends at 2^64";
	if ((needs & NEED_VIRTIO_1_4) != 0 && target->virtio < 0x0104)
		return "needs a device of VIRTIO 1.4";
	if (request != NULL && counts_chains(script, target) &&
	    (sends_more(target, request, request->before) ||
	     sends_more(target, request, request->after)))
		return "needs a request that sends no other";
	if ((needs & NEED_COUNTERS) != 0 && (target->facts & FACT_COUNTERS) == 0)
		return "needs a device with counters";
	if (request != NULL && !target_has_features(target, request))
		return "needs a request without the features that it needs";
	if ((needs & NEED_READABLE) != 0 && (request == NULL || request->len == 0))
		return "needs a request that the device reads";
	if ((needs & NEED_WRITABLE) != 0 && (request == NULL || request->room == 0))
		return "needs a request that the device writes to";
	if ((needs & NEED_EXACT) != 0 && (request == NULL || !request->exact))
		return "needs a request with one answer only";
	if ((needs & NEED_DRIVEN) != 0 && in->queue &&
	    !target->queues[in->binding.queue].driver_initiated)
		return "needs a queue that is served when the driver notifies it";
	return NULL;
}

/* What it means is of split rings: their indices, and what a snapshot has, and where. */
static const bool split_codes[UINT8_MAX + 1] = {
	[OP_CORRUPT] = true,	 [OP_CUT] = true,	 [OP_AVAIL_IDX] = true,
	[OP_AVAIL_ENTRY] = true, [OP_USED_EVENT] = true, [OP_ALTER] = true,
};

/* Fields that place a ring's parts, by the operation's code. */
static const struct {
	uint8_t code, field[3];
} ring_places[] = {
	{ OP_START, { START_DESC, START_AVAIL, START_USED } },
	{ OP_QUEUE, { QUEUE_DESC, QUEUE_AVAIL, QUEUE_USED } },
};

static bool places_rings(const struct op *op)
{
	for (size_t i = 0; i < sizeof(ring_places) / sizeof(ring_places[0]); i++)
		for (unsigned k = 0; k < 3 && ring_places[i].code == op->code; k++)
			if (op->base[ring_places[i].field[k]] != 0 ||
			    op->value[ring_places[i].field[k]] != 0)
				return true;
	return false;
}

/* Has the operation no meaning but for split rings?  What is written to a ring's place, or
 * where one lies, is of one format, and so is an indirect table of the script's own. */
static bool is_of_split(const struct op *op)
{
	const struct op_desc *desc = op_find(op->code);
	uint64_t purpose = op->value[FAULT_ACCESS_PURPOSE];

	for (unsigned i = 0; desc != NULL && i < OP_FIELDS_MAX; i++)
		if (desc->fields[i].kind == FIELD_ADDR && op->base[i] >= BASE_RING)
			return true;
	if (split_codes[op->code] || places_rings(op))
		return true;
	if (op->code == OP_DESC)
		return (op->value[DESC_FLAGS] & VRING_DESC_F_INDIRECT) != 0;
	if (op->code == OP_SET_DESC)
		return op->value[SET_DESC_FIELD] == DESC_FIELD_FLAGS &&
		       (op->value[SET_DESC_VALUE] & VRING_DESC_F_INDIRECT) != 0;
	return op->code == OP_FAULT_ACCESS &&
	       (purpose == GUEST_DESC + 1 ||
		(purpose > GUEST_INDIRECT + 1 && purpose <= GUEST_AVAIL_EVENT + 1));
}

/* Has it none but for packed rings? */
static bool is_of_packed(const struct op *op)
{
	return op->code == OP_PACKED_DESC || op->code == OP_PACKED_MOVE ||
	       op->code == OP_DRIVER_EVENT;
}

/* Where the script names its ring format, that is what it is about. */
static const char *unmet_split(const struct script *script)
{
	for (uint32_t i = 0; i < script->prog.op_count && script->free_ring; i++)
		if (is_of_packed(&script->prog.ops[i]))
			return "is about packed rings";
	return NULL;
}

const char *instance_unmet_packed(const struct script *script, const struct target *target)
{
	if (!script->free_ring)
		return "names its ring format, or starts no queue";
	if (!ring_is_packed(target->features & script->prog.features))
		return "needs a device that offers packed rings";
	if ((script->needs & NEED_SPLIT) != 0)
		return "is about split rings";
	for (uint32_t i = 0; i < script->prog.op_count; i++)
		if (is_of_split(&script->prog.ops[i]))
			return "is about split rings";
	for (unsigned i = 0; i < script->expect_count; i++)
		if (script->expects[i].base[0] >= BASE_RING ||
		    script->expects[i].base[1] >= BASE_RING)
			return "is about split rings";
	return NULL;
}

/* Features of the target that the header holds back. */
static uint64_t held_back(const struct script *script, const struct target *target)
{
	return target->features &
	       ~(script->prog.features | target->features_always | 1ull << VIRTIO_F_VERSION_1);
}

/* Whether the header makes queues smaller. */
static bool holds_sizes_back(const struct script *script, const struct target *target)
{
	for (uint32_t i = 0; i < target->queue_count && i < PROGRAM_QUEUES; i++)
		if (script->prog.queue_max[i] != 0 &&
		    script->prog.queue_max[i] < target->queues[i].size_max)
			return true;
	return false;
}

/* Does it look at what is offered? */
static bool reads_offer(const struct script *script)
{
	for (uint32_t i = 0; i < script->prog.op_count; i++)
		if (script->prog.ops[i].code == OP_READ &&
		    script->prog.ops[i].value[READ_REGISTER] == VIRTIO_MMIO_DEVICE_FEATURES)
			return true;
	return false;
}

/* What its operations need of the queue's size, and of the features that it accepts. */
static const char *unmet_start(const struct instance *in, const struct script *script,
			       const struct target *target)
{
	unsigned size_max = in->queue ? target->queues[in->binding.queue].size_max : 0;

	/* `start` makes it no larger. */
	size_max = guest_start_size(in->binding.queue, size_max);
	if (target->fixed_features && (held_back(script, target) != 0 ||
				       (target->features_high & ~script->prog.features_high) != 0))
		return "needs a device that can hold features back";
	if ((target->features_always & ~script->prog.features) != 0 && reads_offer(script))
		return "needs a device without the features that it always offers";
	if (target->fixed_sizes && holds_sizes_back(script, target))
		return "needs a device that can offer smaller queues";
	if (in->queue && script->needs_size > size_max)
		return "needs a larger queue";
	if (in->request != NULL && (in->request->features & held_back(script, target)) != 0)
		return "holds back a feature that the request needs";
	for (uint32_t i = 0; i < script->prog.op_count; i++) {
		const struct op *op = &script->prog.ops[i];

		if (op->code != OP_START || !in->queue)
			continue;
		if (op->value[START_SIZE] > size_max)
			return "needs a larger queue";
		if (in->request == NULL)
			continue;
		/* Nor may an indirect table be longer than the queue (2.7.5.3.1). */
		if (op->value[START_SIZE] != 0 && op->value[START_SIZE] < 2 &&
		    in->request->len > 0 && in->request->room > 0)
			return "needs a request in one buffer";
		if ((in->request->features_off & target->features & ~held_back(script, target) &
		     (op->value[START_FEATURES] != 0
			      ? op->value[START_FEATURES] | target->features_always
			      : UINT64_MAX)) != 0)
			return "needs a request that may be sent with the features accepted";
		if (op->value[START_FEATURES] != 0 &&
		    ((in->request->features | target->queues[in->binding.queue].features) &
		     ~op->value[START_FEATURES]) != 0)
			return "needs a request without the features that it needs";
	}
	return NULL;
}

const char *instance_unmet_binding(const struct instance *in, const struct script *script,
				   const struct target *target)
{
	const char *unmet = unmet_words(in, script, target);

	return unmet != NULL ? unmet : unmet_start(in, script, target);
}

const char *instance_unmet(const struct instance *in, const struct script *script,
			   const struct target *target, const struct transport *transport)
{
	const char *unmet = in->unmet;
	uint32_t line;

	if (script->needs_queues > target->queue_count)
		return "needs more queues";
	if ((script->needs_features & ~target->features) != 0 ||
	    (script->needs_features_high & ~target->features_high) != 0)
		return "needs features that the device does not offer";
	if ((script->needs_features & transport_or_first(transport)->features_hidden) != 0)
		return "needs features that the transport cannot carry";
	if (unmet == NULL)
		unmet = instance_unmet_binding(in, script, target);
	if (unmet == NULL)
		unmet = script->binding.ring == RING_FORMAT_PACKED
				? instance_unmet_packed(script, target)
				: unmet_split(script);
	for (uint32_t i = 0; i < script->prog.op_count && unmet == NULL; i++) {
		unmet = unmet_op(&script->prog.ops[i], target);
		if (unmet == NULL)
			unmet = unmet_port(script, &script->prog.ops[i], target);
	}
	return unmet != NULL ? unmet : transport_unmet(transport, target, script, &line);
}
