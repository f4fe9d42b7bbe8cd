/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A vhost-user backend's process and the connection to it.  See vhost_user.h.
 *
 * Where the program takes a descriptor that listens already, connecting needs no waiting
 * and no file.  Of a socket that the program makes itself the file is deleted as soon as it
 * is connected to: where it is connected to again, that goes by a descriptor of it.
 */
#include "harness/peers/vhost_user.h"

#include "harness/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define SOCKET_NAME "/socket"
#define FOLDER_NAME "/folder"
#define FDS_FIRST 3 /* process.h: where descriptors are in the program */

/* A backend that neither runs nor answers for that long never will; nor one that runs for
 * that long over one message. */
static const struct process_patience bounds = { .slice_ms = VHOST_SLICE_MS,
						.asleep_ms = 5000,
						.spin_ns = 2000000000 };
#define SILENT_MS 30000u /* nobody can look at it: it is none of our processes */
#define DYING_MS 2000u	 /* from closing its connection to its end, of one that serves one */

/* Waiting for it to listen: from 100 us on, twice as long each time. */
#define RETRY_NS 100000l
#define RETRY_MAX_NS 20000000l
#define AGAIN_MS 1000u /* until somebody listens again */

/* What a program is started with. */
struct start {
	struct vhost_user *u;
	char *why;
	char folder[64]; /* empty: none */
	char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char share[80];
	int fds[3];
	unsigned fd_count;
};

static int refuse(struct start *s, int err, const char *what)
{
	snprintf(s->why, VRINGER_WHAT_MAX, "%s: %s: %s", s->u->peer->name, what, strerror(-err));
	return err;
}

int vhost_patience(void *user)
{
	struct vhost_user *u = user;
	int shown = vhost_display_serve(&u->display, u->channel.why, sizeof(u->channel.why));

	target_waits();
	if (shown < 0)
		return shown;
	if (u->process == NULL)
		return ++u->wait.slices * VHOST_SLICE_MS >= SILENT_MS ? -ETIMEDOUT : 0;
	return process_wait(u->process, &u->wait, &bounds, &u->end);
}

/* ---- what the program gets ------------------------------------------------------- */

/* A socket without a file, and its address. */
static int listen_unnamed(struct sockaddr_un *at, socklen_t *len)
{
	int err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*len = sizeof(*at);
	/* Only the family: the kernel finds a name in the abstract name space. */
	if (fd >= 0 && bind(fd, (const struct sockaddr *)at, sizeof(at->sun_family)) == 0 &&
	    listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)at, len) == 0)
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* Does the command line have that word? */
static bool asks_for(const struct vhost_user *u, const char *word)
{
	const char *command = peer_command(u->peer);

	if (command != NULL && strchr(command, '{') != NULL)
		return strstr(command, word) != NULL;
	return u->peer->arguments != NULL && strstr(u->peer->arguments, word) != NULL;
}

static int make_folder(struct start *s)
{
	const char *root = getenv("TMPDIR");

	snprintf(s->folder, sizeof(s->folder), "%.32s/vringer-XXXXXX",
		 root != NULL && strlen(root) <= 32 ? root : "/tmp");
	if (mkdtemp(s->folder) == NULL) {
		s->folder[0] = '\0';
		return refuse(s, -errno, "no folder for its socket");
	}
	snprintf(s->socket, sizeof(s->socket), "%s" SOCKET_NAME, s->folder);
	snprintf(s->share, sizeof(s->share), "%s" FOLDER_NAME, s->folder);
	if (asks_for(s->u, "{folder}") && mkdir(s->share, 0700) != 0)
		return refuse(s, -errno, "no folder for it to share");
	return 0;
}

static void remove_folder(struct start *s)
{
	if (s->folder[0] == '\0')
		return;
	unlink(s->socket);
	rmdir(s->share);
	rmdir(s->folder);
}

static int make_disk(struct start *s, char *path, size_t size)
{
	struct vhost_user *u = s->u;

	if (u->disk < 0)
		u->disk = memfd_create("disk", MFD_CLOEXEC);
	if (u->disk < 0 || ftruncate(u->disk, u->side.disk_len) != 0)
		return refuse(s, -errno, "no memory for its disk");
	snprintf(path, size, "/proc/self/fd/%u", FDS_FIRST + s->fd_count);
	s->fds[s->fd_count++] = u->disk;
	return 0;
}

