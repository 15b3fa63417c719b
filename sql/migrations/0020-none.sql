-- SPDX-License-Identifier: Apache-2.0
-- compatible: 19
-- Nothing: the place of a migration that another change brings.
SELECT;
