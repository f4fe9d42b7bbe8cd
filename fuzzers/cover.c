/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Choose a small set of inputs that reach edges which the committed ones do not, and
 * write it.  See cover.h.
 *
 *   cover_TARGET [-n INPUTS] -o FOLDER <LIST
 *
 * Each line of LIST is `base PATH`, `kept PATH NAME` or `new PATH`.  The input that adds
 * most edges is taken first, then the one that adds most to those, and so on; of two that
 * add as many, the smaller.  Those that were kept before come first while there is room, so
 * a set changes no more than it must.  Then the new ones are shrunk, and those that have
 * become superfluous go.
 */
#include "fuzzers/cover.h"

#include "fuzzers/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum outcome { TO_RUN, RUNNING, DONE, SLOW };

static struct cover_input *inputs;
static size_t input_count, input_room;
static uint8_t *outcomes; /* enum outcome of each, shared with children */
static uint8_t *base;	  /* edges that committed inputs reach */

static void fail(const char *what) __attribute__((noreturn));

static void fail(const char *what)
{
	fprintf(stderr, "cover: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size > 0 ? size : 1);

	if (memory == NULL)
		fail("memory");
	return memory;
}

/* False: a fuzzer that is at work has replaced it meanwhile. */
static bool load(struct cover_input *input)
{
	FILE *in = fopen(input->path, "rb");
	static uint8_t buffer[COVER_SIZE_MAX];
	size_t above = 0;

	if (in == NULL && errno == ENOENT && input->kind == COVER_NEW)
		return false;
	if (in == NULL)
		fail(input->path);
	input->size = fread(buffer, 1, sizeof(buffer), in);
	if (ferror(in))
		fail(input->path);
	fclose(in);
	/* It is written anew. */
	if (cover_is_text() && input->kind == COVER_KEPT)
		above = cover_comment_size(buffer, input->size);
	input->size -= above;
	input->data = allocate(input->size);
	memcpy(input->data, buffer + above, input->size);
	return true;
}

static void add(enum cover_kind kind, char *path, const char *name)
{
	if (input_count == input_room) {
		input_room = 2 * input_room + 64;
		inputs = realloc(inputs, input_room * sizeof(*inputs));
		if (inputs == NULL)
			fail("memory");
	}
	inputs[input_count] = (struct cover_input){ .kind = kind, .path = path, .name = name };
	if (load(&inputs[input_count]))
		input_count++;
	else
		free(path);
}

/* Paths have no spaces: grow.sh makes them. */
static void read_list(void)
{
	static const char *const kinds[] = { "base", "kept", "new" };
	char *line = NULL, *rest, *word, *path;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		unsigned kind = 0;

		word = strtok_r(line, " \n", &rest);
		path = strtok_r(NULL, " \n", &rest);
		while (word != NULL && kind < 3 && strcmp(word, kinds[kind]) != 0)
			kind++;
		if (word == NULL || path == NULL || kind == 3) {
			errno = EINVAL;
			fail("standard input");
		}
		word = strtok_r(NULL, " \n", &rest);
		add((enum cover_kind)kind, strdup(path), word != NULL ? strdup(word) : NULL);
	}
	free(line);
}

/* In a child: from input `at` on. */
static void run_from(size_t at)
{
	for (; at < input_count; at++) {
		clock_t before = clock();

		if (outcomes[at] != TO_RUN)
			continue;
		outcomes[at] = RUNNING;
		alarm(COVER_SECONDS);
		cover_run(inputs[at].data, inputs[at].size, inputs[at].edges);
		alarm(0);
		outcomes[at] =
			(clock() - before) * 1000 / CLOCKS_PER_SEC > COVER_MS_MAX ? SLOW : DONE;
	}
}

