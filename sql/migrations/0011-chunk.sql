-- SPDX-License-Identifier: Apache-2.0
-- Samples are staged in generations of arrival and compacted into chunks, and minutes, hours and days are kept beside them.

-- -- staging -------------------------------------------------------------------------------------------------------------------------
ALTER TABLE twinshell.sample RENAME TO sample_before;
ALTER INDEX twinshell.sample_ts RENAME TO sample_before_ts;
DROP FUNCTION twinshell.sample_partition(date);

-- No index at all: a generation is small, and is read once, whole, when it is compacted.
CREATE TABLE twinshell.sample (
	series   bigint NOT NULL,
	ts       timestamptz NOT NULL,
	num      double precision,
	quality  smallint NOT NULL,
	text     text
);
COMMENT ON TABLE twinshell.sample IS 'Samples that are not yet in chunks; its children are generations in the order of arrival (twinshell.staging).';
COMMENT ON COLUMN twinshell.sample.series IS 'Series: distribution column.';
COMMENT ON COLUMN twinshell.sample.ts IS 'Source time.';
COMMENT ON COLUMN twinshell.sample.num IS 'The value when it is a number; absent for NaN.';
COMMENT ON COLUMN twinshell.sample.quality IS '0 good, 1 uncertain, 2 simulated, 3 stale, 4 bad.';
COMMENT ON COLUMN twinshell.sample.text IS 'The value as text when it is not a number.';

CREATE TABLE twinshell.staging (
	gen        bigint PRIMARY KEY,
	rel        regclass NOT NULL,
	state      smallint NOT NULL,
	opened_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	done_at    timestamptz
);
COMMENT ON COLUMN twinshell.staging.done_at IS 'When it was compacted.';
COMMENT ON TABLE twinshell.staging IS 'The generations of staged samples.';
COMMENT ON COLUMN twinshell.staging.gen IS 'Number of the generation: samples of a later one came later.';
COMMENT ON COLUMN twinshell.staging.rel IS 'Its table.';
COMMENT ON COLUMN twinshell.staging.state IS '0 open, 1 sealed: nothing comes any more, 2 compacted: its samples are in chunks, the table waits to be dropped.';
COMMENT ON COLUMN twinshell.staging.opened_at IS 'When it was begun.';

CREATE TABLE twinshell.staging_now (
	one  boolean PRIMARY KEY DEFAULT true CHECK (one),
	gen  bigint NOT NULL
);
COMMENT ON TABLE twinshell.staging_now IS 'The open generation; who appends holds a share of this row until its commit, so a sealed generation is complete.';
COMMENT ON COLUMN twinshell.staging_now.one IS 'There is one row.';
COMMENT ON COLUMN twinshell.staging_now.gen IS 'Number of the open generation.';
INSERT INTO twinshell.staging_now (gen) VALUES (0);

CREATE FUNCTION twinshell.staging_next() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	old bigint;
	part text;
BEGIN
	SELECT gen INTO old FROM twinshell.staging_now FOR UPDATE;
	part := 'sample_g' || old + 1;
	EXECUTE format('CREATE TABLE twinshell.%I (LIKE twinshell.sample INCLUDING COMMENTS)', part);
	EXECUTE format('COMMENT ON TABLE twinshell.%I IS %L', part, 'Staged samples, generation ' || old + 1 || '.');
	EXECUTE format('ALTER TABLE twinshell.%I INHERIT twinshell.sample', part);
	UPDATE twinshell.staging SET state = 1 WHERE gen = old AND state = 0;
	INSERT INTO twinshell.staging (gen, rel, state) VALUES (old + 1, format('twinshell.%I', part)::regclass, 0);
	UPDATE twinshell.staging_now SET gen = old + 1;
	RETURN old;
END $$;
COMMENT ON FUNCTION twinshell.staging_next() IS 'Seals the open generation and begins the next one.';

CREATE FUNCTION twinshell.staging_drop(older interval) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	g record;
	n bigint := 0;
