-- SPDX-License-Identifier: Apache-2.0
-- What elements are found by are columns of their own, which a value write leaves as they are.
--
-- An update of columns that no index has is written the short way (HOT): no entry in any index of the table.  So a batch of value writes leaves
-- found_key and found_num as they are, and says in element_behind where they are old; whoever searches looks at those rows one by one.  Where there
-- is time they are brought up to date, and the row goes.  Both are done by who holds the row of the submodel.  Programs that do not know this would
-- not find what they write, so they must not go on.

ALTER TABLE twinshell.element
	ADD COLUMN found_key bigint GENERATED ALWAYS AS (twinshell.key_of(value)) STORED,
	ADD COLUMN found_num double precision GENERATED ALWAYS AS (twinshell.number_of(class, value_group, num, value)) STORED,
	ADD COLUMN behind boolean NOT NULL DEFAULT false;
ALTER TABLE twinshell.element ALTER COLUMN found_key DROP EXPRESSION, ALTER COLUMN found_num DROP EXPRESSION;
COMMENT ON COLUMN twinshell.element.found_key IS 'twinshell.key_of(value), or of a value before it: see twinshell.element_behind.';
COMMENT ON COLUMN twinshell.element.found_num IS 'twinshell.number_of this element, or as it was before: see twinshell.element_behind.';
COMMENT ON COLUMN twinshell.element.behind IS 'It has a row in twinshell.element_behind.';

DROP INDEX twinshell.element_value;
CREATE INDEX element_value ON twinshell.element (found_key) WHERE found_key IS NOT NULL;
COMMENT ON INDEX twinshell.element_value IS 'Elements by their value as text.';
DROP INDEX twinshell.element_number;
CREATE INDEX element_number ON twinshell.element (twinshell.key_of(twinshell.name_of(path)), twinshell.depth_of(path), found_num) WHERE found_num IS NOT NULL;
COMMENT ON INDEX twinshell.element_number IS 'Elements by the last idShort of their path, how deep they lie, and their number.';

-- Few rows, that soon go again: without an index their place is free at once.
CREATE TABLE twinshell.element_behind (
	submodel  bigint NOT NULL,
	path_key  bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0,
	autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0,
	autovacuum_analyze_threshold = 100000);
COMMENT ON TABLE twinshell.element_behind IS 'Elements whose found_key and found_num may be older than their value; the same one may come twice.';
COMMENT ON COLUMN twinshell.element_behind.submodel IS 'As in twinshell.element.';
COMMENT ON COLUMN twinshell.element_behind.path_key IS 'As in twinshell.element.';
