-- SPDX-License-Identifier: Apache-2.0
-- Files by what they hold: the same bytes once, in parts, and never changed.  A blob is a name for a content.

CREATE TABLE twinshell.content (
	hash        bytea PRIMARY KEY,
	copy        bigint NOT NULL,
	size        bigint NOT NULL CHECK (size >= 0),
	refs        bigint NOT NULL CHECK (refs >= 0),
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX content_unused ON twinshell.content (hash) WHERE refs = 0;
COMMENT ON TABLE twinshell.content IS 'What files hold.  One row stands for all blobs that have the same bytes.';
COMMENT ON COLUMN twinshell.content.hash IS 'SHA-256 of the bytes: distribution column.';
COMMENT ON COLUMN twinshell.content.copy IS 'Which parts these are: two that bring the same bytes at the same time do not wait for each other.';
COMMENT ON COLUMN twinshell.content.size IS 'Bytes.';
COMMENT ON COLUMN twinshell.content.refs IS 'How many rows of twinshell.blob name it.  0: it is still being read, and goes when that ends.';
COMMENT ON COLUMN twinshell.content.created_at IS 'When it was first stored.';

CREATE TABLE twinshell.content_part (
	hash   bytea NOT NULL,
	copy   bigint NOT NULL,
	part   integer NOT NULL,
	bytes  bytea NOT NULL,
	PRIMARY KEY (hash, copy, part)
);
ALTER TABLE twinshell.content_part ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE twinshell.content_part IS 'The bytes of twinshell.content in their order.';
COMMENT ON COLUMN twinshell.content_part.hash IS 'Of the content: distribution column.';
COMMENT ON COLUMN twinshell.content_part.copy IS 'Of the content.';
COMMENT ON COLUMN twinshell.content_part.part IS 'From 0.';
COMMENT ON COLUMN twinshell.content_part.bytes IS '262144 bytes, in the last part what is left.';

INSERT INTO twinshell.content (hash, copy, size, refs) SELECT sha256, 0, size, count(*) FROM twinshell.blob GROUP BY sha256, size;
INSERT INTO twinshell.content_part (hash, copy, part, bytes)
	SELECT c.hash, 0, p, substring(b.bytes FROM p * 262144 + 1 FOR 262144)
	FROM twinshell.content c
	CROSS JOIN LATERAL (SELECT bytes FROM twinshell.blob WHERE sha256 = c.hash LIMIT 1) b
	CROSS JOIN LATERAL generate_series(0, ((c.size + 262143) / 262144)::integer - 1) p;

ALTER TABLE twinshell.blob RENAME COLUMN sha256 TO hash;
ALTER TABLE twinshell.blob DROP COLUMN bytes;
ALTER TABLE twinshell.blob DROP COLUMN size;
COMMENT ON TABLE twinshell.blob IS 'Attachments of File elements, thumbnails and packages.';
COMMENT ON COLUMN twinshell.blob.hash IS 'Its content: twinshell.content.hash.';
