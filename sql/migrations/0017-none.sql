-- SPDX-License-Identifier: Apache-2.0
-- compatible: 14
-- Nothing: the number belongs to another change.
SELECT;
