/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the guest did and the device answered, of a script that failed: it runs once more,
 * and its trace is kept as `replay -v` prints it, the beginning and the end if it is long.
 *
 * The child that runs it writes into memory that it shares with this process, and may end
 * at any operation.  A device that writes over that memory spoils its own trace, no more.
 */
#include "harness/page/page_internal.h"
#include "harness/run/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TRACE_SIZE (PAGE_TRACE_HEAD + PAGE_TRACE_TAIL)
#define HANG_SECONDS 1 /* that it hangs is known already */

struct recording {
	struct report_fold fold;
	uint64_t len; /* written so far */
	char bytes[TRACE_SIZE];
};

/* Where the byte at `at` of the whole trace is: the end goes round. */
static size_t place(uint64_t at)
{
	return at < PAGE_TRACE_HEAD
		       ? (size_t)at
		       : PAGE_TRACE_HEAD + (size_t)((at - PAGE_TRACE_HEAD) % PAGE_TRACE_TAIL);
}

static ssize_t record(void *cookie, const char *data, size_t len)
{
	struct recording *recording = cookie;

	for (size_t i = 0; i < len; i++)
		recording->bytes[place(recording->len++)] = data[i];
	return (ssize_t)len;
}

/* Nothing stays in a buffer when the child ends. */
static FILE *open_recording(struct recording *recording)
{
	static const cookie_io_functions_t functions = { .write = record };
	FILE *out = fopencookie(recording, "w", functions);

	if (out != NULL)
		setvbuf(out, NULL, _IOLBF, 0);
	return out;
}

/* What is left between its beginning and its end is whole lines. */
static char *read_recording(const struct recording *recording)
{
	uint64_t len = recording->len, from = len;
	uint64_t head = len < PAGE_TRACE_HEAD ? len : PAGE_TRACE_HEAD;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	if (len <= TRACE_SIZE) {
		head = len;
	} else {
		while (head > 0 && recording->bytes[head - 1] != '\n')
			head--;
		from = len - PAGE_TRACE_TAIL;
		while (from < len && recording->bytes[place(from++)] != '\n')
			;
	}
	fwrite(recording->bytes, 1, head < PAGE_TRACE_HEAD ? head : PAGE_TRACE_HEAD, out);
	if (len <= TRACE_SIZE)
		from = head < PAGE_TRACE_HEAD ? head : PAGE_TRACE_HEAD;
	else
		fprintf(out, "... %llu bytes left out ...\n", (unsigned long long)(from - head));
	for (; from < len; from++)
		fputc(recording->bytes[place(from)], out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < size; i++) /* it is a string, whatever was written there */
		if (text[i] == '\0')
			text[i] = '?';
	return text;
}

char *page_trace(const struct suite_result *result, char *ended, size_t size)
{
	const struct finding *finding = child_finding(result->child, result->job);
	struct recording *recording = mmap(NULL, sizeof(*recording), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct report_trace trace = { .script = result->script };
	struct trace reader = { report_trace_event, &trace };
	struct child_job job = *result->job;
	struct child_result child;
	char *text = NULL;

	ended[0] = '\0';
	if (recording == MAP_FAILED)
		return NULL;
	trace.fold = &recording->fold;
	trace.out = job.trace_out = open_recording(recording);
	job.trace = &reader;
	job.words = NULL;
	if (finding != NULL && finding->kind == FINDING_HANG)
		job.seconds = HANG_SECONDS;
	if (trace.out != NULL && child_run(&job, &child, NULL) == 0) {
		report_fold_end(trace.out, trace.fold);
		fflush(trace.out);
		snprintf(ended, size, "%s", page_signature(&child, &job, "nothing"));
		text = read_recording(recording);
	}
	if (trace.out != NULL)
		fclose(trace.out);
	munmap(recording, sizeof(*recording));
	return text;
}
