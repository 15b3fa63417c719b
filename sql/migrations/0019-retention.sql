-- SPDX-License-Identifier: Apache-2.0
-- compatible: 18
-- How long things are kept: what the operator says, and what policies ask for (IDTA 02056-1-0, Data Retention Policies).
--
-- A policy says how long elements of some meaning must be kept at least, so it never shortens anything: it holds the partitions that have data of
-- such elements.  Nothing is deleted row by row for it.  History is told by what later changes found, so a month of history that is held
-- holds all later ones.  What a policy is about is noted when it is seen, because history is kept of what is gone, too.

CREATE TABLE twinshell.retention_state (
	single        boolean PRIMARY KEY DEFAULT true CHECK (single),
	read_at       timestamptz NOT NULL DEFAULT '-infinity',
	digest        text,
	history_days  integer NOT NULL DEFAULT 0,
	samples_days  integer NOT NULL DEFAULT 0,
	rollups_days  integer NOT NULL DEFAULT 0
);
INSERT INTO twinshell.retention_state DEFAULT VALUES;
COMMENT ON TABLE twinshell.retention_state IS 'When policies were read, and what the server was told: one row, which is the lock of who reads them.';
COMMENT ON COLUMN twinshell.retention_state.single IS 'There is one row.';
COMMENT ON COLUMN twinshell.retention_state.read_at IS 'When the policies were read.';
COMMENT ON COLUMN twinshell.retention_state.digest IS 'Of what they were then.';
COMMENT ON COLUMN twinshell.retention_state.history_days IS 'The option history_keep_days; 0: for ever.';
COMMENT ON COLUMN twinshell.retention_state.samples_days IS 'The option samples_keep_days; 0: for ever.';
COMMENT ON COLUMN twinshell.retention_state.rollups_days IS 'The option rollups_keep_days; 0: for ever.';

CREATE TABLE twinshell.retention_source (
	submodel     bigint PRIMARY KEY,
	submodel_id  text COLLATE "C" NOT NULL,
	inherits     text COLLATE "C"
);
COMMENT ON TABLE twinshell.retention_source IS 'Submodels that hold policies.';
COMMENT ON COLUMN twinshell.retention_source.submodel IS 'Key of the submodel.';
COMMENT ON COLUMN twinshell.retention_source.submodel_id IS 'Its id.';
COMMENT ON COLUMN twinshell.retention_source.inherits IS 'InheritedFrom: the submodel whose policies hold here, too.';

CREATE TABLE twinshell.retention_policy (
	submodel         bigint NOT NULL,
	path             text COLLATE "C" NOT NULL,
	submodel_id      text COLLATE "C" NOT NULL,
	asked            text,
	keep             interval,
	semantic_ids     text[] COLLATE "C" NOT NULL,
	effective_from   timestamptz,
	effective_until  timestamptz,
	immutable        boolean NOT NULL,
	overrides_id     text COLLATE "C",
	overrides_path   text COLLATE "C",
	PRIMARY KEY (submodel, path)
);
COMMENT ON TABLE twinshell.retention_policy IS 'Policies as they were read last.';
COMMENT ON COLUMN twinshell.retention_policy.submodel IS 'Key of the submodel that it stands in.';
COMMENT ON COLUMN twinshell.retention_policy.path IS 'Where it stands there.';
COMMENT ON COLUMN twinshell.retention_policy.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN twinshell.retention_policy.asked IS 'RetentionTime as it stands there.';
COMMENT ON COLUMN twinshell.retention_policy.keep IS 'The same; absent when it is no positive xs:duration: then the policy is without effect.';
COMMENT ON COLUMN twinshell.retention_policy.semantic_ids IS 'SemanticIds: what it is about.';
COMMENT ON COLUMN twinshell.retention_policy.effective_from IS 'EffectiveFrom.';
COMMENT ON COLUMN twinshell.retention_policy.effective_until IS 'EffectiveUntil.';
COMMENT ON COLUMN twinshell.retention_policy.immutable IS 'Immutable: nothing overrides it.';
COMMENT ON COLUMN twinshell.retention_policy.overrides_id IS 'Overrides: the submodel of the policy in whose place it stands.';
COMMENT ON COLUMN twinshell.retention_policy.overrides_path IS 'Overrides: the path of that policy.';

