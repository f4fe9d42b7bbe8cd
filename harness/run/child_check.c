/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The memory that a child shares with its parent is hostile input: the device could
 * write there.  Every count, index and string is checked before it is used, and no
 * pointer is used.  See child_internal.h.
 */
#include "harness/run/child_internal.h"

#include <ctype.h>
#include <string.h>

/* A bool written by the child may hold any byte, so it must not be read as a bool. */
static bool is_bool(const bool *value)
{
	return *(const unsigned char *)value <= 1;
}

/* A string that ends within `size`, of printable bytes. */
static bool is_string(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return len < size;
}

static bool is_op(const struct child_job *job, uint32_t op)
{
	return op == FINDING_OP_END || op < job->script->prog.op_count;
}

/* The `known` of a finding points into the child's list: the parent has its own. */
static bool check_finding(const struct child_job *job, struct finding *f)
{
	if (f->kind <= FINDING_NONE || f->kind >= FINDING_KIND_COUNT ||
	    (f->kind == FINDING_RULE && f->rule >= RULE_COUNT) || !is_op(job, f->op) ||
	    !is_string(f->verb, sizeof(f->verb)) ||
	    !is_string(f->signature, sizeof(f->signature)) ||
	    !is_string(f->message, sizeof(f->message)))
		return false;
	f->known = known_reason(job->judging.known, f->signature);
	return true;
}

static bool is_blindness(const struct child_job *job, const struct ledger_blindness *b)
{
	if (b->cause == BLIND_NEVER)
		return true;
	return b->cause < BLIND_COUNT && b->queue <= PROGRAM_QUEUES && is_bool(&b->over) &&
	       is_op(job, b->op) && is_op(job, b->until);
}

/* A `>` line of the script, of that operation. */
static bool is_line(const struct child_job *job, uint32_t line, uint32_t op)
{
	for (unsigned i = 0; i < job->script->expect_count; i++)
		if (job->script->expects[i].line == line && job->script->expects[i].op == op)
			return true;
	return false;
}

static bool is_unmet(const struct child_job *job, const struct child_unmet *unmet)
{
	for (unsigned i = 0; i < job->script->expect_count; i++)
		if (job->script->expects[i].line == unmet->line &&
		    job->script->expects[i].severity == unmet->severity)
			return is_string(unmet->message, sizeof(unmet->message));
	return false;
}

bool child_is_sound(const struct child_job *job, struct child_result *r)
{
	if (!is_bool(&r->done) || !is_bool(&r->passed) || !is_bool(&r->spent) ||
	    r->finding_count > LEDGER_FINDINGS_MAX || !is_op(job, r->op) ||
	    !is_string(r->verb, sizeof(r->verb)) || !is_string(r->failure, sizeof(r->failure)) ||
	    !is_string(r->shortage, sizeof(r->shortage)) || !is_blindness(job, &r->blindness) ||
	    (r->failed_line != 0 && !is_line(job, r->failed_line, r->failed_op)) ||
	    r->unmet_count > CHILD_UNMET_MAX)
		return false;
	for (unsigned i = 0; i < job->script->expect_count; i++)
		if (r->demands[i] >= DEMAND_OUTCOME_COUNT)
			return false;
	for (unsigned i = 0; i < r->unmet_count; i++)
		if (!is_unmet(job, &r->unmet[i]))
			return false;
	for (unsigned i = 0; i < r->finding_count; i++)
		if (!check_finding(job, &r->findings[i]))
			return false;
	return true;
}

bool child_check(const struct child_job *job, const struct child_shared *shared,
		 struct child_result *result)
{
	/* Once: what it started may still be there, and write. */
	memcpy(result, &shared->result, sizeof(*result));
	if (child_is_sound(job, result))
		return true;
	memset(result, 0, sizeof(*result));
	result->op = FINDING_OP_END;
	strcpy(result->verb, "unknown");
	return false;
}
