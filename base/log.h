/* SPDX-License-Identifier: Apache-2.0
 * log.h - one line per event on standard error.
 *
 * Any thread.  A line is written with one write(2), so lines never mix.  Never log bodies, tokens or query strings.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON, LOG_JOURNAL };

void log_setup(enum log_level most, enum log_format format);
/* `module` is a short static word: "http", "mqtt", "engine". */
void log_write(enum log_level, const char *module, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(module, ...) log_write(LOG_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...) log_write(LOG_WARN, module, __VA_ARGS__)
#define log_info(module, ...) log_write(LOG_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_write(LOG_DEBUG, module, __VA_ARGS__)

#endif
