-- SPDX-License-Identifier: Apache-2.0
-- Queries about descriptors: entries of the submodel registry are found by the keys of their semanticId, too.

INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)
	SELECT s.key, 4, 7, twinshell.key_of(f.name || E'\n' || f.value), f.name, f.value, s.id
	FROM twinshell.submodel_descriptor s, LATERAL (
		SELECT '0' AS name, v #>> '{}' AS value FROM jsonb_path_query(s.doc::jsonb, '$.semanticId.keys[0].value') v
		UNION SELECT 'n', v #>> '{}' FROM jsonb_path_query(s.doc::jsonb, '$.semanticId.keys[1 to last].value') v
	) f;
