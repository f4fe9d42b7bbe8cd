/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bad luck.  See luck.h.
 */
#include "luck.h"

#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS 64 /* it has fewer */
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int connection = -1;

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void fail_an_assertion(void)
{
	const volatile int length = 0;

	assert(length > 0);
}

static void touch_nothing(void)
{
	volatile uint8_t *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*nowhere = 1;
}

static void give_up(void)
{
	fprintf(stderr, "peer: this is more than I can take\n");
	exit(1);
}

static void leave_quietly(void)
{
	exit(0);
}

static void kill_itself(void)
{
	raise(SIGKILL);
}

static void hang(void)
{
	wait_for_ever();
}

/* ... and says what it thinks of SIGTERM. */
static void hang_on(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	hang();
}

static void stop_itself(void)
{
	raise(SIGSTOP);
}

static void spin(void)
{
	volatile unsigned turns = 0;

	for (;;)
		turns++;
}

static void flood(void)
{
	for (;;)
		fprintf(stderr, "peer: I have something to say, and I say it again\n");
}

/* Bytes that are no text. */
static void babble(void)
{
	uint8_t bytes[600];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	if (write(STDERR_FILENO, bytes, sizeof(bytes)) < 0)
		exit(3);
	exit(1);
}

/* Memory that is used, 16 MiB at a time. */
static void eat(void)
{
	const void *bite;

	do
		bite = mmap(NULL, 16u << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	while (bite != MAP_FAILED);
	fprintf(stderr, "the machine has no memory left\n");
	exit(3);
}

/* A grandchild in a session of its own, which keeps all descriptors. */
static void leave_child(void)
{
	pid_t child = fork();

	if (child != 0)
		return;
	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (fork() != 0)
		_exit(0);
	wait_for_ever();
}

static void leave_child_and_exit(void)
{
	leave_child();
	give_up();
}

static void hang_up(void)
{
	shutdown(connection, SHUT_RDWR);
}

static void hang_up_and_wait(void)
{
	hang_up();
	wait_for_ever();
}

/* It is dying, and that takes time: its descriptors go before it does. */
static void hang_up_and_die(void)
{
	static const struct timespec moment = { .tv_nsec = 200000000 };

	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS; fd++)
		if (fd != connection)
			close(fd);
	hang_up();
	nanosleep(&moment, NULL);
	fail_an_assertion();
}

/* The beginning of what could have been an answer. */
static void hang_up_halfway(void)
{
	static const uint8_t header[6] = { 1, 0, 0, 0, 5, 0 };

	if (send(connection, header, sizeof(header), MSG_NOSIGNAL) < 0)
		exit(3);
	hang_up();
}

static void stop_halfway(void)
{
	static const uint8_t header[6] = { 1, 0, 0, 0, 5, 0 };

	if (send(connection, header, sizeof(header), MSG_NOSIGNAL) < 0)
		exit(3);
	wait_for_ever();
}

/* What nobody asked for, for ever. */
static void pour(void)
{
	static const uint8_t bytes[4096] = { 0xff };

	while (send(connection, bytes, sizeof(bytes), MSG_NOSIGNAL) >= 0)
		;
	wait_for_ever();
}

static const struct {
	const char *name;
	void (*happen)(void); /* NULL: the program's own */
} misfortunes[] = {
	{ "assert", fail_an_assertion },
	{ "segv", touch_nothing },
	{ "exit", give_up },
	{ "exit-0", leave_quietly },
	{ "killed", kill_itself },
	{ "hang", hang },
	{ "hang-on", hang_on },
	{ "stopped", stop_itself },
	{ "spin", spin },
	{ "flood", flood },
	{ "babble", babble },
	{ "eat", eat },
	{ "child", leave_child },
	{ "child-exit", leave_child_and_exit },
	{ "hang-up", hang_up },
	{ "hang-up-hang", hang_up_and_wait },
	{ "hang-up-assert", hang_up_and_die },
	{ "half", hang_up_halfway },
	{ "half-hang", stop_halfway },
	{ "pour", pour },
	/* Answers. */
	{ "wrong-size", NULL },
	{ "huge-size", NULL },
	{ "wrong-flags", NULL },
	{ "wrong-version", NULL },
	{ "wrong-request", NULL },
	{ "with-fd", NULL },
	{ "refuses", NULL },
	{ "garbage", NULL },
	{ "no-number", NULL },
	{ "fail", NULL },
	{ "endless-line", NULL },
};

static const char *const moments[] = {
	[AT_START] = "start", [AT_HELLO] = "hello", [AT_MEMORY] = "memory", [AT_KICK] = "kick",
	[AT_ZERO] = "zero",   [AT_STOP] = "stop",   [AT_END] = "end",
};
_Static_assert(COUNT(moments) == MOMENTS, "a name for each moment");

static size_t chosen = COUNT(misfortunes);
static enum moment due = AT_KICK;

bool luck_choose(const char *name)
{
	for (size_t i = 0; i < COUNT(misfortunes); i++)
		if (strcmp(misfortunes[i].name, name) == 0)
			chosen = i;
	return chosen < COUNT(misfortunes) && strcmp(misfortunes[chosen].name, name) == 0;
}

bool luck_when(const char *moment)
{
	due = 0;
	while (due < MOMENTS && strcmp(moments[due], moment) != 0)
		due++;
	return due < MOMENTS;
}

void luck_connected(int socket)
{
	connection = socket;
}

bool luck_strike(enum moment moment)
{
	if (chosen == COUNT(misfortunes) || moment != due || misfortunes[chosen].happen == NULL)
		return true;
	due = NEVER;
	misfortunes[chosen].happen();
	return misfortunes[chosen].happen != hang_up &&
	       misfortunes[chosen].happen != hang_up_halfway;
}

bool luck_is(const char *name, enum moment moment)
{
	return chosen < COUNT(misfortunes) && moment == due &&
	       strcmp(misfortunes[chosen].name, name) == 0;
}

void luck_help(void)
{
	fprintf(stderr, "misfortunes:");
	for (size_t i = 0; i < COUNT(misfortunes); i++)
		fprintf(stderr, " %s", misfortunes[i].name);
	fprintf(stderr, "\nmoments:");
	for (size_t i = 0; i < COUNT(moments); i++)
		fprintf(stderr, " %s", moments[i]);
	fprintf(stderr, "\n");
}
