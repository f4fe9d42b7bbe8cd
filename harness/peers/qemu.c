/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * QEMU's process: started, found again, reset, ended.  See qemu.h.
 */
#include "harness/peers/qemu.h"

#include "harness/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_mmio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_MAX 4u	 /* processes */
#define BIOS_SIZE 65536u /* the least that QEMU takes */
/* A question is answered within that. */
static const struct process_patience bounds = { .slice_ms = QTEST_PATIENCE_MS,
						.asleep_ms = 5000,
						.spin_ns = 5000000000 };
_Static_assert(QTEST_PATIENCE_MS == QMP_PATIENCE_MS, "both wait alike");
/* More memory than it needs for a buffer of 4 GiB. */
#define BYTES_MAX (6ull << 30)
#define ENDS_MS 2000u /* from closing its sockets to its end */

/* virtio-mmio on microvm: the first -device is in the last slot. */
#define SLOTS 24u
#define SLOT_SIZE 0x200u
#define SLOT_BASE 0xfeb00000u
#define MAGIC 0x74726976u

/* The keyboard controller's command that pulls the reset line. */
#define CONTROLLER 0x64u
#define PULSE_RESET 0xfeu

enum { FD_MEMORY, FD_BIOS, FD_QTEST, FD_QMP, FD_DISK, FD_LINES, FDS = FD_LINES + QEMU_LINES_MAX };

static struct qemu *first;
static const struct qemu_side no_side;

/* ---- one that does not answer ------------------------------------------------------ */

static bool patience(void *ctx)
{
	struct qemu *q = ctx;

	if (q->waited++ == 0)
		q->wait = (struct process_wait){ .slices = 0 };
	target_waits();
	return process_wait(q->process, &q->wait, &bounds, &q->end) == 0;
}

void qemu_explain(struct qemu *q, int err, struct process_end *end)
{
	static const struct {
		int err;
		const char *signature, *message;
	} reasons[] = {
		{ -EPIPE, "hung-up", "it closed its qtest socket and goes on" },
		{ -EPROTO, "garbage", "it said what is no answer of qtest or QMP" },
		{ -ETIMEDOUT, "no-answer", "it does not answer any more" },
	};
	unsigned i = 0;

	*end = q->end;
	if (end->signature[0] == '\0' && err == -EPIPE && q->process != NULL)
		process_outlives(q->process, ENDS_MS, end);
	qemu_stop(q);
	if (end->signature[0] != '\0')
		return;
	while (i + 1 < sizeof(reasons) / sizeof(reasons[0]) && reasons[i].err != err)
		i++;
	snprintf(end->signature, sizeof(end->signature), "%s", reasons[i].signature);
	snprintf(end->message, sizeof(end->message), "%s", reasons[i].message);
}

int qemu_read(struct qemu *q, struct qtest_access *accesses, unsigned count)
{
	q->waited = 0;
	q->answered++;
	peer_waited();
	for (unsigned i = 0; i < count; i++)
		accesses[i].addr += q->base;
	return qtest_read(&q->qtest, accesses, count);
}

/* ---- started ----------------------------------------------------------------------- */

