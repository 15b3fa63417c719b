-- SPDX-License-Identifier: Apache-2.0
-- Lists of the past: who was there at some time, in the order of lists.

CREATE INDEX history_created ON twinshell.history (kind, "left"(id, 512)) WHERE operation = 'create';
