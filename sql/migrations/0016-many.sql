-- SPDX-License-Identifier: Apache-2.0
-- A million identifiables: nothing may depend on what the planner believes about a table that was empty when it was last looked at.

-- Plans of a function are kept, and the outbox is empty most of the time: a plan that was made then reads the whole of it for every change, and an import
-- of many writes it faster than it is emptied.  So every row is looked up for itself (LIMIT, OFFSET 0: no plan for all of them at once), and goes by its place.
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
		FROM highest m CROSS JOIN LATERAL (SELECT b.ctid AS place, b.* FROM twinshell.outbox b
			WHERE b.key = m.key AND b.kind = m.kind AND b.version <= m.version OFFSET 0) o),
	numbered AS (SELECT p.*, row_number() OVER w AS i, twinshell.chain(twinshell.change_hash(c.change), head.hash) OVER w AS hash
		FROM picked p LEFT JOIN LATERAL (SELECT h AS change FROM twinshell.history h
			WHERE h.key = p.key AND h.kind = p.kind AND h.version = p.version AND h.recorded_at = p.recorded_at LIMIT 1) c ON true
		WINDOW w AS (ORDER BY p.at, p.key, p.kind, p.version ROWS UNBOUNDED PRECEDING)),
	put AS (INSERT INTO twinshell.feed (position, sequenced_at, recorded_at, key, kind, version, hash)
		SELECT head.position + u.i, now, u.recorded_at, u.key, u.kind, u.version, u.hash FROM numbered u ORDER BY u.i
		RETURNING feed.position, feed.recorded_at, feed.hash),
	gone AS (DELETE FROM twinshell.outbox o WHERE o.ctid = ANY (ARRAY(SELECT p.place FROM picked p)))
	SELECT count(*), max(p.position), (array_agg(p.hash ORDER BY p.position DESC))[1], max(p.recorded_at) INTO n, newest, last, latest FROM put p;
	IF n = 0 THEN
		newest := head.position;
		RETURN;
	END IF;
	UPDATE twinshell.feed_head SET position = newest, hash = last, sequenced_at = now;
	PERFORM setval('twinshell.recorded', greatest((extract(epoch FROM greatest(now, latest)) * 1000000)::bigint, pg_sequence_last_value('twinshell.recorded')));
	PERFORM pg_notify('twinshell_changes', newest::text);
END $$;

-- Who starts wants to know which submodels have events, and reads no others.  Programs that do not write this fact must not go on.
INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)
	SELECT DISTINCT s.key, 1, 14, twinshell.key_of(E'\nBasicEventElement'), '', 'BasicEventElement', s.id
	FROM twinshell.element e JOIN twinshell.submodel s ON s.key = e.submodel WHERE e.class = 'BasicEventElement';
COMMENT ON COLUMN twinshell.lookup.field IS '1 idShort, 2 semanticId or supplementalSemanticId, 3 isCaseOf, 4 dataSpecification, 5 asset id, 6 submodel that a shell refers to, 7 key of a semanticId, 8 further key of a reference to a submodel, 9 name, 10 key of the semanticId and 11 text of an element that has no row for it, 12 kind and 13 type of an asset, 14 has a BasicEventElement.';
