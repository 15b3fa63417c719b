-- SPDX-License-Identifier: Apache-2.0
-- compatible: 13
-- Times of changes that never run against their order: a system clock that is set back does not set history back.
--
-- Who gives positions in the feed also notes up to when changes are recorded; who records one takes the clock, or that when the clock is behind
-- it.  What is noted is in a sequence: reading it is no statement, locks nothing and sees no old versions, and noting it belongs to no
-- transaction.  What has no position yet is not noted: it is some hundredths of a second old.

CREATE SEQUENCE twinshell.recorded AS bigint MINVALUE 0;
COMMENT ON SEQUENCE twinshell.recorded IS 'Up to when changes are recorded that have a position in the feed, in microseconds since 1970: none is recorded before that any more.';
SELECT setval('twinshell.recorded', (extract(epoch FROM greatest(clock_timestamp(), h.sequenced_at, (SELECT max(o.recorded_at) FROM twinshell.outbox o))) * 1000000)::bigint)
	FROM twinshell.feed_head h;
ALTER TABLE twinshell.history ALTER recorded_at
	SET DEFAULT greatest(clock_timestamp(), timestamptz 'epoch' + pg_sequence_last_value('twinshell.recorded') * interval '1 microsecond');
COMMENT ON COLUMN twinshell.history.recorded_at IS 'When the change was written, and never before changes that had a position in the feed by then, even when the clock was set back.';

-- The order is that of the times, but never against the versions of one identifiable, whatever the clock did: with a change all earlier
-- ones of the same identifiable are taken, and none comes before them.
CREATE OR REPLACE FUNCTION twinshell.sequence_changes(most integer, OUT n bigint, OUT newest bigint) LANGUAGE plpgsql AS $$
DECLARE
	head twinshell.feed_head;
	now timestamptz;
	last bytea;
	latest timestamptz;
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
		RETURNING feed.position, feed.recorded_at, feed.hash),
	gone AS (DELETE FROM twinshell.outbox o USING picked p WHERE o.key = p.key AND o.kind = p.kind AND o.version = p.version)
	SELECT count(*), max(p.position), (array_agg(p.hash ORDER BY p.position DESC))[1], max(p.recorded_at) INTO n, newest, last, latest FROM put p;
	IF n = 0 THEN
		newest := head.position;
		RETURN;
	END IF;
	UPDATE twinshell.feed_head SET position = newest, hash = last, sequenced_at = now;
	PERFORM setval('twinshell.recorded', greatest((extract(epoch FROM greatest(now, latest)) * 1000000)::bigint, pg_sequence_last_value('twinshell.recorded')));
	PERFORM pg_notify('twinshell_changes', newest::text);
END $$;