CREATE TABLE twinshell.retention_subject (
	submodel     bigint NOT NULL,
	path         text COLLATE "C" NOT NULL,
	semantic_id  text COLLATE "C" NOT NULL,
	holder       bigint NOT NULL,
	policy       bigint NOT NULL,
	policy_path  text COLLATE "C" NOT NULL
);
CREATE INDEX retention_subject_all ON twinshell.retention_subject (submodel, holder, policy, twinshell.key_of(semantic_id));
COMMENT ON TABLE twinshell.retention_subject IS 'What policies were found to be about. It stays as long as the policy does, because history of it may be there.';
COMMENT ON COLUMN twinshell.retention_subject.submodel IS 'Key of a submodel.';
COMMENT ON COLUMN twinshell.retention_subject.path IS 'Element of it; empty: all of it.';
COMMENT ON COLUMN twinshell.retention_subject.semantic_id IS 'By which it was found.';
COMMENT ON COLUMN twinshell.retention_subject.holder IS 'Key of the submodel of policies that stands beside it.';
COMMENT ON COLUMN twinshell.retention_subject.policy IS 'Key of the submodel that the policy stands in: the holder, or one that it inherits from.';
COMMENT ON COLUMN twinshell.retention_subject.policy_path IS 'Path of the policy there.';

