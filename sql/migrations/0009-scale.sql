-- SPDX-License-Identifier: Apache-2.0
-- compatible: 8
-- A hundred thousand submodels: from a submodel to the shells that refer to it, by its key.

CREATE INDEX lookup_submodel ON twinshell.lookup (twinshell.key_of(value)) WHERE kind = 0 AND field = 6;
COMMENT ON INDEX twinshell.lookup_submodel IS 'Shells by the key of a submodel that they refer to.';
