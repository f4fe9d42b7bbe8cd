/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "harness/page/page_internal.h"
void page_print_areas(FILE *out, const struct page *page, const struct suite *suite)
{
	(void)out;
	(void)page;
	(void)suite;
}
