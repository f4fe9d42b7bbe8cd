/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Kinds of devices: each makes a description that vringer.h accepts, at either level, as a
 * peer's link would; and says nothing that it cannot mean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/peers/kinds.h"
#include "harness/run/child.h"
#include "harness/run/instance.h"
#include "harness/target/foreign.h"

#include <cmocka.h>
#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define NAME_MAX_LETTERS 20u /* with "qemu-" before it, it is a target's */
#define REQUEST_NAME_LETTERS 24u
#define OPENED_MAX 64u

static void *no_device(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	(void)host, (void)offered, (void)queue_max;
	return NULL;
}

static void no_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	(void)device, (void)offset, (void)buf, (void)len;
}

static void no_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	(void)device, (void)offset, (void)buf, (void)len;
}

static void no_activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	(void)device, (void)features, (void)rings;
}

static void no_kick(void *device, uint32_t queue)
{
	(void)device, (void)queue;
}

static void nothing(void *device)
{
	(void)device;
}

/* The bits of VIRTIO 6, and those below 24 and from 50 on, which are a kind's own. */
#define BITS_RESERVED (~0ULL << VIRTIO_TRANSPORT_F_START & ~(~0ULL << 50))

static struct vringer_target describe(const struct kind *kind)
{
	return (struct vringer_target){
		.version = VRINGER_VERSION,
		.size = sizeof(struct vringer_target),
		.name = kind->name,
		.help = kind->name,
		.memory = VRINGER_MEMORY_PLAIN,
		.device_id = kind->device_id,
		.queue_count = kind->queue_count,
		.queues = kind->queues,
		.queue_needs = kind->queue_needs,
		.features = kind->features | 1ULL << VIRTIO_F_VERSION_1 |
			    1ULL << VIRTIO_RING_F_INDIRECT_DESC | 1ULL << VIRTIO_RING_F_EVENT_IDX,
		.config_len = kind->config_len,
		.fields = kind->fields,
		.requests = kind->requests,
		.create = no_device,
		.destroy = nothing,
	};
}

/* What a description was made into stays, as in any program. */
static struct foreign *opened[OPENED_MAX];
static size_t opened_count;

static struct foreign *assert_opens(const struct vringer_target *target)
{
	struct foreign *f = calloc(1, sizeof(*f));
	const char *fault;

	assert_non_null(f);
	assert_true(opened_count < sizeof(opened) / sizeof(opened[0]));
	opened[opened_count++] = f;
	fault = foreign_open(f, target);
	if (fault != NULL)
		fail_msg("%s %s", target->name, fault);
	return f;
}

static struct foreign *open_mmio(const struct kind *kind)
{
	struct vringer_target target = describe(kind);

	target.level = VRINGER_LEVEL_MMIO;
	target.read = no_read;
	target.write = no_write;
	return assert_opens(&target);
}

static void test_opens(void **state)
{
	(void)state;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		struct vringer_target target = describe(kinds[i]);

		open_mmio(kinds[i]);
		target.level = VRINGER_LEVEL_ACTIVATED;
		target.activate = no_activate;
		target.kick = no_kick;
		target.reset = nothing;
		assert_opens(&target);
	}
}

static void test_find(void **state)
{
	(void)state;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		const char *name = kinds[i]->name;

		/* It is found by name, so that no other has it. */
		assert_ptr_equal(kind_find(name), kinds[i]);
		assert_in_range(strlen(name), 1, NAME_MAX_LETTERS);
		assert_int_equal(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")], '\0');
		for (size_t other = 0; other < i; other++)
			assert_int_not_equal(kinds[other]->device_id, kinds[i]->device_id);
	}
	assert_null(kind_find(""));
	assert_null(kind_find("none"));
}

/* None says what is its peer's to say. */
static void test_features(void **state)
{
	(void)state;
	for (size_t i = 0; kinds[i] != NULL; i++)
		assert_int_equal(kinds[i]->features & BITS_RESERVED, 0);
}

/* Fields lie one behind the other, and the configuration ends with the last. */
static void test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		const struct vringer_field *field = kinds[i]->fields;
		uint32_t end = 0;

		for (; field != NULL && field->name != NULL; field++) {
			assert_in_range(field->offset, end, kinds[i]->config_len);
			assert_int_equal(field->offset % field->width, 0);
			end = field->offset +
			      (uint32_t)field->width * (field->count > 0 ? field->count : 1);
		}
		assert_int_equal(end, kinds[i]->config_len);
	}
}

static bool exists(const struct kind *kind, const struct vringer_request *request)
{
	uint64_t needs = kind->queue_needs != NULL ? kind->queue_needs[request->queue].features : 0;

	return (request->features & needs) == needs && (request->features_off & needs) == 0;
}

/* Every request is of a queue that exists where it is sent, and is no near miss of itself. */
static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		const struct vringer_request *request = kinds[i]->requests;
		unsigned demanded = 0;

		assert_non_null(request);
		assert_int_equal(kinds[i]->features_always & ~kinds[i]->features, 0);
		for (; request->name != NULL; request++) {
			assert_true(request->queue < kinds[i]->queue_count);
			assert_in_range(strlen(request->name), 1, REQUEST_NAME_LETTERS);
			assert_int_equal(request->features & ~kinds[i]->features, 0);
			assert_int_equal(request->features_off & ~kinds[i]->features, 0);
			if ((request->flags & VRINGER_REQUEST_HINT) != 0)
				continue;
			if (!exists(kinds[i], request))
				fail_msg("%s: %s: its queue may not exist", kinds[i]->name,
					 request->name);
			demanded++;
		}
		assert_true(demanded > 0);
	}
}

/* The request that an operation of this one sends, by its number, with the features that it
 * is sent with. */
