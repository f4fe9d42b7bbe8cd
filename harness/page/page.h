/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The results of many scripts as one page of HTML, for who must decide whether a device is
 * good: the verdict first, each failure with what led to it, then by area of VIRTIO which
 * statements were judged and which were not, and why.
 *
 * It is one file that needs nothing else, and can be read without its script.  It has no
 * time, and no address of this machine: the same results give the same bytes.  Whatever came
 * from a device or from a script is escaped.  How much is shown is bounded, and where
 * something is left out the page says so.
 */
#ifndef VRINGER_HARNESS_PAGE_H
#define VRINGER_HARNESS_PAGE_H

#include "harness/run/suite.h"

struct page;

/* 0 or -ENOMEM. */
int page_open(struct page **page);
/* Compare with the results in a file of `run --json`: 0, or -EINVAL after one line on
 * stderr. */
int page_compare(struct page *page, const char *path);
/* A result, and the text of its script.  A script that fails runs once more, for a trace. */
void page_add(struct page *page, const struct suite_result *result, const char *source);
/* Write the page of all results, which the suite has counted: 0, or negative errno after
 * one line on stderr. */
int page_write(struct page *page, const struct suite *suite, const char *path);
void page_close(struct page *page);

#endif
