/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The codecs of qtest and QMP against another side that follows a script: answers in
 * pieces, what is posted and what is asked, and every way of not answering.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/peers/qmp.h"
#include "harness/peers/qtest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int ours, theirs;
static unsigned patience_left;

static bool patience(void *ctx)
{
	assert_ptr_equal(ctx, &patience_left);
	return patience_left > 0 && patience_left-- > 0;
}

static int open_sockets(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	patience_left = 2;
	return 0;
}

static int close_sockets(void **state)
{
	(void)state;
	close(ours);
	if (theirs >= 0)
		close(theirs);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(write(theirs, text, strlen(text)), strlen(text));
}

static void hang_up(void)
{
	shutdown(theirs, SHUT_WR);
}

static void assert_heard(const char *want)
{
	char text[8192] = "";
	ssize_t len = recv(theirs, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[len > 0 ? len : 0] = '\0';
	assert_string_equal(text, want);
}

static unsigned lines_heard(void)
{
	unsigned count = 0;
	char byte;

	while (recv(theirs, &byte, 1, MSG_DONTWAIT) == 1)
		count += byte == '\n';
	return count;
}

static struct qtest *begin(void)
{
	static struct qtest q;

	assert_int_equal(qtest_open(&q, ours, patience, &patience_left), 0);
	return &q;
}

static int ask(struct qtest *q, uint64_t *value)
{
	struct qtest_access access = { 0x1000, 4, 0 };
	int err = qtest_read(q, &access, 1);

	*value = access.value;
	return err;
}

/* ---- qtest ------------------------------------------------------------------------- */

static void posted_goes_with_what_is_asked(void **state)
{
	static const struct qtest_access writes[] = {
		{ 0xfeb02e50, 1, 0x12 },
		{ 0xfeb02e50, 2, 0x1234 },
		{ 0xfeb02e50, 4, 0x12345678 },
		{ 0xfeb02e50, 8, UINT64_MAX },
	};
	struct qtest *q = begin();
	uint64_t value;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(qtest_write(q, &writes[i]), 0);
	assert_int_equal(qtest_out(q, 0x64, 0xfe), 0);
	assert_heard("");
	say("OK\nOK\nOK\nOK\nOK\nOK 0x00000000000000ab\n");
	assert_int_equal(ask(q, &value), 0);
	assert_int_equal(value, 0xab);
	assert_heard("writeb 0xfeb02e50 0x12\nwritew 0xfeb02e50 0x1234\n"
		     "writel 0xfeb02e50 0x12345678\nwriteq 0xfeb02e50 0xffffffffffffffff\n"
		     "outb 0x64 0xfe\nreadl 0x1000\n");
	assert_int_equal(q->owed, 0);
}

static void many_are_asked_at_once(void **state)
{
	struct qtest_access asks[] = { { 0, 1, 0 }, { 2, 2, 0 }, { 4, 4, 0 }, { 8, 8, 0 } };
	struct qtest *q = begin();

	(void)state;
	say("OK 0x1\nOK 0x2\nOK 0x3\nOK 0xffffffffffffffff\n");
	assert_int_equal(qtest_read(q, asks, 4), 0);
	assert_heard("readb 0x0\nreadw 0x2\nreadl 0x4\nreadq 0x8\n");
	assert_int_equal(asks[0].value, 1);
	assert_int_equal(asks[1].value, 2);
	assert_int_equal(asks[2].value, 3);
	assert_int_equal(asks[3].value, UINT64_MAX);
}

/* Each byte of an answer by itself. */
static void answers_come_in_pieces(void **state)
{
	static const char answer[] = "OK\nIRQ raise 5\nOK 0x00000000deadbeef\n";
	const struct qtest_access access = { 8, 4, 1 };
	struct qtest *q = begin();
	uint64_t value;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i + 1 < sizeof(answer); i++) {
			if (write(theirs, answer + i, 1) != 1)
				_exit(1);
			usleep(200);
		}
		_exit(0);
	}
	qtest_write(q, &access);
	assert_int_equal(ask(q, &value), 0);
	assert_int_equal(value, 0xdeadbeef);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What is posted is bounded: the oldest is sent, and its answer taken. */