BEGIN
	FOR g IN DELETE FROM twinshell.staging WHERE state = 2 AND done_at <= clock_timestamp() - older RETURNING rel LOOP
		EXECUTE format('DROP TABLE %s', g.rel);
		n := n + 1;
	END LOOP;
	RETURN n;
END $$;
COMMENT ON FUNCTION twinshell.staging_drop(interval) IS 'Drops the tables of generations that were compacted so long ago: who began to read before is done.';

-- The days of before are the first generations; they are compacted like the others, nothing is copied now.
DO $$
DECLARE
	p regclass;
	g bigint := 0;
BEGIN
	FOR p IN SELECT inhrelid FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
		WHERE inhparent = 'twinshell.sample_before'::regclass ORDER BY c.relname LOOP
		EXECUTE format('ALTER TABLE twinshell.sample_before DETACH PARTITION %s', p);
		EXECUTE format('ALTER TABLE %s INHERIT twinshell.sample', p);
		g := g + 1;
		INSERT INTO twinshell.staging (gen, rel, state) VALUES (g, p, 1);
	END LOOP;
	UPDATE twinshell.staging_now SET gen = g;
	PERFORM twinshell.staging_next();
END $$;

-- -- chunks: arrays that plain SQL unnests -----------------------------------------------------------------------------------------
CREATE SEQUENCE twinshell.chunk_id;
COMMENT ON SEQUENCE twinshell.chunk_id IS 'Numbers of chunks: of samples of one time, those in the chunk of the smaller number came first.';
CREATE TABLE twinshell.chunk (
	series     bigint NOT NULL,
	day        date NOT NULL,
	n          integer NOT NULL,
	t0         timestamptz NOT NULL,
	t1         timestamptz NOT NULL,
	unit       bigint NOT NULL,
	offsets    integer[] COMPRESSION lz4,
	far        bigint[] COMPRESSION lz4,
	divisor    double precision,
	ints       integer[] COMPRESSION lz4,
	nums       double precision[] COMPRESSION lz4,
	qualities  smallint[] COMPRESSION lz4,
	texts      text[] COMPRESSION lz4,
	min        double precision,
	max        double precision,
	id         bigint NOT NULL DEFAULT nextval('twinshell.chunk_id'),
	PRIMARY KEY (series, day, t1, id)
) PARTITION BY RANGE (day);
CREATE TABLE twinshell.chunk_open (
	LIKE twinshell.chunk,
	PRIMARY KEY (series)
);
ALTER TABLE twinshell.chunk_open DROP COLUMN id;

DO $$
DECLARE
	t text;
	c text[];
BEGIN
	FOREACH t IN ARRAY ARRAY['chunk', 'chunk_open'] LOOP
		FOREACH c SLICE 1 IN ARRAY ARRAY[
			['series', 'Series: distribution column.'], ['day', 'UTC day of all its samples.'], ['n', 'How many samples.'],
			['t0', 'Source time of the first one.'], ['t1', 'Source time of the last one.'],
			['unit', 'Microseconds that offsets and far count; without both of them: from one sample to the next.'],
			['offsets', 'Times from t0, in units.'], ['far', 'The same where a unit is too small for integer.'],
			['divisor', 'ints divided by it are the values, exactly.'], ['ints', 'The values, when all of them are decimal numbers of few digits.'],
			['nums', 'The values otherwise; what is no number is NaN.'], ['qualities', 'Qualities as in sample; absent: all of them good.'],
			['texts', 'Values that are no numbers; absent: there are none.'], ['min', 'Smallest number.'], ['max', 'Largest number.']] LOOP
			EXECUTE format('COMMENT ON COLUMN twinshell.%I.%I IS %L', t, c[1], c[2]);
		END LOOP;
	END LOOP;
