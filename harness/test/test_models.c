/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The description of each of our models says of its queues what the model says: a queue that
 * only the one of them calls driver-initiated would be judged as what it is not, or not at all.
 */
#include "devices/balloon.h"
#include "devices/blk.h"
#include "devices/console.h"
#include "devices/fs.h"
#include "devices/net.h"
#include "devices/rng.h"
#include "devices/vsock.h"
#include "harness/target/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
	const char *target;
	const struct device_ops *ops;
} models[] = {
	{ "net-loopback", &net_loopback_ops },
	{ "net-host", &net_host_ops },
	{ "console", &console_ops },
	{ "fs", &fs_ops },
	{ "balloon", &balloon_ops },
	{ "rng", &rng_ops },
	{ "blk", &blk_ops },
	{ "blk-ro", &blk_ops },
	{ "vsock", &vsock_ops },
};

static void queues_are_the_models(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		const struct target *target = target_find(models[i].target);
		const struct device_ops *ops = models[i].ops;

		assert_non_null(target);
		assert_int_equal(target->queue_count, ops->queue_count);
		for (unsigned q = 0; q < ops->queue_count; q++) {
			assert_string_equal(target->queues[q].name, ops->queues[q].name);
			assert_int_equal(target->queues[q].size_max, ops->queues[q].size_max);
			assert_int_equal(target->queues[q].driver_initiated,
					 ops->queues[q].driver_initiated);
			assert_int_equal(target->queues[q].features, ops->queues[q].features);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_are_the_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