static void posted_is_bounded(void **state)
{
	const struct qtest_access access = { UINT64_MAX, 8, UINT64_MAX };
	struct qtest *q = begin();

	(void)state;
	for (unsigned i = 0; i < QTEST_OWED_MAX; i++) {
		say("OK\n");
		assert_int_equal(qtest_write(q, &access), 0);
	}
	assert_int_equal(q->owed, QTEST_OWED_MAX);
	assert_heard("");
	assert_int_equal(qtest_write(q, &access), 0);
	assert_int_equal(q->owed, 1);
	assert_int_equal(lines_heard(), QTEST_OWED_MAX);
	say("OK\n");
	assert_int_equal(qtest_sync(q), 0);
	assert_int_equal(q->owed, 0);
	assert_int_equal(lines_heard(), 1);
}

static void what_is_no_answer(void **state)
{
	static const char *const answers[] = {
		"FAIL Unknown command 'readl'\n",
		"ERR\n",
		"\n",
		"OK\n", /* without a value */
		"OK 0x\n",
		"OK 0xzz\n",
		"OK 0x1 2\n",
		"OK 0x11111111111111111\n",
		"OK 12\n",
		"OK 0x0000000000000000000000000000000000000000000000000000000000000000001\n",
		"0123456789012345678901234567890123456789012345678901234567890123456789",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct qtest *q = begin();
		uint64_t value;

		say(answers[i]);
		assert_int_equal(ask(q, &value), -EPROTO);
		close_sockets(NULL);
		open_sockets(NULL);
	}
}

static void an_answer_with_a_value_to_a_write(void **state)
{
	const struct qtest_access access = { 8, 4, 1 };
	struct qtest *q = begin();

	(void)state;
	qtest_write(q, &access);
	say("OK 0x1\n");
	assert_int_equal(qtest_sync(q), -EPROTO);
}

static void noise_without_end(void **state)
{
	struct qtest *q = begin();
	uint64_t value;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ours);
		while (send(theirs, "IRQ raise 1\n", 12, MSG_NOSIGNAL) == 12)
			;
		_exit(0);
	}
	close(theirs);
	theirs = -1;
	assert_int_equal(ask(q, &value), -EPROTO);
	close(ours);
	ours = -1;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* An error stays: nothing more is sent or awaited. */
static void it_hangs_up(void **state)
{
	const struct qtest_access access = { 8, 4, 1 };
	struct qtest *q = begin();
	uint64_t value;

	(void)state;
	say("OK 0x1\nOK 0x2");
	hang_up();
	assert_int_equal(ask(q, &value), 0);
	assert_int_equal(ask(q, &value), -EPIPE);
	assert_int_equal(qtest_write(q, &access), -EPIPE);
	assert_int_equal(qtest_sync(q), -EPIPE);
	assert_heard("readl 0x1000\nreadl 0x1000\n");
}

static void it_is_not_there(void **state)
{
	struct qtest *q = begin();
	uint64_t value;

	(void)state;
	close(theirs);
	theirs = -1;
	assert_int_equal(ask(q, &value), -EPIPE);
}

static void it_says_nothing(void **state)
{
	struct qtest *q = begin();
	uint64_t value;

	(void)state;
	assert_int_equal(ask(q, &value), -ETIMEDOUT);
	assert_int_equal(patience_left, 0);
}

/* ---- QMP --------------------------------------------------------------------------- */

#define GREETING                                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n"
#define EVENT                                                                                      \
	"{\"timestamp\": {\"seconds\": 1}, \"event\": \"RESET\", \"data\": {\"return\": 1}}\r\n"

static struct qmp *begin_qmp(void)
{
	static struct qmp q;

	say(GREETING "{\"return\": {}}\r\n");
	assert_int_equal(qmp_open(&q, ours, patience, &patience_left), 0);
	assert_heard("{\"execute\":\"qmp_capabilities\"}\n");
	return &q;
}

