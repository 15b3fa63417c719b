-- SPDX-License-Identifier: Apache-2.0
-- Rolling upgrades: a schema says which older programs can go on working with it.

ALTER TABLE twinshell.schema_migration ADD COLUMN compatible integer;
COMMENT ON COLUMN twinshell.schema_migration.compatible IS 'A program that knows the migrations up to this one works with this schema as well; absent: only those that know this one.';
