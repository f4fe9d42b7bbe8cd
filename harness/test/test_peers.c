/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Peers as targets, and command lines, without starting anything.
 */
#include "harness/peers/peers.h"

#include "harness/target/foreign.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct peer_word words[] = {
	{ "{socket}", "/tmp/a b" },
	{ "{fd}", "3" },
	{ NULL, NULL },
};

static const struct peer plain = {
	.name = "plain",
	.program = "sh",
	.package = "dash",
	.arguments = "-a  {socket} x{fd}y{fd} {\"json\":\"{none}\"}",
};

/* The command line, '|' behind each word. */
static char *joined(const struct peer *peer)
{
	char **argv = peer_argv(peer, words);
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(argv);
	assert_non_null(out);
	for (size_t i = 1; argv[i] != NULL; i++)
		fprintf(out, "%s|", argv[i]);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(argv[0], peer_program(peer));
	peer_argv_free(argv);
	return text;
}

static void is_started_as(const struct peer *peer, const char *expected)
{
	char *text = joined(peer);

	assert_string_equal(text, expected);
	free(text);
}

static void use(const struct peer *peer, const char *command)
{
	char why[100] = "";

	assert_int_equal(peer_use_command(peer, command, why, sizeof(why)), 0);
	assert_string_equal(peer_command(peer), command);
}

static void refused(const struct peer *peer, const char *command, const char *expected)
{
	char why[100] = "";

	assert_int_equal(peer_use_command(peer, command, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, expected);
}

static void test_own_arguments(void **state)
{
	(void)state;
	assert_null(peer_command(&plain));
	assert_non_null(strstr(peer_program(&plain), "/sh"));
	is_started_as(&plain, "-a|/tmp/a b|x3y3|{\"json\":\"{none}\"}|");
}

/* Without a word in braces the peer's own arguments follow. */
static void test_program(void **state)
{
	static const struct peer peer = { .name = "p", .program = "sh", .arguments = "-z {fd}" };

	(void)state;
	use(&peer, "/bin/sh");
	assert_string_equal(peer_program(&peer), "/bin/sh");
	is_started_as(&peer, "-z|3|");
	use(&peer, "  sh -L 'a  b'\t\"c 'd'\" e\\ f '' '{'a\\\\ ");
	is_started_as(&peer, "-L|a  b|c 'd'|e f||{a\\|-z|3|");
}

static void test_whole_line(void **state)
{
	static const struct peer peer = { .name = "w", .program = "sh", .arguments = "-z" };

	(void)state;
	use(&peer, "sh --path={socket} '{fd}{fd}' {unknown}");
	is_started_as(&peer, "--path=/tmp/a b|33|{unknown}|");
	/* The last one counts. */
	use(&peer, "sh");
	is_started_as(&peer, "-z|");
}

static void test_refused(void **state)
{
	static const struct peer peer = { .name = "r", .program = "sh", .package = "dash" };
	char many[1200] = "";

	(void)state;
	refused(&peer, "", "names no program");
	refused(&peer, " \t", "names no program");
	refused(&peer, "'' a", "names no program");
	refused(&peer, "a 'b", "has a quote that is not closed");
	refused(&peer, "a \"b'", "has a quote that is not closed");
	for (size_t i = 0; i < 257; i++)
		strcat(many, "a ");
	refused(&peer, many, "has more than 256 words");
	assert_null(peer_command(&peer));
	assert_non_null(peer_program(&peer));
}

static void test_missing(void **state)
{
	static const struct peer peer = { .name = "m",
					  .program = "vringer-no-such-program",
					  .package = "a-package" };
	char line[200];

	(void)state;
	assert_null(peer_program(&peer));
	assert_null(peer_argv(&peer, words));
	peer_missing(&peer, line, sizeof(line));
	assert_string_equal(line, "vringer-no-such-program is not there, expected Debian's "
				  "package a-package, or --command");
	use(&peer, "/ a");
	assert_null(peer_program(&peer));
	peer_missing(&peer, line, sizeof(line));
	assert_string_equal(line, "/: there is no such program");
}

/* Every entry is a sound target, and the same each time. */
static void test_entries(void **state)
{
	(void)state;
	assert_non_null(peer_all()[0]);
	for (const struct peer *const *p = peer_all(); *p != NULL; p++) {
		const struct target *target = peer_target(*p);
		char expected[100];

		assert_non_null(target);
		assert_null(target_fault(target));
		assert_ptr_equal(peer_target(*p), target);
		assert_ptr_equal(peer_find((*p)->name), *p);
		assert_string_equal(target->name, (*p)->name);
		assert_int_equal(target->device_id, kind_find((*p)->kind)->device_id);
		assert_true((target->features >> VIRTIO_F_VERSION_1 & 1) != 0);
		assert_true((target->features & (*p)->features_off) == 0);
		assert_non_null((*p)->program);
		assert_non_null(target->probe);
		snprintf(expected, sizeof(expected), "--peer %s", (*p)->name);
		assert_string_equal(target->words, expected);
		snprintf(expected, sizeof(expected), "corpus/peers/%s", (*p)->name);
		assert_string_equal(target->folder, expected);
		for (const struct peer *const *q = peer_all(); q < p; q++)
			assert_string_not_equal((*q)->name, (*p)->name);
	}
}

static void test_register(void **state)
{
	const struct peer *peer = peer_all()[0];

	(void)state;
	assert_null(target_find(peer->name));
	peer_register();
	assert_ptr_equal(target_find(peer->name), peer_target(peer));
	assert_null(target_find("no-such-peer"));
	assert_non_null(target_find("console"));
	assert_null(peer_find(NULL));
	target_find_also(NULL);
}

static const struct target_request *request(const struct target *target, const char *name,
					    unsigned *count)
{
	const struct target_request *found = NULL;

	*count = 0;
	for (unsigned i = 0; i < target->request_count; i++)
		if (target->requests[i].name != NULL &&
		    strcmp(target->requests[i].name, name) == 0) {
			found = &target->requests[i];
			++*count;
		}
	return found;
}

/* What is behind a peer is behind its target, and the requests that it answers because of
 * that come beside the kind's, or in their place. */
static void test_host_side(void **state)
{
	const struct peer *net = peer_find("qemu-net");
	const struct target *target;
	unsigned count;

	(void)state;
	assert_non_null(net);
	target = peer_target(net);
	assert_non_null(target);
	assert_int_equal(target->port_count, 1);
	assert_null(request(peer_target(peer_find("qemu-rng")), "buffer", &count));
	assert_non_null(request(target, "buffer", &count));
	assert_int_equal(count, 1);
	assert_non_null(request(target, "frame", &count)->after);
	assert_int_equal(count, 1);
	assert_non_null(request(target, "promisc-on", &count));
	assert_int_equal(peer_target(peer_find("qemu-console"))->port_count, 2);
	/* Without the feature neither its queues nor what needs them. */
	target = peer_target(peer_find("qemu-console-alone"));
	assert_int_equal(target->queue_count, 2);
	assert_null(request(target, "device-ready", &count));
	assert_true(peer_target(peer_find("qemu-balloon"))->has_num_pages);
	assert_true(peer_target(peer_find("qemu-blk"))->changes_config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_arguments), cmocka_unit_test(test_program),
		cmocka_unit_test(test_whole_line),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_missing),	      cmocka_unit_test(test_entries),
		cmocka_unit_test(test_register),      cmocka_unit_test(test_host_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