static void a_command_and_its_answer(void **state)
{
	struct qmp *q = begin_qmp();
	const char *answer;
	uint64_t value;

	(void)state;
	say(EVENT EVENT "{\"return\": {\"name\": \"inuse\", \"sub\": {\"inuse\": 12}}}\r\n");
	assert_int_equal(qmp_command(q, "x-query", "{\"queue\":1}", &answer), 0);
	assert_heard("{\"execute\":\"x-query\",\"arguments\":{\"queue\":1}}\n");
	assert_true(qmp_number(answer, "inuse", &value));
	assert_int_equal(value, 12);
	assert_false(qmp_number(answer, "name", &value));
	assert_false(qmp_number(answer, "none", &value));
	assert_null(qmp_own_member(answer, "inuse"));
}

/* A refusal does not stay. */
static void a_command_that_is_refused(void **state)
{
	struct qmp *q = begin_qmp();
	const char *answer;

	(void)state;
	say("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\\"return\\\": x\"}}\r\n");
	assert_int_equal(qmp_command(q, "x", NULL, &answer), -EREMOTEIO);
	assert_non_null(qmp_member(answer, "desc"));
	say("{\"return\": {}}\r\n");
	assert_int_equal(qmp_command(q, "y", NULL, &answer), 0);
}

/* Names in strings, and strings that do not end, are no members. */
static void members_are_found_by_name(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(qmp_number("{\"a\": \"\\\"b\\\": 1\", \"b\": 2}", "b", &value));
	assert_int_equal(value, 2);
	assert_null(qmp_member("{\"a\": \"b", "b"));
	assert_null(qmp_member("{\"a\\", "a"));
	assert_null(qmp_member("", "a"));
	assert_null(qmp_member("}]", "a"));
	assert_null(qmp_own_member("{\"a\": {\"b\": 1}}", "b"));
	assert_non_null(qmp_member("{\"a\": {\"b\": 1}}", "b"));
	assert_null(qmp_member("{} {\"b\": 1}", "b"));
}

static void qmp_that_is_none(void **state)
{
	static const struct {
		const char *text;
		int err;
	} others[] = {
		{ "SSH-2.0-OpenSSH\r\n", -EPROTO },
		{ "{\"return\": {}}\r\n", -EPROTO },
		{ GREETING "{}\r\n", -EPROTO },
		{ GREETING "{\"error\": {}}\r\n", -EREMOTEIO },
	};
	static struct qmp q;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		say(others[i].text);
		assert_int_equal(qmp_open(&q, ours, patience, &patience_left), others[i].err);
		close_sockets(NULL);
		open_sockets(NULL);
	}
	say("{\"QMP\": ");
	assert_int_equal(qmp_open(&q, ours, patience, &patience_left), -ETIMEDOUT);
	hang_up();
	assert_int_equal(qmp_open(&q, ours, patience, &patience_left), -EPIPE);
}

/* More than fits without an end, and events without an end. */
static void qmp_that_floods(void **state)
{
	static const char *const floods[] = { "{\"return\": 1,", EVENT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct qmp *q = begin_qmp();
		size_t len = strlen(floods[i]);
		const char *answer;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			close(ours);
			while (send(theirs, floods[i], len, MSG_NOSIGNAL) == (ssize_t)len)
				;
			_exit(0);
		}
		close(theirs);
		theirs = -1;
		assert_int_equal(qmp_command(q, "x", NULL, &answer), -EPROTO);
		close(ours);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		open_sockets(NULL);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_sockets, close_sockets)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(posted_goes_with_what_is_asked),
		CASE(many_are_asked_at_once),
		CASE(answers_come_in_pieces),
		CASE(posted_is_bounded),
		CASE(what_is_no_answer),
		CASE(an_answer_with_a_value_to_a_write),
		CASE(noise_without_end),
		CASE(it_hangs_up),
		CASE(it_is_not_there),
		CASE(it_says_nothing),
		CASE(a_command_and_its_answer),
		CASE(a_command_that_is_refused),
		CASE(members_are_found_by_name),
		CASE(qmp_that_is_none),
		CASE(qmp_that_floods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