/* Run them all; one that ends the process is told of and reaches nothing. */
static void run_all(void)
{
	static const uint8_t nothing[1];
	size_t bytes = cover_edge_bytes();
	uint8_t *edges = cover_shared(input_count * bytes);
	int status = -1;

	outcomes = cover_shared(input_count);
	for (size_t i = 0; i < input_count; i++)
		inputs[i].edges = edges + i * bytes;
	/* What only a process's first input does is no coverage of that. */
	cover_run(nothing, 0, base);
	memset(base, 0, bytes);
	for (size_t at = 0; status != 0; at++) {
		pid_t child;

		fflush(NULL);
		child = fork();
		if (child == 0) {
			run_from(at);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			fail("a child");
		while (at < input_count && outcomes[at] != RUNNING && outcomes[at] != TO_RUN)
			at++;
		if (status == 0)
			break;
		if (at == input_count || outcomes[at] != RUNNING)
			fail("the child");
		printf("  %s ends the process\n", inputs[at].path);
		memset(inputs[at].edges, 0, bytes);
	}
}

static void unite(uint8_t *to, const uint8_t *from)
{
	for (size_t i = 0; i < cover_edge_bytes(); i++)
		to[i] |= from[i];
}

static size_t count_edges(const uint8_t *edges)
{
	size_t count = 0;

	for (size_t i = 0; i < cover_edge_bytes(); i++)
		count += (size_t)__builtin_popcount(edges[i]);
	return count;
}

static size_t gain(const struct cover_input *input, const uint8_t *covered)
{
	size_t count = 0;

	for (size_t i = 0; i < cover_edge_bytes(); i++)
		count += (size_t)__builtin_popcount(input->edges[i] & (unsigned)~covered[i]);
	return count;
}

static bool is_better(const struct cover_input *a, const struct cover_input *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind;
	if (a->size != b->size)
		return a->size < b->size;
	return strcmp(a->path, b->path) < 0;
}

/* The one, of kinds up to `last`, that adds most, or NULL if none adds any. */
static struct cover_input *next_input(const uint8_t *covered, enum cover_kind last)
{
	struct cover_input *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < input_count; i++) {
		bool considered = inputs[i].kind != COVER_BASE && inputs[i].kind <= last;
		size_t edges = considered ? gain(&inputs[i], covered) : 0;

		if (edges > most || (edges == most && edges > 0 && is_better(&inputs[i], best))) {
			best = &inputs[i];
			most = edges;
		}
	}
	return best;
}

/* Mark at most `max` more as chosen; how many. */
static unsigned take(unsigned max, enum cover_kind last, uint8_t *covered)
{
	struct cover_input *input;
	unsigned count = 0;

	for (; count < max && (input = next_input(covered, last)) != NULL; count++) {
		input->chosen = true;
		unite(covered, input->edges);
	}
	return count;
}

/* Mark at most `max` as chosen: those that were kept before and what is new beside them; if
 * that is too many, whichever add most.  What all inputs reach is left in `all`. */
static void choose(unsigned max, uint8_t *all)
{
	uint8_t *covered = allocate(cover_edge_bytes());
	unsigned count;

	memcpy(all, base, cover_edge_bytes());
	for (size_t i = 0; i < input_count; i++)
		if (inputs[i].kind != COVER_BASE)
			unite(all, inputs[i].edges);
	memcpy(covered, base, cover_edge_bytes());
	count = take(max, COVER_KEPT, covered);
	take(max - count, COVER_NEW, covered);
	if (count_edges(covered) < count_edges(all)) {
		for (size_t i = 0; i < input_count; i++)
			inputs[i].chosen = false;
		memcpy(covered, base, cover_edge_bytes());
		take(max, COVER_NEW, covered);
	}
	free(covered);
}

/* What an input reaches and neither `base` nor another that is chosen does. */
static void find_own(const struct cover_input *input, uint8_t *own)
{
	memcpy(own, input->edges, cover_edge_bytes());
	for (size_t b = 0; b < cover_edge_bytes(); b++)
		own[b] &= (uint8_t)~base[b];
	for (size_t i = 0; i < input_count; i++)
		for (size_t b = 0;
		     inputs[i].chosen && &inputs[i] != input && b < cover_edge_bytes(); b++)
			own[b] &= (uint8_t)~inputs[i].edges[b];
}

