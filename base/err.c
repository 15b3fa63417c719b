/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

const struct err_info err_info[N_ERRS] = {
#define E(name, status, type, text) [ERR_##name] = { #name, status, type, text },
#include "base/errors.def"
#undef E
};