static const struct target_request *sent_by(const struct target *target,
					    const struct target_request *request)
{
	const char *text = request->before != NULL ? request->before : request->after;
	const struct target_request *sent;
	struct program *prog = NULL;

	assert_int_equal(target_request_ops(target, request, text, &prog, NULL, 0), 0);
	assert_int_equal(prog->op_count, 1);
	assert_int_equal(prog->ops[0].code, OP_SEND_REQUEST);
	sent = target_request(target, (unsigned)prog->ops[0].value[SEND_REQUEST_QUEUE],
			      (unsigned)prog->ops[0].value[SEND_REQUEST_WHICH]);
	free(prog);
	return sent;
}

static const struct target_request *find_request(const struct target *target, const char *name)
{
	for (unsigned i = 0; i < target->request_count; i++)
		if (target->requests[i].name != NULL && strcmp(target->requests[i].name, name) == 0)
			return &target->requests[i];
	fail_msg("no request %s", name);
	return NULL;
}

static void test_sent_by_others(void **state)
{
	static const struct {
		const char *kind, *name, *sends;
	} table[] = {
		{ "blk", "read-written", "write" },
		{ "blk", "read-written-seg", "write" },
		{ "blk", "read-zeroes", "write-zeroes" },
		{ "fs", "batch-forget", "init" },
		{ "fs", "getattr", "init" },
		{ "fs", "unknown", "init" },
		{ "vsock", "rst", "connect" },
		{ "vsock", "rst-implied", "connect-implied" },
		{ "vsock", "rst-unknown-type", "unknown-type" },
	};
	unsigned with_operations = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct target *target = &open_mmio(kind_find(table[i].kind))->target;
		const struct target_request *request = find_request(target, table[i].name);
		const struct target_request *sent = sent_by(target, request);

		assert_string_equal(sent->name, table[i].sends);
		/* Where the one is sent, the other is, and so are those before it: they may be
		 * left out where a feature is not there, and numbers then move. */
		for (const struct target_request *r = target->requests; r < sent; r++)
			if (r->name != NULL && r->queue == sent->queue)
				assert_int_equal(r->features & ~request->features, 0);
		assert_int_equal(sent->features & ~request->features, 0);
		assert_int_equal(sent->features_off & ~request->features_off, 0);
	}
	for (size_t i = 0; kinds[i] != NULL; i++)
		for (const struct vringer_request *r = kinds[i]->requests; r->name != NULL; r++)
			with_operations += r->before != NULL || r->after != NULL;
	assert_int_equal(with_operations, sizeof(table) / sizeof(table[0]));
}

/* What is demanded of file systems says its own length. */
static void test_fuse(void **state)
{
	(void)state;
	for (const struct vringer_request *r = kind_find("fs")->requests; r->name != NULL; r++) {
		uint32_t len;

		memcpy(&len, r->readable, sizeof(len));
		if ((r->flags & VRINGER_REQUEST_HINT) == 0)
			assert_int_equal(le32toh(len), r->readable_len);
	}
}

static void assert_answered(const struct target *target, const char *before, unsigned queue,
			    unsigned which)
{
	static struct script script;
	static struct child_result result;
	char text[256];
	const struct script_binding binding = { .queue = (uint8_t)queue, .which = (uint8_t)which };
	struct child_job job = {
		.script = &script, .target = target, .expect = true, .judging = { .limits = true }
	};
	struct text_error error;

	(void)snprintf(text, sizeof(text),
		       "device any\nstart driver_ok\n%s"
		       "send_request q\n> answered q 1\n"
		       "send_request q split=1\n> answered q 1\n"
		       "send_request q split=5 layout=reversed\n> answered q 1\n",
		       before);
	assert_int_equal(text_parse_bound(&script, text, strlen(text), &binding, &error), 0);
	assert_int_equal(child_run(&job, &result, NULL), 0);
	if (!result.passed || result.finding_count > 0)
		fail_msg("%s, queue %u, request %u: %s %s", target->name, queue, which,
			 result.failure,
			 result.finding_count > 0 ? result.findings[0].message : "");
}

/* Devices of ours answer what is demanded of their kinds.  In such a device's own terms: it
 * offers what it has. */
static void test_models(void **state)
{
	static const struct {
		const char *kind, *model;
		unsigned queues, requests; /* that both have */
		const char *before;	   /* what the host does at first */
	} pairs[] = {
		{ "net", "net-host", 2, 1, "" },
		{ "fs", "fs", 2, 4, "" },
		{ "balloon", "balloon", 2, 2, "" },
		{ "console", "console", 6, 1, "" },
		{ "rng", "rng", 1, 2, "type 0 len=256\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct target target = *target_find(pairs[i].model);
		const struct foreign *f = open_mmio(kind_find(pairs[i].kind));
		unsigned sent = 0;

		target.requests = f->requests;
		target.request_count = f->target.request_count;
		target.liveness = "device any\nreset\n";
		for (unsigned q = 0, which = 0; q < pairs[i].queues; q++, which = 0)
			for (unsigned r = 0; r < target.request_count; r++) {
				const struct target_request *request = &target.requests[r];

				if (request->name == NULL || request->queue != q)
					continue;
				if ((request->features & ~target.features) == 0 &&
				    (request->features_off & target.features) == 0) {
					assert_answered(&target, pairs[i].before, q, which);
					sent++;
				}
				which++;
			}
		assert_int_equal(sent, pairs[i].requests);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens),	 cmocka_unit_test(test_find),
		cmocka_unit_test(test_features), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_requests), cmocka_unit_test(test_sent_by_others),
		cmocka_unit_test(test_fuse),	 cmocka_unit_test(test_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