END $$;
COMMENT ON COLUMN twinshell.chunk.id IS 'Order of the chunks of one series: the smaller one came first.';
COMMENT ON TABLE twinshell.chunk IS 'Samples, up to 600 of one series and one UTC day in a row, never changed; report.sample unpacks them.';
COMMENT ON TABLE twinshell.chunk_open IS 'The newest samples of every series, in the form of a chunk that is not full yet.';

CREATE TABLE twinshell.rollup_1m (
	series     bigint NOT NULL,
	bucket     timestamptz NOT NULL,
	n          integer NOT NULL,
	min        double precision,
	max        double precision,
	sum        double precision NOT NULL,
	m2         double precision NOT NULL,
	first      double precision,
	first_ts   timestamptz,
	last       double precision,
	last_ts    timestamptz,
	good       integer NOT NULL,
	uncertain  integer NOT NULL,
	simulated  integer NOT NULL,
	stale      integer NOT NULL,
	bad        integer NOT NULL,
	PRIMARY KEY (series, bucket)
) PARTITION BY RANGE (bucket);
CREATE TABLE twinshell.rollup_1h (LIKE twinshell.rollup_1m, PRIMARY KEY (series, bucket)) PARTITION BY RANGE (bucket);
CREATE TABLE twinshell.rollup_1d (LIKE twinshell.rollup_1m, PRIMARY KEY (series, bucket)) PARTITION BY RANGE (bucket);
COMMENT ON TABLE twinshell.rollup_1m IS 'What the samples of a minute come to.';
COMMENT ON TABLE twinshell.rollup_1h IS 'What the samples of an hour come to.';
COMMENT ON TABLE twinshell.rollup_1d IS 'What the samples of a UTC day come to.';
DO $$
DECLARE
	t text;
	c text[];
BEGIN
	FOREACH t IN ARRAY ARRAY['rollup_1m', 'rollup_1h', 'rollup_1d'] LOOP
		FOREACH c SLICE 1 IN ARRAY ARRAY[
			['series', 'Series: distribution column.'], ['bucket', 'Where it begins.'], ['n', 'Samples that are numbers up to 1e140 in size.'],
			['min', 'The smallest of them.'], ['max', 'The largest.'], ['sum', 'Their sum.'], ['m2', 'Sum of the squares of their distances from the mean.'],
			['first', 'The first one.'], ['first_ts', 'When it was measured.'], ['last', 'The last one.'], ['last_ts', 'When it was measured.'],
			['good', 'All samples of that quality, numbers or not.'], ['uncertain', 'All samples of that quality.'],
			['simulated', 'All samples of that quality.'], ['stale', 'All samples of that quality.'], ['bad', 'All samples of that quality.']] LOOP
			EXECUTE format('COMMENT ON COLUMN twinshell.%I.%I IS %L', t, c[1], c[2]);
		END LOOP;
	END LOOP;
END $$;

-- -- stretches of time: kept and dropped as whole tables ---------------------------------------------------------------------------
CREATE TABLE twinshell.stretch (
	relation  text PRIMARY KEY,
	key       text NOT NULL,
	days      integer NOT NULL
);
COMMENT ON TABLE twinshell.stretch IS 'How the tables that grow with time are divided.';
COMMENT ON COLUMN twinshell.stretch.relation IS 'Table of this schema.';
COMMENT ON COLUMN twinshell.stretch.key IS 'The column that divides it.';
COMMENT ON COLUMN twinshell.stretch.days IS 'Days of one part, counted from Monday, 1970-01-05 (UTC).';
INSERT INTO twinshell.stretch VALUES ('chunk', 'day', 7), ('rollup_1m', 'bucket', 7), ('rollup_1h', 'bucket', 28), ('rollup_1d', 'bucket', 364);

