/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The minimiser: what is the same finding, and the rounds.  See minimize.h.
 */
#include "harness/arena/instrumented.h"
#include "harness/minimize/minimize_internal.h"
#include "harness/run/report.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void minimize_copy(struct program *to, const struct program *from)
{
	memcpy(to, from, offsetof(struct program, ops));
	memcpy(to->ops, from->ops, from->op_count * sizeof(from->ops[0]));
	memcpy(to->data, from->data, from->data_len);
}

struct program *minimize_candidate(struct minimizer *m)
{
	minimize_copy(&m->script->prog, &m->best);
	return &m->script->prog;
}

static void tell(const struct minimizer *m)
{
	const struct minimize_progress progress = { m->phase, m->result->candidates, &m->best };

	if (m->options->progress != NULL)
		m->options->progress(m->options->ctx, &progress);
}

void minimize_phase(struct minimizer *m, const char *phase)
{
	m->phase = phase;
	if (!minimize_over(m))
		tell(m);
}

static bool is_stopped(const struct minimizer *m)
{
	return m->options->stop != NULL && *m->options->stop != 0;
}

bool minimize_over(const struct minimizer *m)
{
	return m->result->ended != 0 || is_stopped(m);
}

/* A program not seen before?  A stranger of the same hash is not tried, which
 * costs nothing but that candidate. */
static bool remember(struct minimizer *m, const struct program *prog)
{
	uint64_t hash = program_hash(prog);
	size_t at;

	hash += hash == 0;
	for (at = hash % MINIMIZE_TRIED_SIZE; m->tried[at] != 0;
	     at = (at + 1) % MINIMIZE_TRIED_SIZE)
		if (m->tried[at] == hash)
			return false;
	m->tried[at] = hash;
	return true;
}

/* Bytes of a signature before the operation in flight. */
static size_t core_len(const struct finding *f)
{
	size_t len = strlen(f->signature);
	size_t verb = strlen(f->verb);

	if (len > verb && f->signature[len - verb - 1] == ':' &&
	    strcmp(f->signature + len - verb, f->verb) == 0)
		return len - verb - 1;
	return len;
}

static bool is_wanted(const struct minimizer *m, const struct finding *f)
{
	if (f->kind != m->wanted.kind)
		return false;
	if (!m->loose)
		return strcmp(f->signature, m->wanted.signature) == 0;
	return core_len(f) == m->core && memcmp(f->signature, m->wanted.signature, m->core) == 0;
}

/* Run the candidate: its finding, or NULL. */
static const struct finding *run(struct minimizer *m)
{
	int err = child_run(&m->job, &m->outcome, m->report);

	m->result->candidates++;
	if (err == 0 && m->outcome.finding_count > 0 &&
	    m->outcome.findings[0].kind == FINDING_SANITIZER)
		instrumented_read_symbols();
	/* A candidate that does not end shows nothing. */
	if (err == -ETIME && m->wanted.kind != FINDING_NONE)
		return NULL;
	if (err != 0) {
		m->result->ended = err;
		m->result->last = m->outcome;
		return NULL;
	}
	/* A signal may have been for the child too. */
	return is_stopped(m) ? NULL : child_finding(&m->outcome, &m->job);
}

/* Does the candidate show the finding, or whatever else it is to show? */
static bool is_kept(struct minimizer *m)
{
	const struct finding *f;

	if (m->keeps != NULL) {
		m->result->candidates++;
		return m->keeps(m->ctx, &m->script->prog);
	}
	f = run(m);
	if (f == NULL || !is_wanted(m, f))
		return false;
	m->result->finding = *f;
	return true;
}

bool minimize_try(struct minimizer *m)
{
	bool kept;

	if (minimize_over(m) || !remember(m, &m->script->prog))
		return false;
	if (m->result->candidates == m->max) {
		m->result->ended = -ENOSPC;
		return false;
	}
	kept = is_kept(m);
	if (kept) {
		minimize_copy(&m->best, &m->script->prog);
		m->changed = true;
	}
	tell(m);
	return kept;
}

/* Only the program counts from now on. */
static void drop_annotations(struct script *script, const struct target *target)
{
	script->expect_count = 0;
	script->pair_count = 0;
	script->clause_count = 0;
	script->prose[0] = '\0';
	script->needs_queues = 0;
	script->needs_features = script->needs_features_high = 0;
	script->needs &= ~(unsigned)NEED_MODEL;
	memset(script->op_lines, 0, sizeof(script->op_lines));
	memset(script->prog.target, 0, sizeof(script->prog.target));
	memcpy(script->prog.target, target->name, strnlen(target->name, PROGRAM_TARGET_MAX - 1));
}

/* How long a candidate may take: as long as makes a hang, and a program that
 * is slow before its finding, or on a busy machine, has time to get there. */
static unsigned candidate_seconds(const struct minimizer *m, time_t taken)
{
	if (m->options->seconds != 0)
		return m->options->seconds;
	/* An endless loop of accesses is noticed by their number. */
	if (strncmp(m->wanted.signature, "hang:", 5) == 0)
		return MINIMIZE_SECONDS;
	return MINIMIZE_SECONDS + 3 * (1 + (unsigned)taken);
}