/* `cli; hlt; jmp` at the reset vector. */
static int make_bios(void)
{
	static const uint8_t halt[] = { 0xfa, 0xf4, 0xeb, 0xfd };
	int fd = memfd_create("vringer-bios", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, BIOS_SIZE) == 0 &&
	    pwrite(fd, halt, sizeof(halt), BIOS_SIZE - 16) == (ssize_t)sizeof(halt))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int make_disk(void)
{
	int fd = memfd_create("vringer-disk", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, QEMU_DISK_SIZE) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* In the other process its descriptors are 3, 4, ... */
static int execute(struct qemu *q, const int *fds, uint64_t size, char *why)
{
	char length[32];
	const struct peer_word words[] = {
		{ "{memory}", "/proc/self/fd/3" },
		{ "{size}", length },
		{ "{bios}", "/proc/self/fd/4" },
		{ "{qtest}", "5" },
		{ "{qmp}", "6" },
		{ "{disk}", "/proc/self/fd/7" },
		{ "{line0}", "8" },
		{ "{line1}", "9" },
		{ NULL, NULL },
	};
	struct process_options options = { .fds = fds,
					   .fd_count = FD_LINES + q->line_count,
					   .bytes_max = BYTES_MAX };
	char **argv;
	int err;

	snprintf(length, sizeof(length), "%lluk", (unsigned long long)(size / 1024));
	argv = peer_argv(q->peer, words);
	if (argv == NULL) {
		snprintf(why, VRINGER_WHAT_MAX, "%s: no memory, or it is not there",
			 q->peer->program);
		return -ENOMEM;
	}
	options.argv = (const char *const *)argv;
	err = process_start(&q->process, &options, why, VRINGER_WHAT_MAX);
	peer_argv_free(argv);
	return err;
}

static int start_process(struct qemu *q, int memory, uint64_t size, char *why)
{
	int qtest[2] = { -1, -1 }, qmp[2] = { -1, -1 }, bios = make_bios(), err = -EMFILE;

	q->disk = make_disk();
	if (bios < 0 || q->disk < 0 || qemu_host_open(q) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qtest) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) != 0) {
		snprintf(why, VRINGER_WHAT_MAX, "no descriptors to be had: %s", strerror(errno));
	} else {
		int fds[FDS] = { memory, bios, qtest[1], qmp[1], q->disk };

		for (unsigned i = 0; i < q->line_count; i++)
			fds[FD_LINES + i] = q->lines[i].theirs;
		err = execute(q, fds, size, why);
	}
	q->sockets[0] = qtest[0];
	q->sockets[1] = qmp[0];
	if (qtest[1] >= 0)
		close(qtest[1]);
	if (qmp[1] >= 0)
		close(qmp[1]);
	if (bios >= 0)
		close(bios);
	return err;
}

/* Where the device is.  1: nowhere. */
static int find_device(struct qemu *q, uint32_t id)
{
	for (unsigned slot = SLOTS; slot-- > 0;) {
		struct qtest_access look[] = {
			{ VIRTIO_MMIO_MAGIC_VALUE, 4, 0 },
			{ VIRTIO_MMIO_VERSION, 4, 0 },
			{ VIRTIO_MMIO_DEVICE_ID, 4, 0 },
		};
		int err;

		q->base = SLOT_BASE + slot * SLOT_SIZE;
		err = qemu_read(q, look, 3);
		if (err != 0)
			return err;
		if (look[0].value == MAGIC && look[1].value == 2 && look[2].value == id)
			return 0;
	}
	return 1;
}

static int read_status(struct qemu *q)
{
	struct qtest_access look[] = {
		{ VIRTIO_MMIO_STATUS, 4, 0 },
		{ VIRTIO_MMIO_INTERRUPT_STATUS, 4, 0 },
	};
	int err = qemu_read(q, look, 2);

	q->status = (uint32_t)look[0].value;
	q->interrupts = (uint32_t)look[1].value;
	q->known = err == 0;
	return err;
}

/* The line is pulled when QEMU's main loop comes round again, so before the next
 * question.  With that goes what is asked of each new device. */
static int pull_reset(struct qemu *q)
{
	int err;

	q->waited = 0;
	peer_waited();
	err = qtest_out(&q->qtest, CONTROLLER, PULSE_RESET);
	if (err == 0)
		err = qtest_sync(&q->qtest);
	if (err == 0)
		err = qemu_select_first(q);
	return err != 0 ? err : qemu_read_together(q);
}

/* Does pulling the line undo something? */
static int try_reset(struct qemu *q)
{
	const struct qtest_access set = { q->base + VIRTIO_MMIO_STATUS, 4, 1 };
	int err = qtest_write(&q->qtest, &set);

	if (err == 0)
		err = read_status(q);
	q->resets = q->status == 1;
	if (err == 0)
		err = pull_reset(q);
	q->resets = q->resets && q->status == 0;
	return err;
}

/* Do its arguments say where QMP is?  A user's whole command may not. */
static bool has_qmp(const struct qemu *q)
{
	const char *command = peer_command(q->peer);

	return command == NULL || strchr(command, '{') == NULL || strstr(command, "{qmp}") != NULL;
}

static int greet(struct qemu *q, char *why)
{
	const struct kind *kind = kind_find(q->peer->kind);
	struct process_end end;
	int err = qtest_open(&q->qtest, q->sockets[0], patience, q);

	q->waited = 0;
	if (err == 0)
		err = find_device(q, kind->device_id);
	if (err == 1) {
		snprintf(why, VRINGER_WHAT_MAX,
			 "it runs, but no virtio-mmio slot has a device with id %u and version 2",
			 kind->device_id);
		return -ENODEV;
	}
	q->waited = 0;
	if (err == 0 && (q->side->asynchronous || q->side->want != NULL ||
			 (q->side->keeps_none && has_qmp(q)))) {
		err = qmp_open(&q->qmp, q->sockets[1], patience, q);
		q->has_qmp = err == 0;
	}
	if (err == 0)
		return 0;
	qemu_explain(q, err, &end);
	snprintf(why, VRINGER_WHAT_MAX, "it does not run: %.150s", end.message);
	return err;
}

