/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the page share: page.c (what is kept of results), page_failure.c and
 * page_trace.c (of one that failed), page_statement.c and page_state.c (of the statements of
 * VIRTIO), and those that print it: page_write.c, page_found.c, page_area.c, page_rows.c,
 * page_changes.c; and page_against.c, which reads the results of another run.
 */
#ifndef VRINGER_HARNESS_PAGE_INTERNAL_H
#define VRINGER_HARNESS_PAGE_INTERNAL_H

#include "harness/page/page.h"
#include "harness/program/clause.h"

#define PAGE_FAILURES_MAX 500u	    /* shown; the others are counted */
#define PAGE_NOTES_MAX 200u	    /* what fails nothing, shown */
#define PAGE_DETAILS_MAX (2u << 20) /* bytes of scripts and traces on the page */
#define PAGE_SCRIPT_LINES 120u	    /* of a script shown, around what failed */
#define PAGE_TRACE_HEAD (4u << 10)  /* bytes of a trace shown: its beginning ... */
#define PAGE_TRACE_TAIL (20u << 10) /* ... and its end */
#define PAGE_REPORT_LINES 60u	    /* of a sanitizer's report, and of what a device prints */
#define PAGE_LIST_MAX 200u	    /* results in each list of a comparison */
#define PAGE_OPEN_MAX 20u	    /* ... of one that is open */
#define PAGE_INSTANCES_TEXT 320u

/* In place of a signature, where a chain had to come back (--completes). */
#define PAGE_NO_CHAIN "no chain was returned"

/* By what a result failed: the page's order. */
enum page_class {
	PAGE_CRASH, /* and hangs, leaks: no rule had to be broken */
	PAGE_MUST,
	PAGE_SHOULD,
	PAGE_LIMIT,
	PAGE_MODEL,
	PAGE_CLASS_COUNT
};

/* Results of one script on one target that failed by one signature. */
struct page_failure {
	char *path, *target, *signature;
	uint8_t class;
	unsigned results;
	uint64_t queues;		     /* bits */
	char instances[PAGE_INSTANCES_TEXT]; /* as many as there is room for */
	unsigned left_out;		     /* ... that have none */
	char areas[96];			     /* keys of page_areas, blanks between */
	char *body;			     /* HTML */
};

/* What was found and fails nothing, by signature and target. */
struct page_note {
	char *signature, *target, *path, *message;
	const char *known; /* the reason, or NULL: it is not known */
	bool newer;	   /* it stands for what is newer than the device */
	uint8_t class;
	unsigned results;
};

/* What became of a statement, an entry of clause_table. */
struct page_statement {
	unsigned held, failed; /* results */
	bool broken;
	unsigned failure; /* a number of page->failures plus 1; 0: none is shown */
	unsigned shared;  /* statements that the failing script cites; 1: only this */
	bool transport;	  /* judged, but of vringer's own transport */
	const char *skip; /* why a script that cites it was skipped, once */
};

/* What became of a statement. */
enum page_state {
	PAGE_BROKEN,
	PAGE_KEPT,
	PAGE_NOT_JUDGED,
	PAGE_CANNOT_BE, /* it permits something, is newer than the devices, or nobody sees it */
	PAGE_STATE_COUNT
};

/* One result, for comparing. */
struct page_result {
	char *key; /* file, target and instance, tabs between */
	char *signature;
	uint8_t outcome; /* enum suite_outcome */
};

struct page_results {
	struct page_result *list;
	size_t count, room;
};

struct page_device {
	const struct target *target;
	unsigned counts[SUITE_OUTCOME_COUNT];
};

struct page {
	bool no_memory;
	struct page_failure *failures;
	size_t failure_count, failure_room;
	unsigned failures_left_out;				     /* results */
	unsigned failed[PAGE_CLASS_COUNT], warned[PAGE_CLASS_COUNT]; /* results */
	size_t details;						     /* bytes */
	struct page_note *notes;
	size_t note_count, note_room;
	unsigned notes_left_out;
	struct page_statement *statements; /* of clause_table */
	struct page_device devices[SUITE_TARGETS_MAX];
	unsigned device_count;
	const char *against; /* the file of `old`; NULL: none */
	struct page_results now, old;
};

/* Room for one more: the list, or NULL and page->no_memory is set. */
void *page_grow(struct page *page, void *list, size_t count, size_t *room, size_t size);
char *page_copy(struct page *page, const char *text);

/* By what it failed. */
enum page_class page_class_of(const struct suite_result *result);
const char *page_signature_of(const struct suite_result *result);
/* ... of any run of it; `none`: it did not fail. */
const char *page_signature(const struct child_result *child, const struct child_job *job,
			   const char *none);
/* "must", say. */
const char *page_class_name(enum page_class class);

/* Keep a failed result: its failure is page->failures[N - 1]; 0: it is only counted. */
unsigned page_keep_failure(struct page *page, const struct suite_result *result,
			   const char *source);
/* What it did, in text that the caller frees; NULL if there is none.  In `*ended`, which may
 * be NULL, the signature by which it failed this time. */
char *page_trace(const struct suite_result *result, char *ended, size_t size);

/* Note what a result says of the statements that its script cites, and of those behind the
 * rules that it broke; `failure` as page_keep_failure has it. */
void page_note_statements(struct page *page, const struct suite_result *result, unsigned failure);
/* The key of the area that a clause is of: "net", say; "" if it is of none. */
const char *page_area_of(const char *clause);
/* Is it a statement, not a section? */
bool page_is_statement(const struct clause *clause);
/* Is it one that devices must keep? */
bool page_is_of_device(const struct clause *clause);

/* A rule that stands for the statement and was broken, or that was met: -1 if there is none. */
int page_judging_rule(const struct suite *suite, const struct clause *clause, bool broken);
enum page_state page_state_of(const struct page *page, const struct suite *suite,
			      const struct clause *clause);
/* Is vringer's own transport what keeps it, for all devices of the run? */
bool page_is_of_our_transport(const struct page *page, const struct clause *clause);
/* ... newer than all of them?  Then it is not held against any. */
bool page_is_newer(const struct page *page, const struct clause *clause);
/* Was a rule broken that stands for a whole section, not for a statement? */
bool page_breaks_section(const struct suite *suite, int rule);

/* Add a result to a list: for comparing. */
void page_note_result(struct page *page, const struct suite_result *result);

/* Parts of the page. */
void page_print_comparison(FILE *out, struct page *page);
void page_print_failures(FILE *out, const struct page *page);
void page_print_notes(FILE *out, const struct page *page);
void page_print_areas(FILE *out, const struct page *page, const struct suite *suite);
/* ... of one of those the rows. */
void page_print_statements(FILE *out, const struct page *page, const struct suite *suite,
			   const char *area);

/* Text that is escaped, and a number with what it counts: "1 failure", "2 failures". */
void page_text(FILE *out, const char *text);
void page_counted(FILE *out, unsigned count, const char *noun);
/* Begin a table, or lines of text, that can be wider than the page: whoever has no mouse can
 * move to it and scroll.  It ends by "</table></div>", or "</pre>". */
void page_open_table(FILE *out, const char *label, const char *class);
void page_open_lines(FILE *out, const char *label);
/* Lines of text, without what differs from run to run: addresses of this machine and
 * numbers of processes. */
void page_scrubbed(FILE *out, const char *text, unsigned lines);

/* page.css and page.js, and the hash of the latter (Content Security Policy, "sha256-..."). */
extern const char page_style[], page_script[], page_script_hash[];

#endif
