-- SPDX-License-Identifier: Apache-2.0
-- compatible: 14
-- Means over time beside means of samples, and the care that tables need which grow for years.
--
-- A mean over time takes each number as valid until the next one.  A bucket keeps what its own numbers come to between its first and its last one
-- (area), and the number that held when it began (before), so the rest follows from what it has anyway.  In the order of time both are added up
-- like everything else; what comes late between others is put into a queue (reweigh_queue), and its bucket is weighed anew from the samples.

DO $$
DECLARE
	t text;
	c text[];
BEGIN
	FOREACH t IN ARRAY ARRAY['rollup_1m', 'rollup_1h', 'rollup_1d'] LOOP
		EXECUTE format('ALTER TABLE twinshell.%I ADD COLUMN area double precision NOT NULL DEFAULT 0, ADD COLUMN weighed integer NOT NULL DEFAULT 0,'
			' ADD COLUMN before double precision', t);
		FOREACH c SLICE 1 IN ARRAY ARRAY[
			['area', 'Sum of the numbers, each times the seconds until the next one, up to the last one.'],
			['weighed', 'How many numbers the area is made of: it counts when that is n.'],
			['before', 'The last number before it; absent: there is none.']] LOOP
			EXECUTE format('COMMENT ON COLUMN twinshell.%I.%I IS %L', t, c[1], c[2]);
			EXECUTE (SELECT string_agg(format('COMMENT ON COLUMN %s.%I IS %L', i.inhrelid::regclass, c[1], c[2]), ';')
				FROM pg_catalog.pg_inherits i WHERE i.inhparent = format('twinshell.%I', t)::regclass);
		END LOOP;
	END LOOP;
END $$;

