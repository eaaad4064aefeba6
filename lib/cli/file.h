/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_CLI_FILE_H
#define MCR_CLI_FILE_H

#include "base/err.h"
#include "cli/syntax.h"

/*
 * Read a configuration file through the same table. Every wrong line is an error with file:line and
 * caret; only add and set lines are allowed; two lines with one key in one file are an error. Calls
 * `line` for each good one. The name in messages is the file's last component. 0, -EINVAL (errors
 * appended), or -errno of open (error appended).
 */
int mcr_file_read(struct mcr_syntax *sx, const char *path,
	void (*line)(void *arg, const struct mcr_args *a, const char *file, unsigned line_no),
	void *arg, struct mcr_errs *errs);

#endif
