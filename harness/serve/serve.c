/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer serve: the socket, and what came of the session.  See serve.h.
 */
#include "harness/serve/serve.h"

#include "harness/run/live.h"
#include "harness/serve/recorder.h"
#include "harness/serve/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int complain(const struct run *run, int err, const char *what, const char *why)
{
	fprintf(stderr, "serve: %s: %s: %s\n", run->guest.target->name, what, why);
	return err;
}

/* ---- the socket --------------------------------------------------------------------------- */

/* A socket that nobody listens at any more. */
static bool is_stale(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool stale;
	struct stat file;

	if (fd < 0 || lstat(at->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	stale = connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* Listen at the path.  A descriptor, or negative errno. */
static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? 0 : -errno;
	if (err == -EADDRINUSE && is_stale(&at) && unlink(path) == 0)
		err = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? 0 : -errno;
	if (err == 0 && listen(fd, 1) != 0)
		err = -errno;
	if (err != 0)
		close(fd);
	return err != 0 ? err : fd;
}

/* The first that connects.  A descriptor; -EINTR: the user ended it; or negative errno. */
static int accept_one(const struct serve_options *options, int listener)
{
	while (*options->stop == 0) {
		struct pollfd fd = { .fd = listener, .events = POLLIN };
		int client;

		if (ppoll(&fd, 1, NULL, &options->unblocked) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0 || (errno != ECONNABORTED && errno != EINTR))
			return client >= 0 ? client : -errno;
	}
	return -EINTR;
}

/* ---- the session ---------------------------------------------------------------------------- */

static int serve_driver(struct run *run, const struct serve_options *options,
			struct recorder *recorder, int fd, struct serve_result *result)
{
	struct serve_session *session = calloc(1, sizeof(*session));
	char why[DRIVER_RING_WHY_MAX];
	enum session_end end;
	int err = 0;

	if (session == NULL) {
		close(fd);
		return complain(run, -ENOMEM, "no session", strerror(ENOMEM));
	}
	session->options = options;
	end = session_serve(session, run, recorder, fd, why, &err);
	result->features = session->features;
	result->chains = session->world.chains;
	result->interrupts = session->world.interrupts;
	if (session->echo_lost > 0)
		fprintf(stderr,
			"serve: %s: %llu bytes were not typed again: a frame is at most "
			"%u long\n",
			run->guest.target->name, (unsigned long long)session->echo_lost,
			OP_BYTES_MAX);
	free(session);
	if (end == SESSION_PROTOCOL)
		return complain(run, -EPROTO, "the driver is at fault", why);
	if (end == SESSION_AT_FAULT)
		return -EPROTO;
	return end == SESSION_HOST ? complain(run, err, "the connection", strerror(-err)) : 0;
}

/* Wait for a driver, and serve it. */
static int serve_one(struct run *run, const struct serve_options *options,
		     struct recorder *recorder, int listener, struct serve_result *result)
{
	int client;

	fprintf(stderr, "serve: %s: listening on %s\n", run->guest.target->name, options->path);
	client = accept_one(options, listener);
	if (client == -EINTR)
		return 0;
	if (client < 0)
		return complain(run, client, options->path, strerror(-client));
	return serve_driver(run, options, recorder, client, result);
}

/* Wait for a driver, and serve and judge it on the device that has begun.  Then the
 * recording is replayed and written. */
static int serve_live(struct run *run, const struct program *header,
		      const struct serve_options *options, int listener,
		      struct serve_result *result)
{
	const struct recorder_options how = { .path = options->record,
					      .note = options->note,
					      .max = options->record_max,
					      .judging = options->judging,
					      .transport = options->transport };
	struct recorder_result recorded;
	struct recorder *recorder = NULL;
	int err = 0, closed;

	if (options->record != NULL)
		err = recorder_open(&recorder, run, header, &how);
	if (err != 0)
		err = complain(run, err, options->record, strerror(-err));
	else
		err = serve_one(run, options, recorder, listener, result);
	result->failed = !live_end(run);
	closed = recorder_close(recorder, &recorded);
	result->programs = recorded.kept;
	result->failed = result->failed || recorded.found > 0;
	return err != 0 ? err : closed;
}

int serve_run(struct run *run, const struct serve_options *options, struct serve_result *result)
{
	struct run_options how = { .judging = options->judging, .transport = options->transport };
	struct program *header = calloc(1, sizeof(*header));
	int listener = -1, err = 0;

	memset(result, 0, sizeof(*result));
	if (header == NULL)
		return complain(run, -ENOMEM, "no program", strerror(ENOMEM));
	program_init(header, run->guest.target->name);
	header->features = options->features;
	listener = listen_at(options->path);
	if (listener < 0) {
		err = complain(run, listener, options->path, strerror(-listener));
	} else if (!live_begin(run, header, &how)) {
		result->failed = run->unusable == NULL;
		if (run->unusable != NULL)
			err = complain(run, -ENODEV, "no device", run->unusable);
	} else {
		err = serve_live(run, header, options, listener, result);
	}
	if (listener >= 0) {
		close(listener);
		unlink(options->path);
	}
	result->finding_count = run->guest.ledger.finding_count;
	free(header);
	return err;
}