CREATE TABLE twinshell.reweigh_queue (
	level   smallint NOT NULL,
	series  bigint NOT NULL,
	bucket  timestamptz NOT NULL,
	PRIMARY KEY (level, series, bucket)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE twinshell.reweigh_queue IS 'Buckets whose area or number before is to be found anew, because a sample came late.';
COMMENT ON COLUMN twinshell.reweigh_queue.level IS '0 minute, 1 hour, 2 day.';
COMMENT ON COLUMN twinshell.reweigh_queue.series IS 'Series: distribution column.';
COMMENT ON COLUMN twinshell.reweigh_queue.bucket IS 'Where it begins.';

CREATE FUNCTION twinshell.seconds(interval) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN date_part('epoch', $1);
COMMENT ON FUNCTION twinshell.seconds(interval) IS 'Its length in seconds.';

-- (RETURN: who reads a report has no right to name what is in this schema, so names are looked up here and now.)
-- What was not measured any more holds until the end of the bucket, or until now.
CREATE FUNCTION twinshell.time_mean(bucket timestamptz, width interval, n integer, weighed integer, before double precision,
	first_ts timestamptz, last double precision, last_ts timestamptz, area double precision) RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN n > 0 AND weighed = n THEN coalesce(
		(coalesce(before * twinshell.seconds(first_ts - bucket), 0) + area + last * twinshell.seconds(greatest(last_ts, least(bucket + width, now())) - last_ts))
			/ nullif(twinshell.seconds(greatest(last_ts, least(bucket + width, now())) - CASE WHEN before IS NULL THEN first_ts ELSE bucket END), 0), last) END;
COMMENT ON FUNCTION twinshell.time_mean(timestamptz, interval, integer, integer, double precision, timestamptz, double precision, timestamptz, double precision)
	IS 'The mean over time of a bucket, each number taken as valid until the next one.';

-- From the samples that are in chunks, which are those that the minutes count.
CREATE FUNCTION twinshell.area_of_minute(of_series bigint, t0 timestamptz, OUT n bigint, OUT area double precision) LANGUAGE sql STABLE AS $$
	SELECT count(*), coalesce(sum(CASE WHEN abs(v) < 1e-140 THEN 0 ELSE v END * twinshell.seconds(until - t)), 0)
	FROM (SELECT p.t, p.v, coalesce(lead(p.t) OVER (ORDER BY p.t, p.id, p.i), p.t) AS until
		FROM (SELECT c.id, u.i, c.t0 + coalesce(u.o, u.f, u.i - 1) * c.unit * interval '1 microsecond' AS t, coalesce(u.x / c.divisor, u.y) AS v
			FROM twinshell.chunk c, unnest(c.offsets, c.far, c.ints, c.nums) WITH ORDINALITY AS u (o, f, x, y, i)
			WHERE c.series = of_series AND c.day = (t0 AT TIME ZONE 'UTC')::date AND c.t1 >= t0 AND c.t0 < t0 + interval '1 minute'
			UNION ALL
			SELECT 9223372036854775807, u.i, c.t0 + coalesce(u.o, u.f, u.i - 1) * c.unit * interval '1 microsecond', coalesce(u.x / c.divisor, u.y)
			FROM twinshell.chunk_open c, unnest(c.offsets, c.far, c.ints, c.nums) WITH ORDINALITY AS u (o, f, x, y, i)
			WHERE c.series = of_series AND c.t1 >= t0 AND c.t0 < t0 + interval '1 minute') p
		WHERE p.t >= t0 AND p.t < t0 + interval '1 minute' AND abs(p.v) <= 1e140) q $$;
COMMENT ON FUNCTION twinshell.area_of_minute(bigint, timestamptz) IS 'The numbers of a minute and their area, from chunks.';

-- Hours are made of minutes, days of hours, so all minutes come first.  A bucket whose samples are not kept any more stays as it is.
CREATE FUNCTION twinshell.reweigh(most integer) RETURNS integer LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	lowest smallint;
	t text;
	a record;
	found_n bigint;
	found_area double precision;
	v double precision;
	good boolean;
	taken integer := 0;
BEGIN
	SELECT min(q.level) INTO lowest FROM twinshell.reweigh_queue q;
	IF lowest IS NULL THEN
		RETURN 0;
	ELSIF NOT pg_try_advisory_xact_lock(8392292353731749229) THEN		-- as who compacts
		RETURN -1;
	END IF;
	t := (ARRAY['rollup_1m', 'rollup_1h', 'rollup_1d'])[lowest + 1];
	FOR a IN WITH taken AS (DELETE FROM twinshell.reweigh_queue q USING (SELECT w.series, w.bucket FROM twinshell.reweigh_queue w WHERE w.level = lowest
			ORDER BY w.series, w.bucket LIMIT most) w WHERE q.level = lowest AND q.series = w.series AND q.bucket = w.bucket RETURNING q.series, q.bucket)
		SELECT * FROM taken ORDER BY series, bucket LOOP
		taken := taken + 1;
		EXECUTE format('SELECT weighed = n FROM twinshell.%I WHERE series = $1 AND bucket = $2', t) INTO good USING a.series, a.bucket;
		CONTINUE WHEN good IS NULL;
		IF good THEN
			found_n := NULL;
		ELSIF lowest = 0 THEN
			SELECT m.n, m.area INTO found_n, found_area FROM twinshell.area_of_minute(a.series, a.bucket) m;
		ELSE
			EXECUTE format('SELECT sum(n), sum(area + last * twinshell.seconds(coalesce(until, last_ts) - last_ts)) FILTER (WHERE weighed = n)'
				' FROM (SELECT n, area, weighed, last, last_ts, lead(first_ts) OVER (ORDER BY bucket) AS until FROM twinshell.%I'
				' WHERE series = $1 AND bucket >= $2 AND bucket < $2 + $3 AND n > 0) m HAVING bool_and(weighed = n)',
				(ARRAY['rollup_1m', 'rollup_1h'])[lowest]) INTO found_n, found_area
				USING a.series, a.bucket, (ARRAY[interval '1 hour', interval '24 hours'])[lowest];
		END IF;
		EXECUTE format('SELECT last FROM twinshell.%I WHERE series = $1 AND bucket < $2 AND n > 0 ORDER BY bucket DESC LIMIT 1', t) INTO v USING a.series, a.bucket;
		EXECUTE format('UPDATE twinshell.%I SET area = CASE WHEN n = $3 THEN $4 ELSE area END, weighed = CASE WHEN n = $3 THEN n ELSE weighed END, before = $5'
			' WHERE series = $1 AND bucket = $2 RETURNING last', t) INTO v USING a.series, a.bucket, found_n, found_area, v;
		CONTINUE WHEN v IS NULL;
		EXECUTE format('UPDATE twinshell.%1$I SET before = $3 WHERE series = $1 AND bucket = (SELECT min(bucket) FROM twinshell.%1$I'
			' WHERE series = $1 AND bucket > $2 AND n > 0) AND before IS DISTINCT FROM $3', t) USING a.series, a.bucket, v;
	END LOOP;
	RETURN taken;
END $$;
COMMENT ON FUNCTION twinshell.reweigh(integer) IS 'Weighs up to so many of the buckets that wait for it anew; how many, -1 when somebody else is compacting.';

DO $$
DECLARE
	t text[];
BEGIN
	FOREACH t SLICE 1 IN ARRAY ARRAY[['rollup_1m', '1 minute'], ['rollup_1h', '1 hour'], ['rollup_1d', '24 hours']] LOOP
		EXECUTE format('CREATE OR REPLACE VIEW report.%1$I WITH (security_invoker = true) AS SELECT p.series AS series_id, r.submodel_id, r.path, r.unit, p.bucket AS time,'
			' p.good + p.uncertain + p.simulated + p.stale + p.bad AS samples, p.n AS numbers, p.min, p.max,'
			' CASE WHEN p.n > 0 THEN p.sum / p.n END AS mean, CASE WHEN p.n > 0 THEN p.sum END AS sum,'
			' CASE WHEN p.n > 1 THEN sqrt(p.m2 / (p.n - 1)) END AS stddev, p.first, p.first_ts AS first_time, p.last, p.last_ts AS last_time,'
			' p.good, p.uncertain, p.simulated, p.stale, p.bad,'
			' twinshell.time_mean(p.bucket, interval %2$L, p.n, p.weighed, p.before, p.first_ts, p.last, p.last_ts, p.area) AS time_mean, p.before'
			' FROM twinshell.%1$I p JOIN twinshell.series r ON r.id = p.series', t[1], t[2]);
		EXECUTE format('COMMENT ON COLUMN report.%I.time_mean IS %L', t[1], 'Mean over time: each number holds until the next one, the last one until the end (or now),'
			' the one before from the beginning. The right one for what is reported when it changes. Absent for what was added up before it was kept.');
		EXECUTE format('COMMENT ON COLUMN report.%I.before IS %L', t[1], 'The number that held when it began; absent when there was none.');
	END LOOP;
END $$;

-- -- care ------------------------------------------------------------------------------------------------------------------------------------
-- Rows of hours and days are written again every two minutes while they last, so their pages keep room for that.
ALTER TABLE twinshell.stretch ADD COLUMN options text NOT NULL DEFAULT '';
COMMENT ON COLUMN twinshell.stretch.options IS 'Storage parameters of its parts.';
UPDATE twinshell.stretch SET options = 'fillfactor = 70' WHERE relation = 'rollup_1h';
UPDATE twinshell.stretch SET options = 'fillfactor = 50' WHERE relation = 'rollup_1d';

CREATE OR REPLACE FUNCTION twinshell.stretch_make(parent text, at date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	s twinshell.stretch;
	d0 date;
	part text;
	a text;
	b text;
BEGIN
	SELECT * INTO STRICT s FROM twinshell.stretch WHERE relation = parent;
	d0 := at - ((at - date '1970-01-05') % s.days + s.days) % s.days;
	part := parent || '_' || to_char(d0, 'YYYYMMDD');
	IF to_regclass('twinshell.' || part) IS NOT NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('LOCK TABLE twinshell.%I IN ACCESS EXCLUSIVE MODE', parent || '_default');
	IF to_regclass('twinshell.' || part) IS NOT NULL THEN
		RETURN false;
	END IF;
	a := to_char(d0, 'YYYY-MM-DD') || ' 00:00:00+00';
	b := to_char(d0 + s.days, 'YYYY-MM-DD') || ' 00:00:00+00';
	EXECUTE format('CREATE TABLE twinshell.%I (LIKE twinshell.%I INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING COMPRESSION) %s', part, parent,
		'WITH (' || nullif(s.options, '') || ')');
	EXECUTE format('COMMENT ON TABLE twinshell.%I IS %L', part, format('%s of %s and the %s days from there (UTC).', parent, d0, s.days));
	EXECUTE format('WITH moved AS (DELETE FROM twinshell.%1$I WHERE %2$I >= %3$L AND %2$I < %4$L RETURNING *) INSERT INTO twinshell.%5$I SELECT * FROM moved',
		parent || '_default', s.key, a, b, part);
	EXECUTE format('ALTER TABLE twinshell.%I ATTACH PARTITION twinshell.%I FOR VALUES FROM (%L) TO (%L)', parent, part, a, b);
	RETURN true;
END $$;

-- A fifth of a large table is too much to wait for, and so is a second of a small one that is written all the time.
ALTER TABLE twinshell.element SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE twinshell.lookup SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE twinshell.submodel SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500,
	toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_threshold = 500);
ALTER TABLE twinshell.live SET (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE twinshell.chunk_open SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.2, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
	toast.autovacuum_vacuum_scale_factor = 0.2, toast.autovacuum_vacuum_threshold = 500, toast.autovacuum_vacuum_cost_delay = 0);
DO $$
DECLARE
	p record;
BEGIN
	FOR p IN SELECT i.inhrelid::regclass AS name, s.options FROM twinshell.stretch s
		JOIN pg_catalog.pg_inherits i ON i.inhparent = format('twinshell.%I', s.relation)::regclass WHERE s.options <> '' LOOP
		EXECUTE format('ALTER TABLE %s SET (%s)', p.name, p.options);
	END LOOP;
END $$;

-- Nobody analyses a table that is divided as a whole: autovacuum sees its parts only.  And what was imported in one go is to be known before the
-- next question, not when autovacuum comes round.  Who may not analyse a table does not try.
CREATE FUNCTION twinshell.care() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t regclass;
BEGIN
	IF pg_is_in_recovery() OR NOT pg_try_advisory_xact_lock(8392292353731749230) THEN
		RETURN NULL;
	END IF;
	SELECT c.oid INTO t FROM pg_catalog.pg_class c
		LEFT JOIN pg_catalog.pg_stat_user_tables s ON s.relid = c.oid
		WHERE c.relnamespace = 'twinshell'::regnamespace AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
		AND CASE WHEN c.relkind = 'p' THEN coalesce(greatest(s.last_analyze, s.last_autoanalyze) < now() - interval '7 days', EXISTS (
				SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_stat_user_tables p ON p.relid = i.inhrelid WHERE i.inhparent = c.oid AND p.n_live_tup > 1000))
			ELSE c.relname IN ('shell', 'submodel', 'concept_description', 'lookup', 'element', 'term', 'series', 'blob', 'content') AND c.relkind = 'r'
				AND s.n_mod_since_analyze > 5000 AND s.n_mod_since_analyze > s.n_live_tup / 2
				AND coalesce(greatest(s.last_analyze, s.last_autoanalyze) < now() - interval '1 minute', true) END
		ORDER BY c.relkind = 'p', c.relname LIMIT 1;
	IF t IS NOT NULL THEN
		EXECUTE format('ANALYZE %s', t);
	END IF;
	RETURN t::text;
END $$;
COMMENT ON FUNCTION twinshell.care() IS 'Has one table analysed that needs it; its name, absent when there is none.';
SELECT twinshell.open_reports();
