/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The well-formed requests that a description declares, as the target's.  See foreign.h;
 * target.c checks what they say.
 */
#include "harness/target/foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ANSWERS_MAX 64u
#define REQUEST_FLAGS_ALL 3u /* enum vringer_request_flag */

static unsigned count_answers(const struct vringer_bytes *answer)
{
	unsigned count = 0;

	while (answer != NULL && count <= ANSWERS_MAX && answer[count].bytes != NULL)
		count++;
	return count;
}

static const char *convert(struct target_request *to, const struct vringer_request *from)
{
	struct target_bytes *answer = NULL;
	unsigned count = count_answers(from->answer);

	if ((from->flags & ~REQUEST_FLAGS_ALL) != 0)
		return "has a request with unknown flags, expected those of enum "
		       "vringer_request_flag";
	if (from->reserved != 0)
		return "has a request whose reserved field is not 0";
	if (from->queue > UINT16_MAX || from->readable_len > UINT16_MAX)
		return "has a request with a queue or a readable_len above 65535";
	if (count > ANSWERS_MAX)
		return "has a request whose answer has more than 64 parts";
	if (count > 0)
		answer = calloc(count, sizeof(*answer));
	if (count > 0 && answer == NULL)
		return "could not be registered: no memory";
	for (unsigned i = 0; i < count; i++)
		answer[i] = (struct target_bytes){ from->answer[i].offset, from->answer[i].len,
						   from->answer[i].bytes };
	*to = (struct target_request){
		.queue = (uint16_t)from->queue,
		.len = (uint16_t)from->readable_len,
		.bytes = from->readable,
		.name = (from->flags & VRINGER_REQUEST_HINT) != 0 ? NULL : from->name,
		.room = from->writable_len,
		.features = from->features,
		.features_off = from->features_off,
		.before = from->before,
		.after = from->after,
		.used_min = from->used_min,
		.used_max = from->used_max,
		.buffers_max = from->buffers_max,
		.answer_count = count,
		.answer = answer,
		.exact = (from->flags & VRINGER_REQUEST_EXACT) != 0,
	};
	return NULL;
}

/* What is wrong with one of its texts, or NULL. */
static const char *ops_fault(struct foreign *f, const struct target_request *request,
			     const char *text)
{
	struct program *prog;
	int err = target_request_ops(&f->target, request, text, &prog, f->fault, sizeof(f->fault));

	free(prog);
	if (err == -ENOMEM)
		return "could not be checked: no memory";
	return err != 0 ? f->fault : NULL;
}

const char *foreign_requests(struct foreign *f)
{
	const struct vringer_request *given = f->given.requests;
	const char *fault = NULL;
	unsigned count = 0;

	for (; given != NULL && given->name != NULL && fault == NULL; given++) {
		if (count == TARGET_REQUESTS_MAX)
			return "has more than 64 requests";
		fault = convert(&f->requests[count++], given);
	}
	f->target.request_count = count;
	f->target.requests = f->requests;
	for (unsigned i = 0; i < count && fault == NULL; i++) {
		fault = ops_fault(f, &f->requests[i], f->requests[i].before);
		if (fault == NULL)
			fault = ops_fault(f, &f->requests[i], f->requests[i].after);
	}
	return fault;
}
