/* SPDX-License-Identifier: Apache-2.0
 * What anybody may send to the virtual asset: a first byte that chooses the operation, then the payload.
 */
#include "examples/pump_station/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const operation[] = { "Start", "Stop", "SetSpeed", "Write", "" };
	struct station s;
	struct control c;
	struct buf answer = BUF_INIT;
	char why[200];
	if (!n)
		return 0;
	station_init(&s, 1, 12);
	control_init(&c, &s, true);
	control_command(&c, 0, operation[p[0] % 5], (const char *)p + 1, n - 1, 0, &answer);
	control_knobs(&c, 1, (const char *)p + 1, n - 1, why, sizeof why);
	buf_fini(&answer);
	return 0;
}
