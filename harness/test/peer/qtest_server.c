/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What stands in QEMU's place as far as a qtest client looks: the line protocol, a bit of
 * QMP, guest memory in a file, and an entropy device in the last virtio-mmio slot of a
 * microvm; legal or not, as its options say.  It takes QEMU's arguments and heeds those
 * that it needs:
 *
 *	qtest_server [--mode NAME]... [--at MOMENT] [--us N] QEMU'S ARGUMENTS
 *
 * A mode is "later" (what is taken is returned `us` microseconds later), "no-reset" (the
 * keyboard controller does not reset the machine), a habit (ring.h), a fault (mmio.h) or a
 * misfortune (luck.h).  An access of another width than a register has does nothing.
 */
#include "luck.h"
#include "memory.h"
#include "mmio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOT (0xfeb00000u + 23 * 0x200u)
#define SLOT_SIZE 0x200u
#define CONTROLLER 0x64u
#define PULSE_RESET 0xfeu
#define LINE_MAX_BYTES 8192u

/* A connection and the line that it is in the middle of. */
struct end {
	int fd;
	size_t len;
	char line[LINE_MAX_BYTES];
};

static struct memory memory;
static struct mmio device = { .ring = { .memory = &memory } };
static struct end qtest = { .fd = -1 }, qmp = { .fd = -1 };
static bool resets = true, reset_due;
static long delay_us = 3000;
static uint64_t due_ns;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void say(const struct end *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct end *e, const char *format, ...)
{
	char text[512];
	va_list args;
	size_t at = 0, len;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	len = strlen(text);
	while (at < len) {
		ssize_t n = send(e->fd, text + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

/* An answer to an access, if luck has nothing against it. */
static void answer(enum moment moment, bool has_value, uint64_t value)
{
	if (luck_is("garbage", moment))
		say(&qtest, "\x01\x02nothing that was asked for\n");
	else if (luck_is("fail", moment))
		say(&qtest, "FAIL I would rather not\n");
	else if (luck_is("no-number", moment))
		say(&qtest, has_value ? "OK 0xzz\n" : "OK\n");
	else if (luck_is("endless-line", moment))
		for (;;)
			say(&qtest, "OK 0x0000000000000000000000000000000000000000000000000000");
	else if (has_value)
		say(&qtest, "OK 0x%016" PRIx64 "\n", value);
	else
		say(&qtest, "OK\n");
}

/* ---- the bus ------------------------------------------------------------------------- */

static uint64_t read_bus(uint64_t addr, unsigned width)
{
	uint64_t value = 0;

	if (addr >= SLOT && addr - SLOT < SLOT_SIZE)
		return width == 4 ? mmio_read(&device, addr - SLOT) : 0;
	memory_read(&memory, addr, &value, width);
	return value;
}

static void write_bus(uint64_t addr, unsigned width, uint64_t value)
{
	if (addr < SLOT || addr - SLOT >= SLOT_SIZE) {
		memory_write(&memory, addr, &value, width);
		return;
	}
	if (width != 4)
		return;
	mmio_write(&device, addr - SLOT, (uint32_t)value);
	if (device.later && device.ring.held_count > 0)
		due_ns = now_ns() + (uint64_t)delay_us * 1000;
}

/* What moment the answer to a read belongs to. */
static enum moment moment_of(uint64_t addr)
{
	return addr == SLOT ? AT_HELLO : addr == SLOT + VIRTIO_MMIO_STATUS ? AT_STOP : NEVER;
}

static unsigned width_of(const char *word, const char *verb)
{
	static const char letters[] = "bwlq";
	size_t len = strlen(verb);
	const char *letter;

	if (strncmp(word, verb, len) != 0 || word[len] == '\0' || word[len + 1] != '\0')
		return 0;
	letter = strchr(letters, word[len]);
	return letter != NULL ? 1u << (letter - letters) : 0;
}

static void take_qtest(const char *line)
{
	char word[32], *at;
	size_t len = strcspn(line, " ");
	uint64_t a, b;
	unsigned width;

	luck_strike(AT_HELLO);
	snprintf(word, sizeof(word), "%.*s", (int)(len < 31 ? len : 31), line);
	a = strtoull(line + len, &at, 0);
	b = strtoull(at, NULL, 0);
	width = width_of(word, "read");
	if (width != 0) {
		answer(moment_of(a), true, read_bus(a, width));
		return;
	}
	width = width_of(word, "write");
	if (width != 0) {
		write_bus(a, width, b);
		answer(a == SLOT + VIRTIO_MMIO_QUEUE_NOTIFY ? AT_KICK : NEVER, false, 0);
		return;
	}
	if (width_of(word, "out") != 0) {
		reset_due = reset_due || (resets && a == CONTROLLER && b == PULSE_RESET);
		answer(NEVER, false, 0);
		return;
	}
	if (width_of(word, "in") != 0)
		answer(NEVER, true, 0);
	else if (strncmp(word, "irq_", 4) == 0 || strncmp(word, "clock_", 6) == 0)
		answer(NEVER, false, 0);
	else
		say(&qtest, "FAIL Unknown command '%s'\n", word);
}

static void take_qmp(const char *line)
{
	if (strstr(line, "\"qmp_capabilities\"") != NULL)
		say(&qmp, "{\"return\": {}}\n");
	else if (strstr(line, "\"x-query-virtio-queue-status\"") != NULL)
		say(&qmp, "{\"return\": {\"name\": \"vringer\", \"inuse\": %u}}\n",
		    device.ring.held_count);
	else if (strstr(line, "\"quit\"") != NULL)
		exit(0);
	else
		say(&qmp, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}}\n");
}

/* ---- the loop ------------------------------------------------------------------------ */

/* false: the other side is gone. */
static bool hear(struct end *e, void (*take)(const char *line))
{
	ssize_t n = recv(e->fd, e->line + e->len, sizeof(e->line) - 1 - e->len, 0);
	char *end, *at = e->line;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	e->len += (size_t)n;
	e->line[e->len] = '\0';
	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		*end = '\0';
		take(at);
	}
	e->len -= (size_t)(at - e->line);
	memmove(e->line, at, e->len);
	return e->len < sizeof(e->line) - 1;
}

static void serve(void)
{
	bool goes_on = true;

	if (qmp.fd >= 0)
		say(&qmp, "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, "
			  "\"capabilities\": []}}\n");
	while (goes_on) {
		struct pollfd p[] = { { .fd = qtest.fd, .events = POLLIN },
				      { .fd = qmp.fd, .events = POLLIN } };
		struct timespec left = { 0, 0 };
		uint64_t now = due_ns != 0 ? now_ns() : 0;

		if (now < due_ns)
			left = (struct timespec){ (time_t)((due_ns - now) / 1000000000),
						  (long)((due_ns - now) % 1000000000) };
		if (ppoll(p, 2, due_ns != 0 ? &left : NULL, NULL) < 0)
			continue;
		if (due_ns != 0 && now_ns() >= due_ns) {
			due_ns = 0;
			mmio_go_on(&device);
		}
		if (p[0].revents != 0)
			goes_on = hear(&qtest, take_qtest);
		if (p[1].revents != 0 && !hear(&qmp, take_qmp))
			qmp.fd = -1;
		if (reset_due)
			mmio_reset(&device);
		reset_due = false;
	}
	luck_strike(AT_END);
}

/* ---- QEMU's arguments ---------------------------------------------------------------- */

/* The value of "name=" in a list with commas; NULL: it has none. */
static const char *value_of(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

static void take_memory(const char *list)
{
	const char *path = value_of(list, "mem-path"), *size = value_of(list, "size");
	char name[256];
	uint64_t bytes;
	char *unit;
	int fd;

	if (path == NULL || size == NULL)
		return;
	luck_strike(AT_MEMORY);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(path, ","), path);
	bytes = strtoull(size, &unit, 10);
	bytes <<= *unit == 'k' || *unit == 'K' ? 10 : *unit == 'm' || *unit == 'M' ? 20 : 0;
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0 || memory_add(&memory, fd, 0, 0, 0, bytes) != 0) {
		fprintf(stderr, "qtest_server: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	close(fd);
}

static void take_chardev(const char *list)
{
	const char *id = value_of(list, "id"), *fd = value_of(list, "fd");

	if (id == NULL || fd == NULL)
		return;
	if (strncmp(id, "qtest", 5) == 0)
		qtest.fd = (int)strtol(fd, NULL, 10);
	else if (strncmp(id, "qmp", 3) == 0)
		qmp.fd = (int)strtol(fd, NULL, 10);
}

static bool choose(const char *name)
{
	if (strcmp(name, "later") == 0)
		return device.later = true;
	if (strcmp(name, "no-reset") == 0) {
		resets = false;
		return true;
	}
	return ring_habit(&device.ring, name) || mmio_fault(&device, name) || luck_choose(name);
}

int main(int argc, char **argv)
{
	bool right = true;

	for (int i = 1; i + 1 < argc; i++) {
		const char *value = argv[i + 1];

		if (strcmp(argv[i], "--mode") == 0)
			right = right && choose(value);
		else if (strcmp(argv[i], "--at") == 0)
			right = right && luck_when(value);
		else if (strcmp(argv[i], "--us") == 0)
			delay_us = strtol(value, NULL, 10);
	}
	luck_strike(AT_START);
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-object") == 0)
			take_memory(argv[i + 1]);
		else if (strcmp(argv[i], "-chardev") == 0)
			take_chardev(argv[i + 1]);
	}
	if (!right || qtest.fd < 0 || memory.count == 0) {
		fprintf(stderr, "qtest_server [--mode NAME]... [--at MOMENT] [--us N] "
				"QEMU'S ARGUMENTS, of which are needed: -object "
				"memory-backend-file,... -chardev socket,id=qtest,fd=N\n"
				"also: later no-reset\n");
		ring_help();
		mmio_help();
		luck_help();
		return 2;
	}
	luck_connected(qtest.fd);
	mmio_start(&device);
	serve();
	return 0;
}
