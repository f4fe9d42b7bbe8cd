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

#include <cmocka.h>

#include "harness/peers/kinds.h"
#include "harness/target/foreign.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define NAME_MAX_LETTERS 20u /* with "qemu-" before it, it is a target's */
#define REQUEST_NAME_LETTERS 24u
#define KINDS_MAX 32u

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
static struct foreign *opened[2 * KINDS_MAX];
static size_t opened_count;

static void assert_opens(const struct vringer_target *target)
{
	struct foreign *f = calloc(1, sizeof(*f));
	const char *fault;

	assert_non_null(f);
	assert_true(opened_count < sizeof(opened) / sizeof(opened[0]));
	opened[opened_count++] = f;
	fault = foreign_open(f, target);
	if (fault != NULL)
		fail_msg("%s %s", target->name, fault);
}

static void test_opens(void **state)
{
	(void)state;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		struct vringer_target target = describe(kinds[i]);

		target.level = VRINGER_LEVEL_MMIO;
		target.read = no_read;
		target.write = no_write;
		assert_opens(&target);
		target = describe(kinds[i]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens),	 cmocka_unit_test(test_find),
		cmocka_unit_test(test_features), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
