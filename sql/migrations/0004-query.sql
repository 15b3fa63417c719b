-- SPDX-License-Identifier: Apache-2.0
-- Queries: further facts, and indexes over element rows.
--
-- Whatever the query language asks that SQL can decide by an index is decided here; the rest is decided by looking at the documents that
-- are left.  So facts may say too much about a submodel, but never too little: those of submodels that are here already are taken from
-- their documents as a whole, and become exact when the submodel is next written.

CREATE FUNCTION twinshell.name_of(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$ SELECT substring($1 COLLATE "C" from '([^].[]+)(?:\[[0-9]+\])*$') $$;
COMMENT ON FUNCTION twinshell.name_of(text) IS 'Last idShort of an idShortPath, without the places in lists behind it.';

CREATE INDEX element_name ON twinshell.element (twinshell.key_of(twinshell.name_of(path)), submodel);
COMMENT ON INDEX twinshell.element_name IS 'Elements by the last idShort of their path: paths of queries may begin anywhere.';
CREATE INDEX element_value ON twinshell.element (twinshell.key_of(value)) WHERE value IS NOT NULL;
COMMENT ON INDEX twinshell.element_value IS 'Elements by their value as text.';
CREATE INDEX lookup_asset_value ON twinshell.lookup (twinshell.key_of(value)) WHERE field = 5;
COMMENT ON INDEX twinshell.lookup_asset_value IS 'Shells by the value of an asset id, whatever its name.';

COMMENT ON COLUMN twinshell.lookup.field IS '1 idShort, 2 semanticId or supplementalSemanticId, 3 isCaseOf, 4 dataSpecification, 5 asset id, 6 submodel that a shell refers to (first key), 7 key of the semanticId, 8 further key of a reference to a submodel, 9 idShort and 10 semanticId key of elements that rows do not tell, 11 text of a MultiLanguageProperty.';
COMMENT ON COLUMN twinshell.lookup.name IS 'Name of an asset id (globalAssetId for that one); of field 7 "0" for the first key and "n" for the others; empty for the other fields.';
COMMENT ON COLUMN twinshell.lookup.value IS 'The text that is compared; of a reference in fields 2, 3 and 4 "(Type)value" of every key, joined by U+001F.';

INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)
	SELECT s.key, 1, f.field, twinshell.key_of(f.name || E'\n' || f.value), f.name, f.value, s.id
	FROM twinshell.submodel s, LATERAL (
		SELECT 7 AS field, '0' AS name, v #>> '{}' AS value FROM jsonb_path_query(s.doc::jsonb, '$.semanticId.keys[0].value') v
		UNION SELECT 7, 'n', v #>> '{}' FROM jsonb_path_query(s.doc::jsonb, '$.semanticId.keys[1 to last].value') v
		UNION SELECT 9, '', v #>> '{}' FROM jsonb_path_query(s.doc::jsonb, '$.submodelElements.**.idShort') v
		UNION SELECT 10, '', v #>> '{}' FROM jsonb_path_query(s.doc::jsonb, '$.submodelElements.**.semanticId.keys[*].value') v
		UNION SELECT 11, '', v #>> '{}' FROM jsonb_path_query(s.doc::jsonb, '$.submodelElements.**.value[*] ? (exists(@.language)).text') v
	) f;
INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)
	SELECT s.key, 0, 8, twinshell.key_of(E'\n' || f.value), '', f.value, s.id
	FROM twinshell.shell s, LATERAL (
		SELECT DISTINCT v #>> '{}' AS value FROM jsonb_path_query(s.doc::jsonb, '$.submodels[*].keys[1 to last].value') v
	) f;
