/* SPDX-License-Identifier: Apache-2.0
 * memory.h - how much memory there is for this process.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdint.h>

/* Bytes: those of the machine, or fewer when a control group allows fewer; 0: nobody knows. */
uint64_t memory_there(void);
/* The least that the group of `own` (as in /proc/self/cgroup) and those above it allow; UINT64_MAX: there is no limit.  `root` is where control
 * groups are mounted. */
uint64_t memory_limit(const char *root, const char *own);

#endif