CREATE TABLE twinshell.retention_hold (
	relation     text COLLATE "C" PRIMARY KEY,
	held_until   timestamptz NOT NULL,
	policy       bigint NOT NULL,
	policy_id    text COLLATE "C" NOT NULL,
	policy_path  text COLLATE "C" NOT NULL,
	noted_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE twinshell.retention_hold IS 'Partitions that are older than the operator wants, and are kept for a policy.';
COMMENT ON COLUMN twinshell.retention_hold.relation IS 'Partition; of history the first one.';
COMMENT ON COLUMN twinshell.retention_hold.held_until IS 'When the policy lets go of it: the end of the partition and the time that it asks for.';
COMMENT ON COLUMN twinshell.retention_hold.policy IS 'Key of the submodel of the policy that asks for the longest.';
COMMENT ON COLUMN twinshell.retention_hold.policy_id IS 'Its id.';
COMMENT ON COLUMN twinshell.retention_hold.policy_path IS 'Path of the policy there.';
COMMENT ON COLUMN twinshell.retention_hold.noted_at IS 'When this was found.';

-- -- reading policies -------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION twinshell.keep_time(asked text) RETURNS interval LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF asked !~ '^P(\d{1,6}Y)?(\d{1,6}M)?(\d{1,6}D)?(T(\d{1,6}H)?(\d{1,6}M)?(\d{1,9}(\.\d+)?S)?)?$' OR asked ~ '[PT]$' THEN
		RETURN NULL;
	END IF;
	RETURN CASE WHEN asked::interval > interval '0' THEN least(asked::interval, interval '10000 years') END;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END $$;
COMMENT ON FUNCTION twinshell.keep_time(text) IS 'A positive xs:duration, 10000 years at most; NULL when it is none.';
CREATE FUNCTION twinshell.keep_moment(asked text) RETURNS timestamptz LANGUAGE plpgsql STABLE SET timezone = 'UTC' AS $$
BEGIN
	RETURN CASE WHEN asked ~ '^\d{4}-\d\d-\d\dT' THEN asked::timestamptz END;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END $$;
COMMENT ON FUNCTION twinshell.keep_moment(text) IS 'An xs:dateTime, without a zone in UTC; NULL when it is none.';
CREATE FUNCTION twinshell.keep_means(e jsonb, name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(e #>> '{semanticId,keys,0,value}' = 'https://admin-shell.io/idta/DataRetentionPolicies/' || name || '/1/0', false) OR coalesce(e->>'idShort' = name, false) $$;
COMMENT ON FUNCTION twinshell.keep_means(jsonb, text) IS 'Is it that element of the template?';
-- A value that was written on its own stands in the element's row, and may be newer than the document.
CREATE FUNCTION twinshell.keep_value(of_submodel bigint, below text, members jsonb, name text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT e.value FROM jsonb_array_elements(CASE jsonb_typeof(members) WHEN 'array' THEN members ELSE '[]' END) AS m
	JOIN twinshell.element e ON e.submodel = of_submodel AND e.path_key = hashtextextended(below || '.' || (m->>'idShort'), 0) AND e.path = below || '.' || (m->>'idShort')
	WHERE twinshell.keep_means(m, name) LIMIT 1 $$;
COMMENT ON FUNCTION twinshell.keep_value(bigint, text, jsonb, text) IS 'The value of that Property of a policy.';

CREATE VIEW twinshell.retention_read AS
	SELECT s.key AS submodel, concat_ws('.', c->>'idShort', p->>'idShort') AS path, s.id AS submodel_id, p->'value' AS members,
		ARRAY(SELECT i #>> '{value,keys,0,value}' FROM jsonb_array_elements(p->'value') AS m, jsonb_array_elements(m->'value') AS i
			WHERE twinshell.keep_means(m, 'SemanticIds') AND m->>'modelType' = 'SubmodelElementList' AND i #>> '{value,keys,0,value}' IS NOT NULL) AS semantic_ids,
		(SELECT m #> '{second,keys}' FROM jsonb_array_elements(p->'value') AS m WHERE twinshell.keep_means(m, 'Overrides') LIMIT 1) AS overrides
	FROM twinshell.retention_source r JOIN twinshell.submodel s ON s.key = r.submodel,
		jsonb_array_elements(s.doc::jsonb->'submodelElements') AS c, jsonb_array_elements(c->'value') AS p
	WHERE twinshell.keep_means(c, 'Policies') AND c->>'modelType' = 'SubmodelElementCollection' AND jsonb_typeof(p->'value') = 'array'
		AND p->>'modelType' = 'SubmodelElementCollection';
COMMENT ON VIEW twinshell.retention_read IS 'Policies as they stand in the documents.';
COMMENT ON COLUMN twinshell.retention_read.submodel IS 'Key of the submodel.';
COMMENT ON COLUMN twinshell.retention_read.path IS 'Path of the policy.';
COMMENT ON COLUMN twinshell.retention_read.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN twinshell.retention_read.members IS 'Elements of the policy.';
COMMENT ON COLUMN twinshell.retention_read.semantic_ids IS 'What it is about.';
COMMENT ON COLUMN twinshell.retention_read.overrides IS 'Keys of the policy in whose place it stands.';

-- Which hold for whom: those of a submodel and of the ones that it inherits from, but for those in whose place a nearer one stands.
CREATE VIEW twinshell.retention_in_force AS
	WITH RECURSIVE chain AS (
		SELECT s.submodel AS holder, s.submodel AS source, 0 AS depth FROM twinshell.retention_source s
		UNION ALL SELECT c.holder, n.submodel, c.depth + 1 FROM chain c JOIN twinshell.retention_source s ON s.submodel = c.source
			JOIN twinshell.retention_source n ON n.submodel_id = s.inherits WHERE c.depth < 16),
	link AS (SELECT holder, source, min(depth) AS depth FROM chain GROUP BY holder, source),
	now AS (SELECT p.* FROM twinshell.retention_policy p WHERE p.keep IS NOT NULL
		AND coalesce(p.effective_from <= clock_timestamp(), true) AND coalesce(p.effective_until > clock_timestamp(), true))
	SELECT l.holder, p.submodel, p.path, p.submodel_id, p.keep, p.semantic_ids FROM link l JOIN now p ON p.submodel = l.source
	WHERE p.immutable OR NOT EXISTS (SELECT FROM link m JOIN now q ON q.submodel = m.source WHERE m.holder = l.holder AND m.depth <= l.depth
		AND q.overrides_id = p.submodel_id AND q.overrides_path = p.path AND (q.submodel, q.path) <> (p.submodel, p.path)
		AND (p.overrides_id, p.overrides_path) IS DISTINCT FROM (q.submodel_id, q.path));
COMMENT ON VIEW twinshell.retention_in_force IS 'Policies that are in force, for each submodel of policies that they hold for.';
COMMENT ON COLUMN twinshell.retention_in_force.holder IS 'Key of the submodel that has or inherits it.';
COMMENT ON COLUMN twinshell.retention_in_force.submodel IS 'Key of the submodel that it stands in.';
COMMENT ON COLUMN twinshell.retention_in_force.path IS 'Its path there.';
COMMENT ON COLUMN twinshell.retention_in_force.submodel_id IS 'Id of that submodel.';
COMMENT ON COLUMN twinshell.retention_in_force.keep IS 'How long.';
COMMENT ON COLUMN twinshell.retention_in_force.semantic_ids IS 'What.';

-- Beside the holder: the submodels of the shells that refer to it.  When no shell does, all submodels.
CREATE FUNCTION twinshell.retention_beside(of_holder bigint, of_submodel bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT NOT EXISTS (SELECT FROM twinshell.lookup a WHERE a.kind = 0 AND a.field = 6 AND twinshell.key_of(a.value) = of_holder)
		OR EXISTS (SELECT FROM twinshell.lookup b JOIN twinshell.lookup a ON a.key = b.key AND a.kind = 0 AND a.field = 6 AND twinshell.key_of(a.value) = of_holder
			WHERE b.kind = 0 AND b.field = 6 AND twinshell.key_of(b.value) = of_submodel) $$;
COMMENT ON FUNCTION twinshell.retention_beside(bigint, bigint) IS 'Do policies of the one hold for the other submodel?';

CREATE FUNCTION twinshell.note_subjects(deleted_since timestamptz) RETURNS void LANGUAGE sql AS $$
	INSERT INTO twinshell.retention_subject (submodel, path, semantic_id, holder, policy, policy_path)
	SELECT DISTINCT x.submodel, x.path, x.semantic_id, x.holder, x.policy, x.policy_path FROM (
		SELECT l.key AS submodel, '' AS path, i.id AS semantic_id, f.holder, f.submodel AS policy, f.path AS policy_path
			FROM twinshell.retention_in_force f CROSS JOIN unnest(f.semantic_ids) AS i(id)
			CROSS JOIN (VALUES (7, '0'), (10, '')) AS w(field, name)
			JOIN twinshell.lookup l ON l.kind = 1 AND l.field = w.field AND l.hash = twinshell.key_of(w.name || E'\n' || i.id) AND l.name = w.name AND l.value = i.id
			WHERE twinshell.retention_beside(f.holder, l.key)
		UNION ALL SELECT e.submodel, e.path, i.id, f.holder, f.submodel, f.path
			FROM twinshell.retention_in_force f CROSS JOIN unnest(f.semantic_ids) AS i(id) JOIN twinshell.element e ON e.semantic = twinshell.key_of(i.id)
			WHERE twinshell.retention_beside(f.holder, e.submodel)
		UNION ALL SELECT h.key, '', i.id, f.holder, f.submodel, f.path
			FROM twinshell.retention_in_force f CROSS JOIN unnest(f.semantic_ids) AS i(id)
			JOIN twinshell.history h ON h.kind = 1 AND h.operation = 'delete' AND h.recorded_at > deleted_since AND position('"value":' || to_json(i.id)::text IN h.document) > 0) AS x
	WHERE NOT EXISTS (SELECT FROM twinshell.retention_subject s WHERE s.submodel = x.submodel AND s.path = x.path AND s.semantic_id = x.semantic_id
		AND s.holder = x.holder AND s.policy = x.policy AND s.policy_path = x.policy_path) $$;
COMMENT ON FUNCTION twinshell.note_subjects(timestamptz) IS 'Notes what policies are about, and what was deleted since then that they may have been about, whoever referred to it.';

CREATE FUNCTION twinshell.read_policies(max_age interval) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	state twinshell.retention_state;
	now_digest text;
BEGIN
	SELECT * INTO state FROM twinshell.retention_state FOR UPDATE;
	IF state.read_at > clock_timestamp() - max_age THEN
		RETURN false;
	END IF;
	DELETE FROM twinshell.retention_source;
	INSERT INTO twinshell.retention_source (submodel, submodel_id, inherits)
		SELECT s.key, s.id, (SELECT i #>> '{value,keys,0,value}' FROM jsonb_array_elements(s.doc::jsonb->'submodelElements') AS i WHERE twinshell.keep_means(i, 'InheritedFrom') LIMIT 1)
		FROM twinshell.lookup l JOIN twinshell.submodel s ON s.key = l.key AND s.id = l.id
		WHERE l.kind = 1 AND l.field = 7 AND l.hash = twinshell.key_of(E'0\n' || 'https://admin-shell.io/idta/DataRetentionPolicies/1/0') AND l.name = '0'
			AND l.value = 'https://admin-shell.io/idta/DataRetentionPolicies/1/0' AND s.modelling_kind IS DISTINCT FROM 'Template'
		ON CONFLICT DO NOTHING;
	DELETE FROM twinshell.retention_policy;
	INSERT INTO twinshell.retention_policy (submodel, path, submodel_id, asked, keep, semantic_ids, effective_from, effective_until, immutable, overrides_id, overrides_path)
		SELECT r.submodel, r.path, r.submodel_id, v.asked, twinshell.keep_time(v.asked), r.semantic_ids,
			twinshell.keep_moment(twinshell.keep_value(r.submodel, r.path, r.members, 'EffectiveFrom')),
			twinshell.keep_moment(twinshell.keep_value(r.submodel, r.path, r.members, 'EffectiveUntil')),
			coalesce(twinshell.keep_value(r.submodel, r.path, r.members, 'Immutable') IN ('true', '1'), false),
			r.overrides #>> '{0,value}', (SELECT string_agg(k->>'value', '.' ORDER BY n) FROM jsonb_array_elements(r.overrides) WITH ORDINALITY AS o(k, n) WHERE n > 1)
		FROM twinshell.retention_read r CROSS JOIN LATERAL (SELECT twinshell.keep_value(r.submodel, r.path, r.members, 'RetentionTime') AS asked) AS v
		ON CONFLICT DO NOTHING;
	SELECT md5(string_agg(p::text, E'\n' ORDER BY p.submodel, p.path)) INTO now_digest FROM twinshell.retention_policy p;
	DELETE FROM twinshell.retention_subject s WHERE NOT EXISTS (SELECT FROM twinshell.retention_in_force f
		WHERE f.holder = s.holder AND f.submodel = s.policy AND f.path = s.policy_path AND s.semantic_id = ANY (f.semantic_ids));
	DELETE FROM twinshell.retention_hold h WHERE NOT EXISTS (SELECT FROM twinshell.retention_in_force f WHERE f.submodel = h.policy AND f.path = h.policy_path);
	IF now_digest IS NOT NULL THEN
		PERFORM twinshell.note_subjects(CASE WHEN now_digest = state.digest THEN state.read_at - interval '1 hour' ELSE '-infinity' END);
	END IF;
	UPDATE twinshell.retention_state SET read_at = clock_timestamp(), digest = now_digest;
	RETURN true;
END $$;
COMMENT ON FUNCTION twinshell.read_policies(interval) IS 'Reads the policies, unless that was done not longer ago than this.';

CREATE FUNCTION twinshell.note_retention(history integer, samples integer, rollups integer) RETURNS void LANGUAGE sql AS $$
	UPDATE twinshell.retention_state SET history_days = history, samples_days = samples, rollups_days = rollups
		WHERE (history_days, samples_days, rollups_days) <> (history, samples, rollups) $$;
COMMENT ON FUNCTION twinshell.note_retention(integer, integer, integer) IS 'Notes what the server was told.';

-- -- what they hold ------------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION twinshell.retention_keeps(ends timestamptz) RETURNS TABLE (submodel bigint, path text, held_until timestamptz, policy bigint, policy_id text, policy_path text)
	LANGUAGE sql STABLE AS $$
	SELECT s.submodel, s.path, ends + f.keep, f.submodel, f.submodel_id, f.path FROM twinshell.retention_subject s
	JOIN twinshell.retention_in_force f ON f.holder = s.holder AND f.submodel = s.policy AND f.path = s.policy_path AND s.semantic_id = ANY (f.semantic_ids)
	WHERE ends + f.keep > clock_timestamp() $$;
COMMENT ON FUNCTION twinshell.retention_keeps(timestamptz) IS 'What must be kept yet of the data up to that time, until when, and which policy says so.';
CREATE FUNCTION twinshell.retention_series(ends timestamptz) RETURNS TABLE (series bigint, held_until timestamptz, policy bigint, policy_id text, policy_path text)
	LANGUAGE sql STABLE AS $$
	SELECT r.id, k.held_until, k.policy, k.policy_id, k.policy_path FROM twinshell.retention_keeps(ends) k JOIN twinshell.series r ON r.submodel = k.submodel
	WHERE k.path = '' OR r.path = k.path OR starts_with(r.path, k.path || '.') OR starts_with(r.path, k.path || '[') $$;
COMMENT ON FUNCTION twinshell.retention_series(timestamptz) IS 'The series among what must be kept yet of the data up to that time.';

CREATE OR REPLACE FUNCTION twinshell.cut_history(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	since timestamptz := date_trunc('month', before AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
	old text[];
	part text;
	last bigint;
	m0 timestamptz;
	m1 timestamptz;
BEGIN
	PERFORM FROM twinshell.feed_head FOR UPDATE;
	PERFORM twinshell.read_policies(interval '0');
	DELETE FROM twinshell.retention_hold WHERE starts_with(relation, 'history');
	FOR part IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'twinshell'::regnamespace AND c.relkind = 'r'
		AND c.relname ~ '^history_[0-9]{6}$' AND right(c.relname, 6) < to_char(since AT TIME ZONE 'UTC', 'YYYYMM') ORDER BY c.relname LOOP
		m0 := to_date(right(part, 6), 'YYYYMM')::timestamp AT TIME ZONE 'UTC';
		m1 := (to_date(right(part, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC';
		INSERT INTO twinshell.retention_hold (relation, held_until, policy, policy_id, policy_path)
			SELECT part, k.held_until, k.policy, k.policy_id, k.policy_path FROM twinshell.retention_keeps(m1) k
			WHERE EXISTS (SELECT FROM twinshell.history h WHERE h.key = k.submodel AND h.kind = 1 AND h.recorded_at >= m0 AND h.recorded_at < m1)
			ORDER BY k.held_until DESC, k.policy_id, k.policy_path LIMIT 1;
		IF FOUND THEN
			since := m0;
			EXIT;
		END IF;
	END LOOP;
	SELECT array_agg(c.relname::text) INTO old FROM pg_class c WHERE c.relnamespace = 'twinshell'::regnamespace AND c.relkind = 'r'
		AND c.relname ~ '^(history|feed)_[0-9]{6}$' AND right(c.relname, 6) < to_char(since AT TIME ZONE 'UTC', 'YYYYMM');
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
		IF starts_with(part, 'history') THEN
			EXECUTE format('UPDATE twinshell.content c SET refs = c.refs - g.n FROM (SELECT twinshell.file_hash(document) AS hash, count(*) AS n'
				' FROM twinshell.%I WHERE kind = 7 AND document IS NOT NULL GROUP BY 1) AS g WHERE c.hash = g.hash', part);
		END IF;
		EXECUTE format('DROP TABLE twinshell.%I', part);
	END LOOP;
	RETURN cardinality(old);
END $$;
COMMENT ON FUNCTION twinshell.cut_history(timestamptz) IS 'Drops the partitions of history and feed of the months before that of the given time, but for the first that a policy holds and all later ones: how many.';

CREATE OR REPLACE FUNCTION twinshell.stretch_drop(parent text, before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	s twinshell.stretch;
	p record;
	held boolean;
	n integer := 0;
BEGIN
	SELECT * INTO STRICT s FROM twinshell.stretch WHERE relation = parent;
	PERFORM twinshell.read_policies(interval '1 minute');
	DELETE FROM twinshell.retention_hold WHERE starts_with(relation, parent || '_');
	FOR p IN SELECT c.relname, (to_date(right(c.relname, 8), 'YYYYMMDD') + s.days)::timestamp AT TIME ZONE 'UTC' AS ends
		FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = format('twinshell.%I', parent)::regclass AND c.relname ~ '_[0-9]{8}$'
		AND to_date(right(c.relname, 8), 'YYYYMMDD') + s.days <= before LOOP
		EXECUTE format('INSERT INTO twinshell.retention_hold (relation, held_until, policy, policy_id, policy_path)'
			' SELECT $1, k.held_until, k.policy, k.policy_id, k.policy_path FROM twinshell.retention_series($2) k'
			' WHERE EXISTS (SELECT FROM twinshell.%I x WHERE x.series = k.series) ORDER BY k.held_until DESC, k.policy_id, k.policy_path LIMIT 1', p.relname) USING p.relname, p.ends;
		GET DIAGNOSTICS held = ROW_COUNT;
		IF NOT held THEN
			EXECUTE format('DROP TABLE twinshell.%I', p.relname);
			n := n + 1;
		END IF;
	END LOOP;
	EXECUTE format('DELETE FROM twinshell.%I WHERE %I < %L AND series NOT IN (SELECT k.series FROM twinshell.retention_series(%L) k)', parent || '_default', s.key,
		to_char(before, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(before, 'YYYY-MM-DD') || ' 00:00:00+00');
	RETURN n;
END $$;
COMMENT ON FUNCTION twinshell.stretch_drop(text, date) IS 'Drops the partitions that end before a day and have no data that a policy asks to be kept; how many.';

-- -- reports --------------------------------------------------------------------------------------------------------------------------------
CREATE VIEW report.retention_policy AS
	SELECT p.submodel_id, p.path, p.asked AS retention_time, p.semantic_ids, p.effective_from, p.effective_until, p.immutable, f.n > 0 AS in_force,
		(SELECT count(DISTINCT s.submodel) FROM twinshell.retention_subject s WHERE s.policy = p.submodel AND s.policy_path = p.path) AS submodels,
		CASE WHEN p.keep IS NULL THEN 'RetentionTime is no positive xs:duration: without effect'
			WHEN coalesce(p.effective_from > clock_timestamp(), false) THEN 'not yet in force'
			WHEN coalesce(p.effective_until <= clock_timestamp(), false) THEN 'no longer in force'
			WHEN f.n = 0 THEN 'another policy stands in its place'
			WHEN st.history_days = 0 THEN 'history is kept for ever'
			WHEN p.keep < st.history_days * interval '1 day' THEN 'history is kept longer: ' || st.history_days || ' days, by whole months'
			ELSE 'holds months of history' END AS note
	FROM twinshell.retention_policy p CROSS JOIN twinshell.retention_state st
	CROSS JOIN LATERAL (SELECT count(*) AS n FROM twinshell.retention_in_force i WHERE i.submodel = p.submodel AND i.path = p.path) AS f;
COMMENT ON VIEW report.retention_policy IS 'Data retention policies (IDTA 02056-1-0) as the server understands them.';
COMMENT ON COLUMN report.retention_policy.submodel_id IS 'Id of the submodel that it stands in.';
COMMENT ON COLUMN report.retention_policy.path IS 'Where it stands there.';
COMMENT ON COLUMN report.retention_policy.retention_time IS 'RetentionTime.';
COMMENT ON COLUMN report.retention_policy.semantic_ids IS 'SemanticIds: what it is about.';
COMMENT ON COLUMN report.retention_policy.effective_from IS 'EffectiveFrom.';
COMMENT ON COLUMN report.retention_policy.effective_until IS 'EffectiveUntil.';
COMMENT ON COLUMN report.retention_policy.immutable IS 'Immutable.';
COMMENT ON COLUMN report.retention_policy.in_force IS 'Does it hold for anybody?';
COMMENT ON COLUMN report.retention_policy.submodels IS 'How many submodels have or had elements that it is about.';
COMMENT ON COLUMN report.retention_policy.note IS 'What comes of it for history.';

CREATE VIEW report.retention AS
	SELECT w.what, w.days AS default_days, h.relation AS held, h.held_until, h.policy_id, h.policy_path
	FROM twinshell.retention_hold h CROSS JOIN twinshell.retention_state st CROSS JOIN LATERAL (VALUES ('history', st.history_days, 'history_'),
		('samples', st.samples_days, 'chunk_'), ('rollups', st.rollups_days, 'rollup_')) AS w(what, days, prefix)
	WHERE starts_with(h.relation, w.prefix);
COMMENT ON VIEW report.retention IS 'What a policy holds beyond the time that the operator wants.';
COMMENT ON COLUMN report.retention.what IS 'history, samples or rollups.';
COMMENT ON COLUMN report.retention.default_days IS 'Days that the operator wants; 0: for ever.';
COMMENT ON COLUMN report.retention.held IS 'Partition that is held; of history it holds all later ones, too.';
COMMENT ON COLUMN report.retention.held_until IS 'Until when.';
COMMENT ON COLUMN report.retention.policy_id IS 'Submodel of the policy that holds it.';
COMMENT ON COLUMN report.retention.policy_path IS 'Path of the policy there.';

INSERT INTO twinshell.tenant_rule (relation, owner, key) VALUES ('retention_source', 'submodel', 'submodel'), ('retention_policy', 'submodel', 'submodel'),
	('retention_subject', 'submodel', 'policy'), ('retention_hold', 'submodel', 'policy');
SELECT twinshell.open_reports();