/* Run the input twice: what it shows, and what of that stays. */
static int find_wanted(struct minimizer *m)
{
	struct timespec before, after;
	const struct finding *f;

	minimize_phase(m, "the input");
	clock_gettime(CLOCK_MONOTONIC, &before);
	f = run(m);
	clock_gettime(CLOCK_MONOTONIC, &after);
	if (m->result->ended != 0)
		return m->result->ended;
	m->result->input = m->outcome;
	if (f == NULL)
		return is_stopped(m) ? -EINTR : -ENOENT;
	m->wanted = m->result->finding = *f;
	m->core = core_len(f);
	m->job.seconds = candidate_seconds(m, after.tv_sec - before.tv_sec);
	/* LeakSanitizer looks through all memory: for its own findings only. */
	m->job.leaks = f->kind == FINDING_LEAK;
	f = run(m);
	if (m->result->ended != 0)
		return m->result->ended;
	if (is_stopped(m))
		return -EINTR;
	m->loose = f == NULL || strcmp(f->signature, m->wanted.signature) != 0;
	if (f != NULL && is_wanted(m, f))
		return 0;
	m->result->other = f != NULL ? *f : (struct finding){ .kind = FINDING_NONE };
	return -ESTALE;
}

static void shrink(struct minimizer *m)
{
	do {
		m->changed = false;
		minimize_ops(m);
		minimize_repeats(m);
		minimize_payloads(m);
		minimize_fields(m);
		minimize_header(m);
	} while (m->changed && !minimize_over(m));
	if (is_stopped(m))
		m->result->ended = -EINTR;
}

static void use_base(bool *used, uint8_t base)
{
	if (base >= BASE_SLOT && base < BASE_RING)
		used[base - BASE_SLOT] = true;
}

/* Names of slots that no operation speaks of any more. */
static void drop_names(struct script *script)
{
	const struct program *prog = &script->prog;
	bool used[PROGRAM_SLOTS] = { false };

	for (uint32_t i = 0; i < prog->op_count; i++) {
		const struct op *op = &prog->ops[i];
		const struct op_desc *desc = op_find(op->code);

		for (unsigned f = 0; f < OP_FIELDS_MAX; f++) {
			if (desc->fields[f].kind == FIELD_SLOT)
				used[op->value[f]] = true;
			use_base(used, op->base[f]);
		}
		for (uint32_t d = 0; desc->payload == PAYLOAD_ELEMENTS && d < op->data_len; d++)
			used[prog->data[op->data_off + d] & ELEMENT_SLOT] = true;
	}
	for (unsigned i = 0; i < PROGRAM_SLOTS; i++)
		if (!used[i])
			script->slot_names[i][0] = '\0';
}

int minimize_script(struct script *script, const struct minimize_options *options,
		    struct minimize_result *result)
{
	struct minimizer *m = calloc(1, sizeof(*m));
	int err;

	*result = (struct minimize_result){ .candidates = 0 };
	if (m == NULL)
		return -ENOMEM;
	drop_annotations(script, options->target);
	m->options = options;
	m->result = result;
	m->script = script;
	m->max = MINIMIZE_CANDIDATES_MAX;
	m->job = (struct child_job){
		.script = script,
		.target = options->target,
		.transport = options->transport,
		.judging = options->judging,
		.leaks = true,
		.seconds = options->seconds,
	};
	minimize_copy(&m->best, &script->prog);
	remember(m, &m->best);
	err = find_wanted(m);
	if (err == 0) {
		if (m->wanted.op != FINDING_OP_END)
			minimize_end(m, m->wanted.op);
		shrink(m);
		minimize_copy(&script->prog, &m->best);
		drop_names(script);
	}
	free(m);
	return err;
}

int minimize_program(struct program *prog, minimize_keeps_fn *keeps, void *ctx, unsigned max)
{
	static const struct minimize_options options;
	struct minimize_result *result = calloc(1, sizeof(*result));
	struct minimizer *m = calloc(1, sizeof(*m));
	struct script *script = calloc(1, sizeof(*script));
	bool ready = result != NULL && m != NULL && script != NULL;

	if (ready) {
		m->options = &options;
		m->result = result;
		m->script = script;
		m->keeps = keeps;
		m->ctx = ctx;
		m->max = max < MINIMIZE_CANDIDATES_MAX ? max : MINIMIZE_CANDIDATES_MAX;
		minimize_copy(&m->best, prog);
		remember(m, &m->best);
		shrink(m);
		minimize_copy(prog, &m->best);
	}
	free(script);
	free(m);
	free(result);
	return ready ? 0 : -ENOMEM;
}

void minimize_print(FILE *out, const struct script *script, const struct finding *finding,
		    const struct transport *transport)
{
	fprintf(out, "# %s", finding->signature);
	if (finding->kind == FINDING_RULE) {
		const struct rule_desc *rule = &rule_table[finding->rule];
		bool policy = strcmp(rule->clause, "policy") == 0;

		fprintf(out, " (%s, %s%s): %s.\n# %s", severity_name(rule->severity),
			policy ? "house " : "VIRTIO 1.4 ", rule->clause, rule->demand,
			finding->message);
	} else {
		fprintf(out, " (%s)", finding_kind_name(finding->kind));
	}
	fputc('\n', out);
	if (transport_to_name(transport) != NULL)
		fprintf(out, "# By --transport %s.\n", transport_to_name(transport));
	text_print(out, &script->prog, script->slot_names);
}
