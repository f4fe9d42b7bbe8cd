/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Instances of portable scripts.  See instance.h.
 */
#include "harness/run/instance.h"
#include "harness/arena/arena.h"
#include "harness/guest/guest.h"
#include "harness/guest/requests.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The smallest region that is not the page at 0 (arena.h). */
#define REGION_BYTES (96u << 10)

/* Another queue of whose requests the first may be sent, the next one after it; false: there
 * is none. */
static bool find_other(const struct target *target, unsigned queue, unsigned *other)
{
	for (unsigned i = 1; i < target->queue_count; i++) {
		*other = (queue + i) % target->queue_count;
		if (target_request_count(target, *other) > 0 &&
		    target_may_send(target, target_request(target, *other, 0)))
			return true;
	}
	return false;
}

static bool is_about_requests(const struct script *script)
{
	return script->sends_request || (script->needs & NEED_REQUEST) != 0;
}

static unsigned add(struct instance *out, unsigned count, const struct target *target,
		    const struct script *script, unsigned queue, unsigned which)
{
	struct instance *in = &out[count];
	unsigned other = 0;

	if (count == INSTANCES_MAX)
		return count;
	*in = (struct instance){ .queue = true };
	in->binding.queue = queue;
	in->binding.which = which;
	if (is_about_requests(script))
		in->request = target_request(target, queue, which);
	if (script->names_other && !find_other(target, queue, &other))
		in->unmet = "needs another queue with a request";
	in->binding.other = other;
	count++;
	if (count == INSTANCES_MAX || in->request == NULL || !script->free_layout ||
	    (target->features >> VIRTIO_RING_F_INDIRECT_DESC & 1) == 0)
		return count;
	out[count] = *in;
	out[count].binding.layout = LAYOUT_INDIRECT;
	return count + 1;
}

/* Why an operation cannot work on this target: races and faults need accesses by calls,
 * since pointers cannot be intercepted; save and restore need a device with snapshots.
 * NULL: it can. */
static const char *unmet_op(const struct op *op, const struct target *target)
{
	unsigned facts = target->facts;
	bool told = (facts & FACT_ACCESS) != 0;

	if (op->code >= OP_SAVE && op->code <= OP_CUT)
		return target->restore != NULL ? NULL : "the device has no snapshots";
	if (op->code == OP_TYPE || op->code == OP_TAKE_OUTPUT || op->code == OP_PUT_BACK)
		return op->value[TYPE_PORT] < target->port_count ? NULL
								 : "the device has no such port";
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

/* Does it say where in the rings something stands, or how far the device is? */
static bool counts_chains(const struct script *script, const struct target *target)
{
	for (unsigned i = 0; i < script->expect_count; i++) {
		const struct expect *e = &script->expects[i];

		if ((e->kind == EXPECT_USED || e->kind == EXPECT_USED_NONE ||
		     e->kind == EXPECT_USED_IDX || e->kind == EXPECT_MEM) &&
		    (e->severity != SEVERITY_MODEL || target->model))
			return true;
	}
	for (uint32_t i = 0; i < script->prog.op_count; i++)
		if (script->prog.ops[i].code == OP_USED_EVENT)
			return true;
	return false;
}

/* Do these operations of a request of that queue make chains of it available? */
static bool sends_more(const char *ops, unsigned queue)
{
	static const char *const verbs[] = { "send_request", "offer_request", "offer" };
	char line[40];

	for (unsigned i = 0; ops != NULL && i < 2 * sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (i % 2 == 0)
			snprintf(line, sizeof(line), "%s q", verbs[i / 2]);
		else
			snprintf(line, sizeof(line), "%s %u", verbs[i / 2], queue);
		if (strstr(ops, line) != NULL)
			return true;
	}
	return false;
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
	    (sends_more(request->before, in->binding.queue) ||
	     sends_more(request->after, in->binding.queue)))
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

/* Another number for another script, the same however it was bound. */
static uint32_t number_of(const struct script *script)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < script->prog.op_count; i++) {
		hash = (hash ^ script->prog.ops[i].code) * 16777619u;
		hash = (hash ^ script->op_lines[i]) * 16777619u;
	}
	return hash ^ hash >> 15;
}

/* Requests of the queue that the script can be run with; how many. */
static unsigned find_usable(const struct script *script, const struct target *target,
			    unsigned queue, uint8_t which[TARGET_REQUESTS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < target_request_count(target, queue); i++) {
		struct instance in = { .queue = true,
				       .request = target_request(target, queue, i),
				       .binding.queue = queue };

		if (unmet_words(&in, script, target) == NULL &&
		    unmet_start(&in, script, target) == NULL)
			which[count++] = (uint8_t)i;
	}
	return count;
}

/* The first request in both layouts, and two that differ from script to script in one each:
 * so every request meets a part of the scripts, and no two neighbours the same. */
