/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Regions of plain memory that the host takes away and gives back (vringer.h, set_region):
 * a device that obeys, one that goes on writing there, one that refuses.
 */
#include "harness/arena/arena.h"
#include "harness/run/child.h"
#include "harness/target/foreign.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One queue of one buffer, which the device fills: as little of a virtqueue as will do. */
static struct {
	bool goes_on, refuses;
	unsigned taken, given_back;
	uint64_t away; /* the region's address; 0: none */
	struct vringer_ring ring;
	uint16_t next;
} device;

static const struct vringer_host *host;

static uint8_t *find(uint64_t addr, uint32_t len)
{
	for (uint32_t i = 0; i < host->region_count; i++) {
		const struct vringer_region *r = &host->regions[i];

		if (addr - r->addr < r->size && r->size - (addr - r->addr) >= len &&
		    (device.goes_on || device.away == 0 || r->addr != device.away))
			return (uint8_t *)r->host + (addr - r->addr);
	}
	return NULL;
}

static uint64_t get(uint64_t addr, uint32_t len)
{
	uint64_t value = 0;

	memcpy(&value, find(addr, len), len);
	return value;
}

static void put(uint64_t addr, uint64_t value, uint32_t len)
{
	memcpy(find(addr, len), &value, len);
}

static void *create(const struct vringer_host *given, uint64_t offered, const uint16_t *queue_max)
{
	(void)offered;
	(void)queue_max;
	host = given;
	device.away = 0;
	return &device;
}

static void stop(void *ctx)
{
	(void)ctx;
	device.ring.ready = 0;
}

static void activate(void *ctx, uint64_t features, const struct vringer_ring *rings)
{
	(void)ctx;
	(void)features;
	device.ring = rings[0];
	device.next = 0;
}

static void kick(void *ctx, uint32_t queue)
{
	const struct vringer_ring *r = &device.ring;

	(void)ctx;
	while (r->ready && device.next != get(r->avail + 2, 2)) {
		uint16_t slot = device.next % r->size;
		uint64_t head = get(r->avail + 4 + 2u * slot, 2);
		uint64_t buffer = get(r->desc + 16 * head, 8);
		uint32_t len = 0;

		if (find(buffer, 4) != NULL) {
			len = 4;
			put(buffer, 0xa5a5a5a5 ^ device.next, 4);
		}
		put(r->used + 4 + 8u * slot, head | (uint64_t)len << 32, 8);
		put(r->used + 2, ++device.next, 2);
		host->used(host->ctx, queue);
	}
}

static int32_t set_region(void *ctx, uint64_t addr, uint32_t present)
{
	(void)ctx;
	if (device.refuses)
		return -EBUSY;
	device.away = present != 0 ? 0 : addr;
	device.taken += present == 0;
	device.given_back += present != 0;
	return 0;
}

static const struct vringer_queue queues[] = { { "only", 64, 1, 0 } };

static const struct vringer_target given = {
	.version = VRINGER_VERSION,
	.size = sizeof(struct vringer_target),
	.name = "hotplug",
	.help = "memory comes and goes",
	.level = VRINGER_LEVEL_ACTIVATED,
	.memory = VRINGER_MEMORY_PLAIN,
	.device_id = 4,
	.queue_count = 1,
	.features = 1ULL << VIRTIO_F_VERSION_1,
	.queues = queues,
	.create = create,
	.destroy = stop,
	.activate = activate,
	.kick = kick,
	.reset = stop,
	.set_region = set_region,
};

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	return 0;
}

/* The region above the seam has 96 KiB, and b1 lies there. */
#define TAKE_AWAY "unmap seam len=98304\n"
#define GIVE_BACK "map seam len=98304\n"
#define USE "buffer b1 at=seam+4096 len=64\noffer 0 b1:w\nnotify 0\n"

static void run_script(const char *body, struct child_result *result)
{
	static struct script script;
	static struct foreign opened;
	char text[600];
	struct text_error error;
	struct child_job job = { .script = &script,
				 .target = &opened.target,
				 .judging = { .limits = true },
				 .expect = true };
	struct run *run;

	snprintf(text, sizeof(text), "device hotplug\nstart driver_ok size=8\n%s", body);
	if (opened.target.name == NULL)
		assert_null(foreign_open(&opened, &given));
	assert_int_equal(text_parse(&script, text, strlen(text), &error), 0);
	assert_int_equal(run_open(&run, &opened.target, &error), 0);
	memset(result, 0, sizeof(*result));
	child_perform(&job, run, result);
	assert_true(result->done);
	run_close(run);
}

static void a_region_comes_and_goes(void **state)
{
	struct child_result result;

	(void)state;
	run_script(USE "> used 0 id=0 len=4\n" TAKE_AWAY USE "> used 0 id=0 len=0\n" GIVE_BACK USE
		       "> used 0 id=0 len=4\n> silent\n",
		   &result);
	assert_true(result.passed);
	/* Each program runs twice: its buffers hold other bytes then. */
	assert_true(device.taken > 0 && device.taken == device.given_back);
}

static void what_is_away_at_the_end_is_given_back(void **state)
{
	struct child_result result;

	(void)state;
	run_script(TAKE_AWAY, &result);
	assert_true(result.passed);
	assert_true(device.taken > 0 && device.taken == device.given_back);
}

static void a_part_of_a_region_cannot_be_taken(void **state)
{
	struct child_result result;

	(void)state;
	run_script("unmap seam len=98303\nunmap seam+1 len=98304\n" USE "> used 0 id=0 len=4\n",
		   &result);
	assert_true(result.passed);
	assert_int_equal(device.taken, 0);
}

static void a_device_may_refuse(void **state)
{
	struct child_result result;

	(void)state;
	device.refuses = true;
	run_script(TAKE_AWAY USE "> used 0 id=0 len=4\n> silent\n", &result);
	assert_true(result.passed);
}

static void a_write_to_what_is_away_is_found(void **state)
{
	struct child_result result;

	(void)state;
	device.goes_on = true;
	run_script(TAKE_AWAY USE, &result);
	assert_false(result.passed);
	assert_int_equal(result.findings[0].rule, RULE_MEMORY_WRITE);
	assert_non_null(strstr(result.findings[0].message, "taken away"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_region_comes_and_goes, setup),
		cmocka_unit_test_setup(what_is_away_at_the_end_is_given_back, setup),
		cmocka_unit_test_setup(a_part_of_a_region_cannot_be_taken, setup),
		cmocka_unit_test_setup(a_device_may_refuse, setup),
		cmocka_unit_test_setup(a_write_to_what_is_away_is_found, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
