-- SPDX-License-Identifier: Apache-2.0
-- Nothing: a number that another change has.
SELECT 1;