static void release(struct qemu *q)
{
	for (struct qemu **at = &first; *at != NULL; at = &(*at)->next)
		if (*at == q) {
			*at = q->next;
			break;
		}
	qemu_stop(q);
	if (q->hole != MAP_FAILED)
		munmap(q->hole, QEMU_HOLE);
	for (unsigned i = 0; i < 2; i++)
		if (q->sockets[i] >= 0)
			close(q->sockets[i]);
	if (q->disk >= 0)
		close(q->disk);
	qemu_host_close(q);
	free(q);
}

static struct qemu *start(const struct peer *peer, int fd, uint64_t size, char *why)
{
	struct qemu *q = calloc(1, sizeof(*q));
	struct stat file;

	if (q == NULL || fstat(fd, &file) != 0) {
		snprintf(why, VRINGER_WHAT_MAX, "no memory, or none with a descriptor");
		free(q);
		return NULL;
	}
	q->peer = peer;
	q->side = peer->host_side != NULL ? peer->host_side : &no_side;
	q->size = size;
	q->file_dev = file.st_dev;
	q->file_ino = file.st_ino;
	q->sockets[0] = q->sockets[1] = q->disk = -1;
	q->hole = mmap(NULL, QEMU_HOLE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q->next = first;
	first = q;
	if (q->hole == MAP_FAILED)
		snprintf(why, VRINGER_WHAT_MAX, "cannot map guest memory: %s", strerror(errno));
	else if (start_process(q, fd, size, why) == 0 && greet(q, why) == 0)
		return q;
	release(q);
	return NULL;
}

void qemu_stop(struct qemu *q)
{
	process_stop(q->process);
	q->process = NULL;
}

/* ---- found again ------------------------------------------------------------------- */

static bool make_new(struct qemu *q)
{
	struct process_end end;

	if (q->process == NULL || !process_is_well(q->process, &end))
		return false;
	if (!q->resets && (try_reset(q) != 0 || !q->resets))
		return false;
	qemu_forget(q);
	if (pull_reset(q) != 0 || q->status != 0 || q->interrupts != 0 || !qemu_host_renew(q))
		return false;
	if (q->side->renew != NULL)
		qemu_forget(q);
	return q->disk < 0 || fallocate(q->disk, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
					QEMU_DISK_SIZE) == 0;
}

static struct qemu *find(const struct peer *peer, int fd)
{
	struct qemu *next;
	struct stat file;

	if (fstat(fd, &file) != 0)
		return NULL;
	for (struct qemu *q = first; q != NULL; q = next) {
		next = q->next;
		if (q->process != NULL && !process_is_mine(q->process)) {
			release(q);
			continue;
		}
		if (q->in_use || q->peer != peer || q->file_dev != file.st_dev ||
		    q->file_ino != file.st_ino)
			continue;
		if (make_new(q))
			return q;
		release(q);
	}
	return NULL;
}

/* The oldest that are not in use make room. */
static void make_room(void)
{
	struct qemu *oldest;
	unsigned count;

	do {
		oldest = NULL;
		count = 0;
		for (struct qemu *q = first; q != NULL; q = q->next) {
			count++;
			oldest = q->in_use ? oldest : q;
		}
		if (count >= KEPT_MAX && oldest != NULL)
			release(oldest);
	} while (count >= KEPT_MAX && oldest != NULL);
}

struct qemu *qemu_take(const struct peer *peer, int fd, uint64_t size, char *why)
{
	struct qemu *q = find(peer, fd);

	if (q == NULL) {
		make_room();
		q = start(peer, fd, size, why);
	}
	if (q == NULL)
		return NULL;
	memset(q->hole, 0, QEMU_HOLE);
	q->in_use = true;
	q->worked = q->live = false;
	q->told = 0;
	q->end.signature[0] = '\0';
	return q;
}

void qemu_give_back(struct qemu *q)
{
	q->in_use = false;
	if (q->process == NULL)
		release(q);
}