static unsigned add_some(struct instance *out, unsigned count, const struct target *target,
			 const struct script *script, unsigned queue, const uint8_t *which,
			 unsigned usable)
{
	uint32_t number = number_of(script);
	unsigned first = 1 + number % (usable - 1);
	unsigned second = 1 + (first + number / 64 % (usable - 2)) % (usable - 1);

	count = add(out, count, target, script, queue, which[0]);
	for (unsigned pick = 0; pick < 2; pick++) {
		unsigned after =
			add(out, count, target, script, queue, which[pick == 0 ? first : second]);

		/* The other layout only, of every second. */
		if (after - count == 2 && (number >> (8 + pick) & 1) != 0)
			out[count] = out[count + 1];
		count += after > count;
	}
	return count;
}

unsigned instance_list(const struct script *script, const struct target *target, bool all,
		       struct instance out[INSTANCES_MAX])
{
	unsigned count = 0;

	out[0] = (struct instance){ .queue = false };
	if (!script->names_queue)
		return 1;
	for (unsigned queue = 0; queue < target->queue_count; queue++) {
		unsigned requests = target_request_count(target, queue);
		uint8_t which[TARGET_REQUESTS_MAX];
		unsigned usable;

		if (!is_about_requests(script)) {
			count = add(out, count, target, script, queue, 0);
			continue;
		}
		usable = all || requests <= INSTANCE_REQUESTS
				 ? 0
				 : find_usable(script, target, queue, which);
		if (usable > INSTANCE_REQUESTS) {
			count = add_some(out, count, target, script, queue, which, usable);
			continue;
		}
		for (unsigned i = 0; i < usable; i++)
			count = add(out, count, target, script, queue, which[i]);
		for (unsigned i = 0; i < requests && usable == 0; i++)
			count = add(out, count, target, script, queue, i);
	}
	if (count == 0)
		out[0].unmet = "needs a device that declares well-formed requests";
	return count > 0 ? count : 1;
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
	if (unmet == NULL)
		unmet = unmet_words(in, script, target);
	if (unmet == NULL)
		unmet = unmet_start(in, script, target);
	for (uint32_t i = 0; i < script->prog.op_count && unmet == NULL; i++)
		unmet = unmet_op(&script->prog.ops[i], target);
	return unmet != NULL ? unmet : transport_unmet(transport, target, script, &line);
}

/* A queue's number, below the target's count; -1: it is none. */
static int read_queue(const struct target *target, const char *text)
{
	char *end;
	unsigned long queue = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && *end == '\0' && queue < target->queue_count
		       ? (int)queue
		       : -1;
}

/* The first request that is asked for; -ENOENT: there is none. */
static int find_request(const struct target *target, int queue, const char *name,
			struct script_binding *binding)
{
	for (unsigned q = 0; q < target->queue_count; q++)
		for (unsigned i = 0; i < target_request_count(target, q); i++) {
			const struct target_request *request = target_request(target, q, i);

			if ((queue >= 0 && (unsigned)queue != q) ||
			    (name != NULL && strcmp(request->name, name) != 0))
				continue;
			binding->queue = q;
			binding->which = i;
			return 0;
		}
	return -ENOENT;
}

bool instance_first(const struct script *script, const struct target *target,
		    struct script_binding *binding)
{
	struct instance list[INSTANCES_MAX];
	unsigned count = instance_list(script, target, true, list);

	for (unsigned i = 0; i < count; i++)
		if (list[i].unmet == NULL && unmet_words(&list[i], script, target) == NULL &&
		    unmet_start(&list[i], script, target) == NULL) {
			*binding = list[i].binding;
			return true;
		}
	return false;
}

int instance_choose(const struct target *target, const struct instance_choice *choice,
		    struct script_binding *binding, char *why, size_t size)
{
	int queue = -1;

	*binding = (struct script_binding){ .queue = 0, .other = 1 };
	if (choice->queue != NULL) {
		queue = read_queue(target, choice->queue);
		if (queue < 0) {
			snprintf(why, size, "%s has no queue '%.20s', expected 0 to %u",
				 target->name, choice->queue, target->queue_count - 1);
			return -EINVAL;
		}
		binding->queue = (unsigned)queue;
	}
	if (find_request(target, queue, choice->request, binding) != 0 && choice->request != NULL) {
		snprintf(why, size, "%s has no request '%.40s' there, '%s' lists them",
			 target->name, choice->request, "targets");
		return -EINVAL;
	}
	if (!find_other(target, binding->queue, &binding->other))
		binding->other = 0;
	binding->layout = choice->indirect ? LAYOUT_INDIRECT : LAYOUT_DIRECT;
	return 0;
}

void instance_print(const struct instance *in, char *text, size_t size)
{
	text[0] = '\0';
	if (in->queue)
		snprintf(text, size, " q%u%s%.40s%s", in->binding.queue,
			 in->request != NULL ? " " : "",
			 in->request != NULL ? in->request->name : "",
			 in->binding.layout == LAYOUT_INDIRECT ? " indirect" : "");
}

void instance_print_options(const struct instance *in, char *text, size_t size)
{
	text[0] = '\0';
	if (in->queue)
		snprintf(text, size, " --queue %u%s%.40s%s", in->binding.queue,
			 in->request != NULL ? " --request " : "",
			 in->request != NULL ? in->request->name : "",
			 in->binding.layout == LAYOUT_INDIRECT ? " --indirect" : "");
}