-- Rows of that time which went to the default partition are moved, else the new partition could not be attached.
CREATE FUNCTION twinshell.stretch_make(parent text, at date) RETURNS boolean LANGUAGE plpgsql AS $$
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
	EXECUTE format('CREATE TABLE twinshell.%I (LIKE twinshell.%I INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING COMPRESSION)', part, parent);
	EXECUTE format('COMMENT ON TABLE twinshell.%I IS %L', part, format('%s of %s and the %s days from there (UTC).', parent, d0, s.days));
	EXECUTE format('WITH moved AS (DELETE FROM twinshell.%1$I WHERE %2$I >= %3$L AND %2$I < %4$L RETURNING *) INSERT INTO twinshell.%5$I SELECT * FROM moved',
		parent || '_default', s.key, a, b, part);
	EXECUTE format('ALTER TABLE twinshell.%I ATTACH PARTITION twinshell.%I FOR VALUES FROM (%L) TO (%L)', parent, part, a, b);
	RETURN true;
END $$;
COMMENT ON FUNCTION twinshell.stretch_make(text, date) IS 'Makes the partition that a day belongs to, if there is none.';

CREATE FUNCTION twinshell.stretch_drop(parent text, before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	s twinshell.stretch;
	p record;
	n integer := 0;
BEGIN
	SELECT * INTO STRICT s FROM twinshell.stretch WHERE relation = parent;
	FOR p IN SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = format('twinshell.%I', parent)::regclass AND c.relname ~ '_[0-9]{8}$'
		AND to_date(right(c.relname, 8), 'YYYYMMDD') + s.days <= before LOOP
		EXECUTE format('DROP TABLE twinshell.%I', p.relname);
		n := n + 1;
	END LOOP;
	EXECUTE format('DELETE FROM twinshell.%I WHERE %I < %L', parent || '_default', s.key, to_char(before, 'YYYY-MM-DD') || ' 00:00:00+00');
	RETURN n;
END $$;
COMMENT ON FUNCTION twinshell.stretch_drop(text, date) IS 'Drops the partitions that end before a day; how many.';

DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['chunk', 'rollup_1m', 'rollup_1h', 'rollup_1d'] LOOP
		EXECUTE format('CREATE TABLE twinshell.%I (LIKE twinshell.%I INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING COMPRESSION)', t || '_default', t);
		EXECUTE format('COMMENT ON TABLE twinshell.%I IS %L', t || '_default', t || ' of absurd times: far in the past or in the future.');
		EXECUTE format('ALTER TABLE twinshell.%I ATTACH PARTITION twinshell.%I DEFAULT', t, t || '_default');
	END LOOP;
END $$;

-- -- reports -------------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION twinshell.finite(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT CASE WHEN $1 > '-Infinity' AND $1 < 'Infinity' THEN $1 END $$;
COMMENT ON FUNCTION twinshell.finite(double precision) IS 'The number, absent when it is not finite.';

-- Series are joined in each part, so that a condition on them reaches the chunks.
CREATE OR REPLACE VIEW report.sample AS
	SELECT c.series AS series_id, r.submodel_id, r.path, r.unit,
		c.t0 + coalesce(u.o, u.f, u.i - 1) * c.unit * interval '1 microsecond' AS time,
		twinshell.finite(coalesce(u.x / c.divisor, u.y)) AS value_num, u.s AS value_text, twinshell.quality_name(coalesce(u.q, 0::smallint)) AS quality,
		c.day
	FROM twinshell.series r JOIN twinshell.chunk c ON c.series = r.id,
		unnest(c.offsets, c.far, c.ints, c.nums, c.qualities, c.texts) WITH ORDINALITY AS u (o, f, x, y, q, s, i)
	UNION ALL
	SELECT c.series, r.submodel_id, r.path, r.unit, c.t0 + coalesce(u.o, u.f, u.i - 1) * c.unit * interval '1 microsecond',
		twinshell.finite(coalesce(u.x / c.divisor, u.y)), u.s, twinshell.quality_name(coalesce(u.q, 0::smallint)), c.day
	FROM twinshell.series r JOIN twinshell.chunk_open c ON c.series = r.id,
		unnest(c.offsets, c.far, c.ints, c.nums, c.qualities, c.texts) WITH ORDINALITY AS u (o, f, x, y, q, s, i)
	UNION ALL
	SELECT p.series, r.submodel_id, r.path, r.unit, p.ts, p.num, p.text, twinshell.quality_name(p.quality), (p.ts AT TIME ZONE 'UTC')::date
	FROM twinshell.series r JOIN twinshell.sample p ON p.series = r.id
	WHERE p.tableoid <> ALL (ARRAY(SELECT rel::oid FROM twinshell.staging WHERE state = 2));
COMMENT ON VIEW report.sample IS 'Every recorded sample. Give a range of days: samples are kept by day.';
COMMENT ON COLUMN report.sample.day IS 'UTC day of the time; a condition on it is what makes a question about a stretch of time fast.';
DROP TABLE twinshell.sample_before;

CREATE FUNCTION report.sample_between(of_submodel text, of_path text, time_from timestamptz, time_to timestamptz)
	RETURNS TABLE ("time" timestamptz, value_num double precision, value_text text, quality text)
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
	SELECT s.time, s.value_num, s.value_text, s.quality FROM report.sample s
	WHERE s.submodel_id = of_submodel AND s.path = of_path AND s.day >= time_from::date AND s.day <= time_to::date
	AND s.time >= time_from AND s.time < time_to ORDER BY s.time $$;
COMMENT ON FUNCTION report.sample_between(text, text, timestamptz, timestamptz) IS 'The samples of one element from a time until before another one, in the order of time.';

DO $$
DECLARE
	t text[];
	c text[];
BEGIN
	FOREACH t SLICE 1 IN ARRAY ARRAY[['rollup_1m', 'a minute'], ['rollup_1h', 'an hour'], ['rollup_1d', 'a UTC day']] LOOP
		EXECUTE format('CREATE VIEW report.%I AS SELECT p.series AS series_id, r.submodel_id, r.path, r.unit, p.bucket AS time,'
			' p.good + p.uncertain + p.simulated + p.stale + p.bad AS samples, p.n AS numbers, p.min, p.max,'
			' CASE WHEN p.n > 0 THEN p.sum / p.n END AS mean, CASE WHEN p.n > 0 THEN p.sum END AS sum,'
			' CASE WHEN p.n > 1 THEN sqrt(p.m2 / (p.n - 1)) END AS stddev, p.first, p.first_ts AS first_time, p.last, p.last_ts AS last_time,'
			' p.good, p.uncertain, p.simulated, p.stale, p.bad FROM twinshell.%I p JOIN twinshell.series r ON r.id = p.series', t[1], t[1]);
		EXECUTE format('COMMENT ON VIEW report.%I IS %L', t[1], 'What the samples of ' || t[2] ||
			' come to: one row per series and ' || t[2] || ' with samples. It follows the samples by a few minutes, late ones too.');
		FOREACH c SLICE 1 IN ARRAY ARRAY[
			['series_id', 'Number of the series.'], ['submodel_id', 'Id of the submodel.'], ['path', 'idShortPath of the element.'],
			['unit', 'Unit of the values.'], ['time', 'Where it begins.'], ['samples', 'All samples.'], ['numbers', 'Those that are numbers up to 1e140 in size.'],
			['min', 'The smallest number.'], ['max', 'The largest number.'], ['mean', 'Mean of the numbers.'], ['sum', 'Their sum.'],
			['stddev', 'Their standard deviation (n - 1).'], ['first', 'The first number.'], ['first_time', 'When it was measured.'],
			['last', 'The last number.'], ['last_time', 'When it was measured.'], ['good', 'Samples of good quality.'],
			['uncertain', 'Samples of uncertain quality.'], ['simulated', 'Simulated samples.'], ['stale', 'Stale samples.'],
			['bad', 'Samples of bad quality.']] LOOP
			EXECUTE format('COMMENT ON COLUMN report.%I.%I IS %L', t[1], c[1], c[2]);
		END LOOP;
	END LOOP;
END $$;
