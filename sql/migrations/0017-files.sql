-- SPDX-License-Identifier: Apache-2.0
-- Files and packages have a past: what they were goes into history as all other changes do, and so into the feed and its chain of hashes.
--
-- A row of history that tells what a file was counts as one that names its content: the count moves from the name to the row, and goes
-- down when the month of the row is dropped.  So the bytes are kept for as long as history refers to them.
-- Programs before this one know no such rows of the feed: they have to be stopped first.

ALTER TABLE twinshell.blob ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE twinshell.package ADD COLUMN version bigint NOT NULL DEFAULT 1;
COMMENT ON COLUMN twinshell.blob.version IS 'Grows with every change; goes on where it stopped when a deleted name is used again.';
COMMENT ON COLUMN twinshell.package.version IS 'Grows with every change; goes on where it stopped when a deleted id is used again.';
COMMENT ON COLUMN twinshell.content.refs IS 'How many rows of twinshell.blob name it, and rows of twinshell.history that tell what a file was.  0: it goes, or is still being read.';
COMMENT ON COLUMN twinshell.history.kind IS '0 shell, 1 submodel, 2 concept description, 3 shell descriptor, 4 submodel descriptor, 5 asset links, 6 package, 7 file.';
COMMENT ON COLUMN twinshell.history.document IS 'The whole document before the change, of a file its type, name, size and SHA-256; absent for create and value.';

CREATE FUNCTION twinshell.package_document(p twinshell.package) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT json_build_object('packageId', p.id, 'fileName', p.file_name, 'size', p.size, 'aasIds', p.aas_ids)::text $$;
COMMENT ON FUNCTION twinshell.package_document(twinshell.package) IS 'What history says of a package.';
CREATE FUNCTION twinshell.file_document(b twinshell.blob) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT json_build_object('contentType', b.content_type, 'fileName', b.file_name, 'size', (SELECT c.size FROM twinshell.content c WHERE c.hash = b.hash),
		'sha256', encode(b.hash, 'hex'))::text $$;
COMMENT ON FUNCTION twinshell.file_document(twinshell.blob) IS 'What history says of a file.';
CREATE FUNCTION twinshell.file_hash(document text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT decode(substring(document FROM '"sha256" : "([0-9a-f]{64})"\}$'), 'hex') $$;
COMMENT ON FUNCTION twinshell.file_hash(text) IS 'The SHA-256 in what history says of a file.';

CREATE FUNCTION twinshell.next_version(of_key bigint, of_kind smallint) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT 1 + greatest((SELECT max(version) FROM twinshell.history WHERE key = of_key AND kind = of_kind),
		(SELECT version FROM twinshell.deleted_version WHERE key = of_key AND kind = of_kind), 0) $$;
COMMENT ON FUNCTION twinshell.next_version(bigint, smallint) IS 'The version of what is made anew.';

-- What is here already was not written down when it came.
WITH h AS (
	INSERT INTO twinshell.history (key, kind, version, operation, valid_at, actor, id)
		SELECT twinshell.key_of(id), 6, 1, 'create', updated_at, 'migration', id FROM twinshell.package
		UNION ALL SELECT key, 7, 1, 'create', updated_at, 'migration', name FROM twinshell.blob
		RETURNING recorded_at, key, kind, version)
INSERT INTO twinshell.outbox (recorded_at, key, kind, version) SELECT recorded_at, key, kind, version FROM h;

-- As before, and the contents that only the dropped months referred to count down; who drops them afterwards is the server.
CREATE OR REPLACE FUNCTION twinshell.cut_history(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	since timestamptz := date_trunc('month', before AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
	month text := to_char(since AT TIME ZONE 'UTC', 'YYYYMM');
	old text[];
	part text;
	last bigint;
BEGIN
	PERFORM FROM twinshell.feed_head FOR UPDATE;
	SELECT array_agg(c.relname::text) INTO old FROM pg_class c WHERE c.relnamespace = 'twinshell'::regnamespace AND c.relkind = 'r'
		AND c.relname ~ '^(history|feed)_[0-9]{6}$' AND right(c.relname, 6) < month;
	IF old IS NULL OR EXISTS (SELECT FROM twinshell.outbox o WHERE o.recorded_at < since) THEN
		RETURN 0;
	END IF;
	SELECT max(f.position) INTO last FROM twinshell.feed f WHERE f.recorded_at < since OR f.sequenced_at < since;
	INSERT INTO twinshell.feed_cut AS c (position, hash, kept_since)
		SELECT coalesce(last, 0), coalesce((SELECT f.hash FROM twinshell.feed f WHERE f.position = last), '\x'), since
		ON CONFLICT (single) DO UPDATE SET kept_since = greatest(c.kept_since, excluded.kept_since), cut_at = clock_timestamp(),
			position = greatest(c.position, excluded.position),
			hash = CASE WHEN excluded.position > c.position THEN excluded.hash ELSE c.hash END;
	INSERT INTO twinshell.deleted_version AS d (key, kind, version)
		SELECT h.key, h.kind, max(h.version) FROM twinshell.history h WHERE h.operation = 'delete' AND h.recorded_at < since GROUP BY h.key, h.kind
		ON CONFLICT (key, kind) DO UPDATE SET version = greatest(d.version, excluded.version);
	FOREACH part IN ARRAY old LOOP
		IF part LIKE 'history%' THEN
			EXECUTE format('UPDATE twinshell.content c SET refs = c.refs - g.n FROM (SELECT twinshell.file_hash(document) AS hash, count(*) AS n'
				' FROM twinshell.%I WHERE kind = 7 AND document IS NOT NULL GROUP BY 1) AS g WHERE c.hash = g.hash', part);
		END IF;
		EXECUTE format('DROP TABLE twinshell.%I', part);
	END LOOP;
	RETURN cardinality(old);
END $$;

CREATE OR REPLACE VIEW report.history AS
	SELECT id, (ARRAY['shell', 'submodel', 'concept description', 'shell descriptor', 'submodel descriptor', 'asset links', 'package', 'file'])[kind + 1] AS kind,
		version, operation, recorded_at, coalesce(valid_at, recorded_at) AS valid_at, actor, paths, before_values, document AS before_document,
		after_values, element, element_operation, request
	FROM twinshell.history;
COMMENT ON VIEW report.history IS 'Every change of what is kept here, with what was there before.';
COMMENT ON COLUMN report.history.kind IS 'shell, submodel, concept description, shell descriptor, submodel descriptor, asset links, package or file.';
COMMENT ON COLUMN report.history.actor IS 'Who made it: user:NAME, as a trusted proxy says it; else what was used and from which address, as rest:192.0.2.7 (docs/http.md has the words); import:plant, engine:ID, migration.';
CREATE OR REPLACE VIEW report.feed AS
	SELECT f.position, h.id, h.kind, h.version, h.operation, h.element, h.recorded_at, f.sequenced_at, f.hash
	FROM twinshell.feed f JOIN LATERAL (SELECT id, (ARRAY['shell', 'submodel', 'concept description', 'shell descriptor', 'submodel descriptor',
		'asset links', 'package', 'file'])[kind + 1] AS kind, version, operation, element, recorded_at FROM twinshell.history
		WHERE key = f.key AND kind = f.kind AND version = f.version AND recorded_at = f.recorded_at) AS h ON true;
SELECT twinshell.open_reports();
