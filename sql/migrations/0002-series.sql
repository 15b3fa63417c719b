-- SPDX-License-Identifier: Apache-2.0
-- Time: series, samples by day, live values, spools, commands.

CREATE TABLE twinshell.series (
	id            bigint PRIMARY KEY,
	submodel      bigint NOT NULL,
	submodel_id   text COLLATE "C" NOT NULL,
	path          text COLLATE "C" NOT NULL,
	unit          text,
	created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX series_submodel ON twinshell.series (submodel);
COMMENT ON TABLE twinshell.series IS 'One series is one element of one submodel over time. It outlives the element.';
COMMENT ON COLUMN twinshell.series.id IS 'twinshell.key_of(submodel id, line feed, path): distribution column of samples and live values.';
COMMENT ON COLUMN twinshell.series.submodel IS 'Key of the submodel.';
COMMENT ON COLUMN twinshell.series.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN twinshell.series.path IS 'idShortPath of the element.';
COMMENT ON COLUMN twinshell.series.unit IS 'Unit of the numbers.';
COMMENT ON COLUMN twinshell.series.created_at IS 'When it was first seen.';

-- No b-tree: it costs four times the rest of the write.  Days are written in order, so BRIN finds a stretch of time.
CREATE TABLE twinshell.sample (
	series   bigint NOT NULL,
	ts       timestamptz NOT NULL,
	num      double precision,
	quality  smallint NOT NULL,
	text     text
) PARTITION BY RANGE (ts);
CREATE TABLE twinshell.sample_default PARTITION OF twinshell.sample DEFAULT;
CREATE INDEX sample_ts ON twinshell.sample USING brin (ts) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE twinshell.sample IS 'Every accepted sample, one partition per UTC day of its source time.';
COMMENT ON COLUMN twinshell.sample.series IS 'Series: distribution column.';
COMMENT ON COLUMN twinshell.sample.ts IS 'Source time.';
COMMENT ON COLUMN twinshell.sample.num IS 'The value when it is a number; absent for NaN.';
COMMENT ON COLUMN twinshell.sample.quality IS '0 good, 1 uncertain, 2 simulated, 3 stale, 4 bad.';
COMMENT ON COLUMN twinshell.sample.text IS 'The value as text when it is not a number.';
COMMENT ON TABLE twinshell.sample_default IS 'Samples whose clock is absurd: far in the past or in the future.';
COMMENT ON COLUMN twinshell.sample_default.series IS 'Series: distribution column.';
COMMENT ON COLUMN twinshell.sample_default.ts IS 'Source time.';
COMMENT ON COLUMN twinshell.sample_default.num IS 'The value when it is a number; absent for NaN.';
COMMENT ON COLUMN twinshell.sample_default.quality IS '0 good, 1 uncertain, 2 simulated, 3 stale, 4 bad.';
COMMENT ON COLUMN twinshell.sample_default.text IS 'The value as text when it is not a number.';

-- Samples of the day that went to the default partition are moved, else the new partition could not be attached.
CREATE FUNCTION twinshell.sample_partition(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	part text := 'sample_' || to_char(day, 'YYYYMMDD');
	t0 timestamptz := day::timestamp AT TIME ZONE 'UTC';
	t1 timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
	IF to_regclass('twinshell.' || part) IS NOT NULL THEN
		RETURN;
	END IF;
	LOCK TABLE twinshell.sample_default IN ACCESS EXCLUSIVE MODE;
	IF to_regclass('twinshell.' || part) IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format('CREATE TABLE twinshell.%I (LIKE twinshell.sample INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)', part);
	EXECUTE format('COMMENT ON TABLE twinshell.%I IS %L', part, to_char(day, '"Samples of" YYYY-MM-DD "(UTC)."'));
	EXECUTE format('WITH moved AS (DELETE FROM twinshell.sample_default WHERE ts >= %L AND ts < %L RETURNING series, ts, num, quality, text) '
		'INSERT INTO twinshell.%I (series, ts, num, quality, text) SELECT series, ts, num, quality, text FROM moved', t0, t1, part);
	EXECUTE format('ALTER TABLE twinshell.sample ATTACH PARTITION twinshell.%I FOR VALUES FROM (%L) TO (%L)', part, t0, t1);
END $$;
COMMENT ON FUNCTION twinshell.sample_partition(date) IS 'Makes the partition of one day, if there is none.';

CREATE TABLE twinshell.live (
	series       bigint PRIMARY KEY,
	ts           timestamptz,
	recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	num          double precision,
	value_ts     timestamptz,
	quality      smallint NOT NULL,
	bool         boolean,
	value        text
) WITH (fillfactor = 50);
COMMENT ON TABLE twinshell.live IS 'The newest value of every series, written once per series and batch.';
COMMENT ON COLUMN twinshell.live.series IS 'Series: distribution column.';
COMMENT ON COLUMN twinshell.live.ts IS 'Source time; absent when unknown.';
COMMENT ON COLUMN twinshell.live.recorded_at IS 'When it was written here.';
COMMENT ON COLUMN twinshell.live.num IS 'The value read as a number, if it can be.';
COMMENT ON COLUMN twinshell.live.value_ts IS 'The value read as an xs:dateTime, if it can be.';
COMMENT ON COLUMN twinshell.live.quality IS '0 good, 1 uncertain, 2 simulated, 3 stale, 4 bad.';
COMMENT ON COLUMN twinshell.live.bool IS 'The value read as an xs:boolean, if it can be.';
COMMENT ON COLUMN twinshell.live.value IS 'The value as text; absent: no value.';

CREATE TABLE twinshell.spool (
	name        text COLLATE "C" PRIMARY KEY,
	position    bigint NOT NULL,
	batch       bigint NOT NULL,
	updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE twinshell.spool IS 'How far each message spool is committed; written in the transaction of its samples.';
COMMENT ON COLUMN twinshell.spool.name IS 'Name of the spool.';
COMMENT ON COLUMN twinshell.spool.position IS 'Everything before this position is committed.';
COMMENT ON COLUMN twinshell.spool.batch IS 'Fingerprint of the last batch: the same one again is a second try, and is not stored twice.';
COMMENT ON COLUMN twinshell.spool.updated_at IS 'When it advanced.';

CREATE TABLE twinshell.command (
	submodel      bigint NOT NULL,
	id            text COLLATE "C" NOT NULL,
	submodel_id   text COLLATE "C" NOT NULL,
	path          text COLLATE "C" NOT NULL,
	topic         text,
	payload       text COMPRESSION lz4,
	state         text NOT NULL,
	reason        text NOT NULL,
	mode          text,
	requested_at  timestamptz,
	answered_at   timestamptz,
	PRIMARY KEY (submodel, id)
);
CREATE INDEX command_requested ON twinshell.command USING brin (requested_at) WITH (autosummarize = on);
COMMENT ON TABLE twinshell.command IS 'Every attempt to command an asset, with how it ended.';
COMMENT ON COLUMN twinshell.command.submodel IS 'Key of the submodel: distribution column.';
COMMENT ON COLUMN twinshell.command.id IS 'UUID, also the correlation data of the message.';
COMMENT ON COLUMN twinshell.command.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN twinshell.command.path IS 'idShortPath of the Operation or of the written element.';
COMMENT ON COLUMN twinshell.command.topic IS 'Topic it was sent to.';
COMMENT ON COLUMN twinshell.command.payload IS 'Payload as sent.';
COMMENT ON COLUMN twinshell.command.state IS 'sent, completed, rejected, timeout or refused.';
COMMENT ON COLUMN twinshell.command.reason IS 'Why it was not completed; else empty.';
COMMENT ON COLUMN twinshell.command.mode IS 'Mode of the twin at that moment.';
COMMENT ON COLUMN twinshell.command.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN twinshell.command.answered_at IS 'When it ended; absent while it has not.';
