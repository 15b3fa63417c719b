-- SPDX-License-Identifier: Apache-2.0
-- compatible: 16
-- Nothing: the place of a migration that another change brings.
SELECT;