static int start_program(struct start *s, const struct peer_word *words)
{
	struct vhost_user *u = s->u;
	char **argv = peer_argv(u->peer, words);
	/* Removed here as soon as it is connected to, and with it where this process is killed
	 * before that. */
	const char *const leftovers[] = { s->socket, s->share, s->folder, NULL };
	struct process_options options = { .argv = (const char *const *)argv,
					   .fds = s->fds,
					   .fd_count = s->fd_count };
	char why[VRINGER_WHAT_MAX / 2] = "";
	int err;

	if (argv == NULL)
		return refuse(s, -ENOENT, "it cannot be started");
	if (s->folder[0] != '\0')
		options.leftovers = leftovers;
	err = process_start(&u->process, &options, why, sizeof(why));
	if (err != 0)
		snprintf(s->why, VRINGER_WHAT_MAX, "%s: %s", u->peer->name, why);
	peer_argv_free(argv);
	return err;
}

/* ---- connecting ------------------------------------------------------------------ */

static int connect_once(struct vhost_user *u)
{
	int err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&u->at, u->at_len) == 0) {
		u->channel.fd = fd;
		return 0;
	}
	err = -errno;
	close(fd);
	return err;
}

/* From now on by way of a descriptor, for which the file need not be there. */
static void keep_door(struct start *s)
{
	struct vhost_user *u = s->u;

	if (s->folder[0] == '\0' || u->door >= 0 || !u->side.reconnects)
		return;
	u->door = open(s->socket, O_PATH | O_CLOEXEC);
	snprintf(u->at.sun_path, sizeof(u->at.sun_path), "/proc/self/fd/%d", u->door);
}

/* Until it listens, or is not there any more.  Who listens there already may serve one
 * connection and listen again, as `vringer serve` in a loop does. */
static int connect_soon(struct start *s)
{
	struct vhost_user *u = s->u;
	struct timespec pause = { .tv_nsec = RETRY_NS };
	uint64_t waited = 0;
	int err, patience = 0;

	u->wait = (struct process_wait){ .slices = 0 };
	while ((err = connect_once(u)) == -ENOENT || err == -ECONNREFUSED) {
		nanosleep(&pause, NULL);
		waited += (uint64_t)pause.tv_nsec;
		if (pause.tv_nsec < RETRY_MAX_NS)
			pause.tv_nsec *= 2;
		if (u->process == NULL && waited >= AGAIN_MS * 1000000ull)
			break;
		if (u->process != NULL && !process_is_well(u->process, &u->end))
			patience = -ECHILD;
		for (; waited >= VHOST_SLICE_MS * 1000000ull && patience == 0;
		     waited -= VHOST_SLICE_MS * 1000000ull)
			patience = vhost_patience(u);
		if (patience == -ECHILD) {
			snprintf(s->why, VRINGER_WHAT_MAX, "%s ended before it listened: %.120s",
				 u->peer->name, u->end.message);
			return -ECHILD;
		}
		if (patience != 0)
			return refuse(s, err, "it does not listen");
	}
	return err != 0 ? refuse(s, err, u->at.sun_path) : 0;
}

static int begin(struct start *s)
{
	struct vhost_user *u = s->u;
	char fd[16] = "", connection[16] = "", disk[40] = "";
	const struct peer_word words[] = {
		{ "{socket}", s->socket }, { "{fd}", fd },	     { "{connection}", connection },
		{ "{disk}", disk },	   { "{folder}", s->share }, { .name = NULL },
	};
	int ends[2] = { -1, -1 }, listener = -1, err = 0;

	if (asks_for(u, "{socket}") || asks_for(u, "{folder}"))
		err = make_folder(s);
	if (err == 0 && asks_for(u, "{fd}")) {
		listener = listen_unnamed(&u->at, &u->at_len);
		if (listener < 0)
			return refuse(s, listener, "no socket");
		snprintf(fd, sizeof(fd), "%u", FDS_FIRST + s->fd_count);
		s->fds[s->fd_count++] = listener;
	} else if (err == 0 && asks_for(u, "{connection}")) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
			return refuse(s, -errno, "no socket");
		snprintf(connection, sizeof(connection), "%u", FDS_FIRST + s->fd_count);
		s->fds[s->fd_count++] = ends[1];
	} else {
		u->at = (struct sockaddr_un){ .sun_family = AF_UNIX };
		memcpy(u->at.sun_path, s->socket, sizeof(u->at.sun_path));
		u->at_len = sizeof(u->at);
	}
	if (err == 0 && asks_for(u, "{disk}"))
		err = make_disk(s, disk, sizeof(disk));
	if (err == 0)
		err = start_program(s, words);
	if (listener >= 0)
		close(listener);
	if (ends[1] >= 0)
		close(ends[1]);
	if (err == 0 && ends[0] >= 0)
		u->channel.fd = ends[0];
	else if (ends[0] >= 0)
		close(ends[0]);
	return err;
}