/* From the last on: those that add least. */
static void drop_superfluous(void)
{
	uint8_t *own = allocate(cover_edge_bytes());

	for (size_t i = input_count; i-- > 0;) {
		if (!inputs[i].chosen)
			continue;
		find_own(&inputs[i], own);
		inputs[i].chosen = count_edges(own) > 0;
	}
	free(own);
}

/* Each that is new down to what no other one reaches. */
static void shrink_chosen(void)
{
	uint8_t *own = allocate(cover_edge_bytes());

	for (size_t i = 0; i < input_count; i++) {
		if (!inputs[i].chosen)
			continue;
		find_own(&inputs[i], own);
		if (count_edges(own) == 0) {
			inputs[i].chosen = false;
			continue;
		}
		/* They were shrunk then. */
		if (inputs[i].kind == COVER_KEPT)
			continue;
		if (!cover_shrink(&inputs[i], own) || count_edges(own) == 0) {
			printf("  %s reaches something else each time\n", inputs[i].path);
			inputs[i].chosen = false;
		}
		cover_mask(inputs[i].edges);
	}
	free(own);
}

/* What is committed in `base`, of the code under test alone; nothing of what is not to be
 * kept. */
static void prepare_edges(void)
{
	size_t reached;

	for (size_t i = 0; i < input_count; i++) {
		if (inputs[i].kind == COVER_BASE)
			unite(base, inputs[i].edges);
		else if (outcomes[i] != DONE || inputs[i].size == 0)
			memset(inputs[i].edges, 0, cover_edge_bytes());
	}
	reached = count_edges(base);
	cover_mask(base);
	if (reached > 0 && count_edges(base) == 0) {
		fputs("cover: nothing is known of any edge: is llvm-symbolizer there?\n", stderr);
		exit(2);
	}
	for (size_t i = 0; i < input_count; i++)
		if (inputs[i].kind != COVER_BASE)
			cover_mask(inputs[i].edges);
}

static int cover(unsigned max, const char *folder)
{
	uint8_t *all = allocate(cover_edge_bytes()), *kept = allocate(cover_edge_bytes());
	size_t count = 0;

	base = allocate(cover_edge_bytes());
	run_all();
	prepare_edges();
	choose(max, all);
	shrink_chosen();
	drop_superfluous();
	memcpy(kept, base, cover_edge_bytes());
	for (size_t i = 0; i < input_count; i++) {
		if (!inputs[i].chosen)
			continue;
		unite(kept, inputs[i].edges);
		count++;
	}
	printf("%zu edges by what is committed, %zu with %zu more inputs", count_edges(base),
	       count_edges(kept), count);
	for (size_t i = 0; i < cover_edge_bytes(); i++)
		all[i] &= (uint8_t)~kept[i];
	if (count_edges(all) > 0)
		printf(", %zu left out", count_edges(all));
	putchar('\n');
	free(all);
	free(kept);
	return cover_write(folder, inputs, input_count, base) == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
	unsigned long max = COVER_KEEP;
	const char *folder = NULL;
	int option;

	while ((option = getopt(argc, argv, "n:o:")) != -1) {
		if (option == 'n')
			max = strtoul(optarg, NULL, 10);
		else if (option == 'o')
			folder = optarg;
		else
			return 2;
	}
	if (folder == NULL || optind != argc || max == 0 || max > 10000) {
		fprintf(stderr, "usage: %s [-n INPUTS] -o FOLDER <LIST\n", argv[0]);
		return 2;
	}
	if (cover_edge_count() == 0) {
		fprintf(stderr, "%s: built without counters\n", argv[0]);
		return 2;
	}
	/* Some rules run a fraction of programs again, chosen by hash (twin.h): what that
	 * reaches is nothing that the program does. */
	setenv("VRINGER_LEDGER", "off", 1);
	read_list();
	return cover((unsigned)max, folder);
}
