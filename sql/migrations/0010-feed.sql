-- SPDX-License-Identifier: Apache-2.0
-- The feed of changes: every committed change once, in one order, in a chain of hashes.
--
-- Who writes a change puts its key into the outbox, in the same statement.  One process at a time gives positions to what lies there
-- (twinshell.sequence_changes): it holds the row of feed_head, so a position is never seen before a lower one.  History and feed are
-- partitioned by month, so that old months can be dropped whole.

ALTER TABLE twinshell.history RENAME TO history_old;
ALTER INDEX twinshell.history_pkey RENAME TO history_old_pkey;
ALTER TABLE twinshell.history_old DROP CONSTRAINT history_operation_check;
DROP INDEX twinshell.history_recorded;

CREATE TABLE twinshell.history (
	key                bigint NOT NULL,
	kind               smallint NOT NULL,
	version            bigint NOT NULL,
	operation          text NOT NULL CONSTRAINT history_operation_check CHECK (operation IN ('create', 'replace', 'delete', 'value')),
	recorded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
	valid_at           timestamptz,
	actor              text,
	request            text,
	id                 text COLLATE "C" NOT NULL,
	element            text COLLATE "C",
	element_operation  text CONSTRAINT history_element_operation_check CHECK (element_operation IN ('create', 'replace', 'delete', 'value')),
	document           text COMPRESSION lz4,
	paths              text[],
	before_values      text[] COMPRESSION lz4,
	after_values       text[] COMPRESSION lz4,
	PRIMARY KEY (key, kind, version, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX history_recorded ON twinshell.history USING brin (recorded_at) WITH (autosummarize = on);
CREATE INDEX history_document ON twinshell.history (key, kind, version) WHERE document IS NOT NULL;
COMMENT ON TABLE twinshell.history IS 'Every committed change, with what was there before; one partition per UTC month in which it was recorded.';
COMMENT ON COLUMN twinshell.history.key IS 'Key of the identifiable: distribution column.';
COMMENT ON COLUMN twinshell.history.kind IS '0 shell, 1 submodel, 2 concept description, 3 shell descriptor, 4 submodel descriptor, 5 asset links.';
COMMENT ON COLUMN twinshell.history.version IS 'Version that this change made.';
COMMENT ON COLUMN twinshell.history.operation IS 'create, replace, delete, or value (only values of Properties).';
COMMENT ON COLUMN twinshell.history.recorded_at IS 'When the change was written.';
COMMENT ON COLUMN twinshell.history.valid_at IS 'Since when it holds in the world, if that is known and differs.';
COMMENT ON COLUMN twinshell.history.actor IS 'Who made it, if that is known.';
COMMENT ON COLUMN twinshell.history.request IS 'Correlation id of the request that made it, if there was one.';
COMMENT ON COLUMN twinshell.history.id IS 'Id of the identifiable.';
COMMENT ON COLUMN twinshell.history.element IS 'operation replace: idShortPath of the only element that the change is about; absent: the whole.';
COMMENT ON COLUMN twinshell.history.element_operation IS 'What was done to that element: create, replace, delete or value.';
COMMENT ON COLUMN twinshell.history.document IS 'The whole document before the change; absent for create and value.';
COMMENT ON COLUMN twinshell.history.paths IS 'operation value: the elements that were written, in bytewise order.';
COMMENT ON COLUMN twinshell.history.before_values IS 'operation value: their values before, in the order of paths.';
COMMENT ON COLUMN twinshell.history.after_values IS 'operation value: their values since then; absent for changes that were recorded before it was kept.';
CREATE TABLE twinshell.history_default (LIKE twinshell.history INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMPRESSION INCLUDING COMMENTS);
ALTER TABLE twinshell.history ATTACH PARTITION twinshell.history_default DEFAULT;
COMMENT ON TABLE twinshell.history_default IS 'What has no partition of its month.';

CREATE TABLE twinshell.outbox (
	recorded_at  timestamptz NOT NULL,
	key          bigint NOT NULL,
	kind         smallint NOT NULL,
	version      bigint NOT NULL,
	PRIMARY KEY (key, kind, version)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0,
	autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0,
	autovacuum_analyze_threshold = 100000);
CREATE INDEX outbox_recorded ON twinshell.outbox (recorded_at);
COMMENT ON TABLE twinshell.outbox IS 'Changes that have no position in the feed yet: a queue, written in the transaction of the change.';
COMMENT ON COLUMN twinshell.outbox.recorded_at IS 'Of the row in history.';
COMMENT ON COLUMN twinshell.outbox.key IS 'Of the row in history.';
COMMENT ON COLUMN twinshell.outbox.kind IS 'Of the row in history.';
COMMENT ON COLUMN twinshell.outbox.version IS 'Of the row in history.';

CREATE TABLE twinshell.feed (
	position      bigint NOT NULL,
	sequenced_at  timestamptz NOT NULL,
	recorded_at   timestamptz NOT NULL,
	key           bigint NOT NULL,
	kind          smallint NOT NULL,
	version       bigint NOT NULL,
	hash          bytea NOT NULL,
	PRIMARY KEY (position, sequenced_at)
) PARTITION BY RANGE (sequenced_at);
CREATE INDEX feed_recorded ON twinshell.feed USING brin (recorded_at) WITH (autosummarize = on);
COMMENT ON TABLE twinshell.feed IS 'The order of all changes, without gaps; one partition per UTC month in which the position was given, so a month is a stretch of positions.';
COMMENT ON COLUMN twinshell.feed.position IS 'Place in the feed: one more than the one before.';
COMMENT ON COLUMN twinshell.feed.sequenced_at IS 'When the position was given; never goes back.';
COMMENT ON COLUMN twinshell.feed.recorded_at IS 'Of the row in history.';
COMMENT ON COLUMN twinshell.feed.key IS 'Of the row in history.';
COMMENT ON COLUMN twinshell.feed.kind IS 'Of the row in history.';
COMMENT ON COLUMN twinshell.feed.version IS 'Of the row in history.';
COMMENT ON COLUMN twinshell.feed.hash IS 'sha256(hash of the position before || twinshell.change_hash of the row in history).';
CREATE TABLE twinshell.feed_default (LIKE twinshell.feed INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMPRESSION INCLUDING COMMENTS);
ALTER TABLE twinshell.feed ATTACH PARTITION twinshell.feed_default DEFAULT;
COMMENT ON TABLE twinshell.feed_default IS 'What has no partition of its month.';

CREATE TABLE twinshell.feed_head (
	single        boolean PRIMARY KEY DEFAULT true CHECK (single),
	position      bigint NOT NULL,
	hash          bytea NOT NULL,
	sequenced_at  timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO twinshell.feed_head (position, hash, sequenced_at) VALUES (0, '\x', 'epoch');
COMMENT ON TABLE twinshell.feed_head IS 'The end of the feed: one row, which is the lock of who gives positions.';
COMMENT ON COLUMN twinshell.feed_head.single IS 'There is one row.';
COMMENT ON COLUMN twinshell.feed_head.position IS 'The last position.';
COMMENT ON COLUMN twinshell.feed_head.hash IS 'Its hash; empty before the first one.';
COMMENT ON COLUMN twinshell.feed_head.sequenced_at IS 'When it was given.';

CREATE TABLE twinshell.feed_cut (
	single      boolean PRIMARY KEY DEFAULT true CHECK (single),
	position    bigint NOT NULL,
	hash        bytea NOT NULL,
	kept_since  timestamptz NOT NULL,
	cut_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE twinshell.feed_cut IS 'Where the feed begins since old months were dropped: at most one row.';
COMMENT ON COLUMN twinshell.feed_cut.single IS 'There is one row.';
COMMENT ON COLUMN twinshell.feed_cut.position IS 'The last position that is not kept.';
COMMENT ON COLUMN twinshell.feed_cut.hash IS 'Its hash: the chain is verified from there on.';
COMMENT ON COLUMN twinshell.feed_cut.kept_since IS 'All changes that were recorded since then are kept.';
COMMENT ON COLUMN twinshell.feed_cut.cut_at IS 'When this was done.';

CREATE TABLE twinshell.deleted_version (
	key      bigint NOT NULL,
	kind     smallint NOT NULL,
	version  bigint NOT NULL,
	PRIMARY KEY (key, kind)
);
COMMENT ON TABLE twinshell.deleted_version IS 'Versions at which ids were deleted whose history is not kept: they go on from there when they are made again.';
COMMENT ON COLUMN twinshell.deleted_version.key IS 'Key of the identifiable.';
COMMENT ON COLUMN twinshell.deleted_version.kind IS 'As in twinshell.history.';
COMMENT ON COLUMN twinshell.deleted_version.version IS 'Version of the deletion.';

-- Rows of the month that went to the default partition are moved, else the new partition could not be attached.
CREATE FUNCTION twinshell.change_partition(parent text, by_column text, month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	part text := parent || '_' || to_char(month, 'YYYYMM');
	t0 timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
	t1 timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
	IF to_regclass('twinshell.' || part) IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format('LOCK TABLE twinshell.%I IN ACCESS EXCLUSIVE MODE', parent || '_default');
	IF to_regclass('twinshell.' || part) IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format('CREATE TABLE twinshell.%I (LIKE twinshell.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMPRESSION INCLUDING COMMENTS)', part, parent);
	EXECUTE format('COMMENT ON TABLE twinshell.%I IS %L', part, parent || to_char(month, '" of" YYYY-MM "(UTC)."'));
	EXECUTE format('INSERT INTO twinshell.%I SELECT * FROM twinshell.%I WHERE %I >= %L AND %I < %L', part, parent || '_default', by_column, t0, by_column, t1);
	EXECUTE format('DELETE FROM twinshell.%I WHERE %I >= %L AND %I < %L', parent || '_default', by_column, t0, by_column, t1);
	EXECUTE format('ALTER TABLE twinshell.%I ATTACH PARTITION twinshell.%I FOR VALUES FROM (%L) TO (%L)', parent, part, t0, t1);
END $$;
COMMENT ON FUNCTION twinshell.change_partition(text, text, date) IS 'Makes the partition of one month of a table that is partitioned by that column, if there is none.';

CREATE FUNCTION twinshell.change_partitions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
	PERFORM twinshell.change_partition(p, c, m) FROM (VALUES ('history', 'recorded_at'), ('feed', 'sequenced_at')) AS t(p, c),
		(VALUES (today), ((today + interval '1 month')::date)) AS n(m);
END $$;
COMMENT ON FUNCTION twinshell.change_partitions() IS 'Makes the partitions of history and feed of this month and the next one.';

SELECT twinshell.change_partition('history', 'recorded_at', m)
	FROM (SELECT DISTINCT date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date FROM twinshell.history_old) AS months(m);
SELECT twinshell.change_partitions();

INSERT INTO twinshell.history (key, kind, version, operation, recorded_at, valid_at, actor, id, document, paths, before_values)
	SELECT key, kind, version, operation, recorded_at, valid_at, actor, id, document, paths, before_values FROM twinshell.history_old;
INSERT INTO twinshell.outbox (recorded_at, key, kind, version) SELECT recorded_at, key, kind, version FROM twinshell.history_old;

-- What is hashed of a change is its row in PostgreSQL's binary format: every field with its length, so two different rows never look the same.
CREATE FUNCTION twinshell.change_hash(h twinshell.history) RETURNS bytea LANGUAGE sql STABLE AS $$
	SELECT sha256(record_send(ROW(h.key, h.kind, h.version, h.operation, h.recorded_at, h.valid_at, h.actor, h.request, h.id, h.element,
		h.element_operation, h.document, h.paths, h.before_values, h.after_values))) $$;
COMMENT ON FUNCTION twinshell.change_hash(twinshell.history) IS 'SHA-256 of one change: of its row in the binary format of records.';

CREATE FUNCTION twinshell.chain_step(state bytea, change bytea, start bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT sha256(coalesce(state, start) || change) $$;
COMMENT ON FUNCTION twinshell.chain_step(bytea, bytea, bytea) IS 'One step of twinshell.chain.';
CREATE AGGREGATE twinshell.chain(bytea, bytea) (SFUNC = twinshell.chain_step, STYPE = bytea);
COMMENT ON AGGREGATE twinshell.chain(bytea, bytea) IS 'Chain of hashes of changes, in their order, behind the hash that is the second argument.';

-- The order is that of the times, but never against the versions of one identifiable, whatever the clock did: with a change all earlier
-- ones of the same identifiable are taken, and none comes before them.
CREATE FUNCTION twinshell.sequence_changes(most integer, OUT n bigint, OUT newest bigint) LANGUAGE plpgsql AS $$
DECLARE
	head twinshell.feed_head;
	now timestamptz;
	last bytea;
BEGIN
	IF EXISTS (SELECT FROM twinshell.outbox) THEN		-- else nothing is locked, and nothing written
		SELECT * INTO head FROM twinshell.feed_head FOR UPDATE SKIP LOCKED;
	END IF;
	IF head.position IS NULL THEN
		SELECT 0, h.position INTO n, newest FROM twinshell.feed_head h;
		RETURN;
	END IF;
	now := greatest(clock_timestamp(), head.sequenced_at);
	WITH first AS MATERIALIZED (SELECT o.key, o.kind, o.version FROM twinshell.outbox o ORDER BY o.recorded_at LIMIT most),
	highest AS MATERIALIZED (SELECT f.key, f.kind, max(f.version) AS version FROM first f GROUP BY f.key, f.kind),
	picked AS MATERIALIZED (SELECT o.*, max(o.recorded_at) OVER (PARTITION BY o.key, o.kind ORDER BY o.version) AS at
		FROM highest m JOIN twinshell.outbox o ON o.key = m.key AND o.kind = m.kind AND o.version <= m.version),
	numbered AS (SELECT p.*, row_number() OVER w AS i, twinshell.chain(twinshell.change_hash(h), head.hash) OVER w AS hash
		FROM picked p LEFT JOIN twinshell.history h ON h.key = p.key AND h.kind = p.kind AND h.version = p.version AND h.recorded_at = p.recorded_at
		WINDOW w AS (ORDER BY p.at, p.key, p.kind, p.version ROWS UNBOUNDED PRECEDING)),
	put AS (INSERT INTO twinshell.feed (position, sequenced_at, recorded_at, key, kind, version, hash)
		SELECT head.position + u.i, now, u.recorded_at, u.key, u.kind, u.version, u.hash FROM numbered u ORDER BY u.i
		RETURNING feed.position, feed.hash),
	gone AS (DELETE FROM twinshell.outbox o USING picked p WHERE o.key = p.key AND o.kind = p.kind AND o.version = p.version)
	SELECT count(*), max(p.position), (array_agg(p.hash ORDER BY p.position DESC))[1] INTO n, newest, last FROM put p;
	IF n = 0 THEN
		newest := head.position;
		RETURN;
	END IF;
	UPDATE twinshell.feed_head SET position = newest, hash = last, sequenced_at = now;
	PERFORM pg_notify('twinshell_changes', newest::text);
END $$;
COMMENT ON FUNCTION twinshell.sequence_changes(integer) IS 'Gives positions in the feed to the oldest changes of the outbox: how many, and the newest position. When somebody else is at it, to none.';

-- Whole months, never rows.  A month of the feed may still have changes that were recorded in one that is dropped: the feed begins
-- behind the last of these.
CREATE FUNCTION twinshell.cut_history(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
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
		EXECUTE format('DROP TABLE twinshell.%I', part);
	END LOOP;
	RETURN cardinality(old);
END $$;
COMMENT ON FUNCTION twinshell.cut_history(timestamptz) IS 'Drops the partitions of history and feed of the months before that of the given time: how many.';

CREATE OR REPLACE VIEW report.history AS
	SELECT id, (ARRAY['shell', 'submodel', 'concept description', 'shell descriptor', 'submodel descriptor', 'asset links'])[kind + 1] AS kind,
		version, operation, recorded_at, coalesce(valid_at, recorded_at) AS valid_at, actor, paths, before_values, document AS before_document,
		after_values, element, element_operation, request
	FROM twinshell.history;
COMMENT ON COLUMN report.history.after_values IS 'The values since then, in the order of paths.';
COMMENT ON COLUMN report.history.element IS 'The only element that the change is about; absent: the whole.';
COMMENT ON COLUMN report.history.element_operation IS 'What was done to that element.';
COMMENT ON COLUMN report.history.request IS 'Correlation id of the request that made the change, if there was one.';
DROP TABLE twinshell.history_old;

CREATE VIEW report.feed AS
	SELECT f.position, h.id, h.kind, h.version, h.operation, h.element, h.recorded_at, f.sequenced_at, f.hash
	FROM twinshell.feed f JOIN LATERAL (SELECT id, (ARRAY['shell', 'submodel', 'concept description', 'shell descriptor', 'submodel descriptor',
		'asset links'])[kind + 1] AS kind, version, operation, element, recorded_at FROM twinshell.history
		WHERE key = f.key AND kind = f.kind AND version = f.version AND recorded_at = f.recorded_at) AS h ON true;
COMMENT ON VIEW report.feed IS 'The order of all changes: what report.history has, one row each, with its position.';
COMMENT ON COLUMN report.feed.position IS 'Place in the feed: one more than the one before.';
COMMENT ON COLUMN report.feed.id IS 'Id of what was changed.';
COMMENT ON COLUMN report.feed.kind IS 'As in report.history.';
COMMENT ON COLUMN report.feed.version IS 'Version that the change made.';
COMMENT ON COLUMN report.feed.operation IS 'create, replace, delete, or value.';
COMMENT ON COLUMN report.feed.element IS 'The only element that the change is about; absent: the whole.';
COMMENT ON COLUMN report.feed.recorded_at IS 'When it was written.';
COMMENT ON COLUMN report.feed.sequenced_at IS 'When it got its position.';
COMMENT ON COLUMN report.feed.hash IS 'The chain of hashes up to here.';