/* Somebody listens there already. */
static bool is_there(struct vhost_user *u)
{
	const char *command = peer_command(u->peer);

	if (command == NULL || strncmp(command, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0)
		return false;
	u->at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(u->at.sun_path, sizeof(u->at.sun_path), "%s", command + strlen(UNIX_PREFIX));
	u->at_len = sizeof(u->at);
	return true;
}

/* One line on why the first messages failed.  -ECHILD: it ended; or `err`. */
static int explain(struct start *s, int err)
{
	struct vhost_user *u = s->u;

	if (u->process != NULL && !process_outlives(u->process, DYING_MS, &u->end)) {
		snprintf(s->why, VRINGER_WHAT_MAX, "%s ended: %.120s", u->peer->name,
			 u->end.message);
		return -ECHILD;
	}
	if (err == -EPROTO)
		snprintf(s->why, VRINGER_WHAT_MAX, "%s does not speak vhost-user: %s",
			 u->peer->name, u->channel.why);
	else if (err == -EPIPE)
		snprintf(s->why, VRINGER_WHAT_MAX,
			 "%s closes the connection when it is asked for its features",
			 u->peer->name);
	else
		refuse(s, err, "it does not answer");
	return err;
}

int vhost_start(struct vhost_user *u, char *why)
{
	struct start s = { .u = u, .why = why };
	int err = 0;

	if (u->process == NULL && !is_there(u))
		err = begin(&s);
	if (err == 0 && u->process == NULL && u->side.rest == VHOST_REST_PAUSED)
		return refuse(&s, -ENOTSUP,
			      "it polls, and how long is known of a process that vringer starts");
	if (err == 0 && u->channel.fd < 0)
		err = connect_soon(&s);
	if (err == 0) {
		keep_door(&s);
		u->channel.out_len = 0;
		err = vhost_block(&u->channel);
		if (err == 0)
			err = vhost_introduce(u);
		if (err != 0)
			err = explain(&s, err);
	}
	remove_folder(&s);
	if (err != 0)
		vhost_end(u);
	return err;
}

void vhost_leave(struct vhost_user *u)
{
	if (u->channel.fd >= 0)
		close(u->channel.fd);
	if (u->backend_requests >= 0)
		close(u->backend_requests);
	vhost_display_close(&u->display);
	u->channel.fd = u->backend_requests = -1;
	u->memory = 0;
	for (unsigned i = 0; i < VHOST_QUEUES_MAX; i++)
		u->rings[i].live = false;
	if (!u->side.reconnects) {
		process_stop(u->process);
		u->process = NULL;
		u->known = false;
	}
}

void vhost_end(struct vhost_user *u)
{
	vhost_leave(u);
	process_stop(u->process);
	u->process = NULL;
	u->known = false;
	if (u->door >= 0)
		close(u->door);
	u->door = -1;
}

int vhost_reconnect(struct vhost_user *u, char *why)
{
	if (u->used)
		vhost_leave(u);
	u->live = u->broken = u->gone = u->busy = u->used = false;
	return u->channel.fd >= 0 ? 0 : vhost_start(u, why);
}

int vhost_renew(struct vhost_user *u, char *why)
{
	int err;

	if (u->process != NULL && !process_is_well(u->process, &u->end))
		vhost_end(u);
	err = vhost_reconnect(u, why);
	/* A process that does not serve a second time, though its entry says so. */
	if (err != 0 && u->process == NULL && u->side.reconnects)
		err = vhost_start(u, why);
	return err;
}
