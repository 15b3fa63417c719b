/* SPDX-License-Identifier: Apache-2.0 - the suite on the store in memory. */
#include "tests/store/suite.h"

int main(void)
{
	suite_run(store_mem_new);
	return done();
}
