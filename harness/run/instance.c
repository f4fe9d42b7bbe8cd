/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Instances of portable scripts: which there are, and which one a user asks for.  See
 * instance.h, and instance_unmet.c for why one cannot run.
 */
#include "harness/run/instance.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

		if (instance_unmet_binding(&in, script, target) == NULL)
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

bool instance_is_long(const struct script *script)
{
	return script->prog.budget >= INSTANCE_LONG;
}

/* One request of the queue, in one layout, which differ from script to script. */
static unsigned add_one(struct instance *out, unsigned count, const struct target *target,
			const struct script *script, unsigned queue, const uint8_t *which,
			unsigned usable)
{
	uint32_t number = number_of(script) + queue;
	unsigned after =
		add(out, count, target, script, queue, usable > 0 ? which[number % usable] : 0);

	if (after - count == 2 && (number >> 8 & 1) != 0)
		out[count] = out[count + 1];
	return count + (after > count);
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
		usable = all || (requests <= INSTANCE_REQUESTS && !instance_is_long(script))
				 ? 0
				 : find_usable(script, target, queue, which);
		if (!all && instance_is_long(script) && requests > 0) {
			count = add_one(out, count, target, script, queue, which, usable);
			continue;
		}
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

void instances_pack(struct instance *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		list[i].binding.ring = RING_FORMAT_PACKED;
}

unsigned instances_add_packed(const struct script *script, const struct target *target, bool all,
			      struct instance list[INSTANCES_MAX], unsigned count)
{
	uint32_t number = number_of(script);
	unsigned split = count;

	/* What somebody wrote for his device may hold of split rings alone. */
	if ((strcmp(script->prog.target, "any") != 0 && !target->model) ||
	    instance_unmet_packed(script, target) != NULL)
		return count;
	for (unsigned i = 0; i < split && count < INSTANCES_MAX; i++) {
		bool first = i == 0 || list[i].binding.queue != list[i - 1].binding.queue;

		/* What a request holds and how its ring looks are different things. */
		if (!all && !first && (number + i) % 2 != 0)
			continue;
		list[count] = list[i];
		list[count++].binding.ring = RING_FORMAT_PACKED;
	}
	return count;
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
		if (list[i].unmet == NULL &&
		    instance_unmet_binding(&list[i], script, target) == NULL) {
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
	binding->ring = choice->packed ? RING_FORMAT_PACKED : RING_FORMAT_SPLIT;
	return 0;
}

void instance_print(const struct instance *in, char *text, size_t size)
{
	const char *ring = in->binding.ring == RING_FORMAT_PACKED ? " packed" : "";

	snprintf(text, size, "%s", ring);
	if (in->queue)
		snprintf(text, size, " q%u%s%.40s%s%s", in->binding.queue,
			 in->request != NULL ? " " : "",
			 in->request != NULL ? in->request->name : "",
			 in->binding.layout == LAYOUT_INDIRECT ? " indirect" : "", ring);
}

void instance_print_options(const struct instance *in, char *text, size_t size)
{
	const char *ring = in->binding.ring == RING_FORMAT_PACKED ? " --packed" : "";

	snprintf(text, size, "%s", ring);
	if (in->queue)
		snprintf(text, size, " --queue %u%s%.40s%s%s", in->binding.queue,
			 in->request != NULL ? " --request " : "",
			 in->request != NULL ? in->request->name : "",
			 in->binding.layout == LAYOUT_INDIRECT ? " --indirect" : "", ring);
}
