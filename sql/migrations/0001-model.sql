-- SPDX-License-Identifier: Apache-2.0
-- The model: shells, submodels, concept descriptions, element rows, history, blobs.
--
-- An identifiable is found by `key`, a hash of its id: the key is known without a look-up, never changes (an id that is deleted and
-- made again keeps it), and is the distribution column of everything that belongs to the identifiable.  Ids can be longer than a b-tree
-- entry, so order is kept by the first 512 characters and completed by the whole id.

CREATE SCHEMA IF NOT EXISTS twinshell;
COMMENT ON SCHEMA twinshell IS 'Tables of Twinshell. Read them through the schema report, which is kept compatible.';

CREATE TABLE twinshell.schema_migration (
	version     integer PRIMARY KEY,
	name        text NOT NULL,
	sha256      text NOT NULL,
	applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE twinshell.schema_migration IS 'Migrations that were applied to this schema, each in one transaction with its registration.';
COMMENT ON COLUMN twinshell.schema_migration.version IS 'Number at the front of the migration''s file name.';
COMMENT ON COLUMN twinshell.schema_migration.name IS 'File name without folder and suffix.';
COMMENT ON COLUMN twinshell.schema_migration.sha256 IS 'SHA-256 of the file as it was applied, in hexadecimal; a differing program is refused.';
COMMENT ON COLUMN twinshell.schema_migration.applied_at IS 'When it was applied.';

CREATE FUNCTION twinshell.key_of(text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$ SELECT hashtextextended($1 COLLATE "C", 0) & 9223372036854775807 $$;
COMMENT ON FUNCTION twinshell.key_of(text) IS 'Key of an id or of another long text: 63 bits, never negative.';

CREATE TABLE twinshell.term (
	key   bigint PRIMARY KEY,
	text  text COLLATE "C" NOT NULL
);
COMMENT ON TABLE twinshell.term IS 'Dictionary of semantic ids, which are long and repeat in element rows. A reference table: the same everywhere.';
COMMENT ON COLUMN twinshell.term.key IS 'twinshell.key_of(text): what element rows hold in place of the text.';
COMMENT ON COLUMN twinshell.term.text IS 'The text.';

CREATE TABLE twinshell.shell (
	key              bigint PRIMARY KEY,
	id               text COLLATE "C" NOT NULL,
	id_short         text COLLATE "C",
	version          bigint NOT NULL,
	doc_version      bigint NOT NULL,
	created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	asset_kind       text,
	global_asset_id  text COLLATE "C",
	asset_type       text COLLATE "C",
	header           text COMPRESSION lz4,
	doc              text COMPRESSION lz4 NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX shell_id ON twinshell.shell ("left"(id, 512));
COMMENT ON TABLE twinshell.shell IS 'Asset Administration Shells: one row and one document each.';
COMMENT ON COLUMN twinshell.shell.key IS 'twinshell.key_of(id): distribution column.';
COMMENT ON COLUMN twinshell.shell.id IS 'Global identifier, compared byte for byte.';
COMMENT ON COLUMN twinshell.shell.id_short IS 'idShort.';
COMMENT ON COLUMN twinshell.shell.version IS 'Grows with every change; goes on where it stopped when a deleted id is made again.';
COMMENT ON COLUMN twinshell.shell.doc_version IS 'Version that the document shows.';
COMMENT ON COLUMN twinshell.shell.created_at IS 'When it was created here.';
COMMENT ON COLUMN twinshell.shell.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN twinshell.shell.asset_kind IS 'assetInformation.assetKind.';
COMMENT ON COLUMN twinshell.shell.global_asset_id IS 'assetInformation.globalAssetId.';
COMMENT ON COLUMN twinshell.shell.asset_type IS 'assetInformation.assetType.';
COMMENT ON COLUMN twinshell.shell.header IS 'What lists show without the document; absent: the document itself.';
COMMENT ON COLUMN twinshell.shell.doc IS 'Canonical compact JSON.';

CREATE TABLE twinshell.submodel (
	key              bigint PRIMARY KEY,
	id               text COLLATE "C" NOT NULL,
	id_short         text COLLATE "C",
	version          bigint NOT NULL,
	doc_version      bigint NOT NULL,
	created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	modelling_kind   text,
	semantic_id      text COLLATE "C",
	template_id      text COLLATE "C",
	header           text COMPRESSION lz4,
	doc              text COMPRESSION lz4 NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX submodel_id ON twinshell.submodel ("left"(id, 512));
COMMENT ON TABLE twinshell.submodel IS 'Submodels: one row and one document each. Values written since doc_version stand in element rows only.';
COMMENT ON COLUMN twinshell.submodel.key IS 'twinshell.key_of(id): distribution column.';
COMMENT ON COLUMN twinshell.submodel.id IS 'Global identifier, compared byte for byte.';
COMMENT ON COLUMN twinshell.submodel.id_short IS 'idShort.';
COMMENT ON COLUMN twinshell.submodel.version IS 'Grows with every change; goes on where it stopped when a deleted id is made again.';
COMMENT ON COLUMN twinshell.submodel.doc_version IS 'Version that the document shows; rows of twinshell.element with a later version are newer than it.';
COMMENT ON COLUMN twinshell.submodel.created_at IS 'When it was created here.';
COMMENT ON COLUMN twinshell.submodel.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN twinshell.submodel.modelling_kind IS 'kind: Instance or Template.';
COMMENT ON COLUMN twinshell.submodel.semantic_id IS 'semanticId: the value of its only key, else the keys in text form.';
COMMENT ON COLUMN twinshell.submodel.template_id IS 'administration.templateId.';
COMMENT ON COLUMN twinshell.submodel.header IS 'The document without its elements.';
COMMENT ON COLUMN twinshell.submodel.doc IS 'Canonical compact JSON.';

CREATE TABLE twinshell.concept_description (
	key              bigint PRIMARY KEY,
	id               text COLLATE "C" NOT NULL,
	id_short         text COLLATE "C",
	version          bigint NOT NULL,
	doc_version      bigint NOT NULL,
	created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	preferred_name   text,
	unit             text,
	data_type        text,
	header           text COMPRESSION lz4,
	doc              text COMPRESSION lz4 NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX concept_description_id ON twinshell.concept_description ("left"(id, 512));
COMMENT ON TABLE twinshell.concept_description IS 'Concept descriptions: one row and one document each.';
COMMENT ON COLUMN twinshell.concept_description.key IS 'twinshell.key_of(id): distribution column.';
COMMENT ON COLUMN twinshell.concept_description.id IS 'Global identifier, compared byte for byte.';
COMMENT ON COLUMN twinshell.concept_description.id_short IS 'idShort.';
COMMENT ON COLUMN twinshell.concept_description.version IS 'Grows with every change; goes on where it stopped when a deleted id is made again.';
COMMENT ON COLUMN twinshell.concept_description.doc_version IS 'Version that the document shows.';
COMMENT ON COLUMN twinshell.concept_description.created_at IS 'When it was created here.';
COMMENT ON COLUMN twinshell.concept_description.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN twinshell.concept_description.preferred_name IS 'Preferred name of its IEC 61360 content, the English one if there is one.';
COMMENT ON COLUMN twinshell.concept_description.unit IS 'Unit of its IEC 61360 content.';
COMMENT ON COLUMN twinshell.concept_description.data_type IS 'Data type of its IEC 61360 content.';
COMMENT ON COLUMN twinshell.concept_description.header IS 'What lists show without the document; absent: the document itself.';
COMMENT ON COLUMN twinshell.concept_description.doc IS 'Canonical compact JSON.';

CREATE TABLE twinshell.lookup (
	key    bigint NOT NULL,
	kind   smallint NOT NULL,
	field  smallint NOT NULL,
	hash   bigint NOT NULL,
	name   text COLLATE "C" NOT NULL,
	value  text COLLATE "C" NOT NULL,
	id     text COLLATE "C" NOT NULL,
	PRIMARY KEY (key, kind, field, hash)
);
CREATE INDEX lookup_value ON twinshell.lookup (kind, field, hash, "left"(id, 512));
COMMENT ON TABLE twinshell.lookup IS 'What identifiables are found by, one row per fact.';
COMMENT ON COLUMN twinshell.lookup.key IS 'Key of the identifiable: distribution column.';
COMMENT ON COLUMN twinshell.lookup.kind IS '0 shell, 1 submodel, 2 concept description.';
COMMENT ON COLUMN twinshell.lookup.field IS '1 idShort, 2 semanticId or supplementalSemanticId, 3 isCaseOf, 4 dataSpecification, 5 asset id, 6 submodel that a shell refers to.';
COMMENT ON COLUMN twinshell.lookup.hash IS 'twinshell.key_of(name, line feed, value).';
COMMENT ON COLUMN twinshell.lookup.name IS 'Name of an asset id (globalAssetId for that one); empty for the other fields.';
COMMENT ON COLUMN twinshell.lookup.value IS 'The text that is compared; of a reference "(Type)value" of every key, joined by U+001F.';
COMMENT ON COLUMN twinshell.lookup.id IS 'Id of the identifiable: lists are in its order.';

CREATE TABLE twinshell.element (
	submodel     bigint NOT NULL,
	path_key     bigint NOT NULL GENERATED ALWAYS AS (hashtextextended(path, 0)) STORED,
	version      bigint NOT NULL,
	semantic     bigint,
	num          double precision,
	ts           timestamptz,
	position     integer NOT NULL,
	value_group  smallint NOT NULL,
	bool         boolean,
	class        text COLLATE "C" NOT NULL,
	value_type   text COLLATE "C",
	unit         text,
	path         text COLLATE "C" NOT NULL,
	value        text COMPRESSION lz4,
	PRIMARY KEY (submodel, path_key)
) WITH (fillfactor = 90);
CREATE INDEX element_semantic ON twinshell.element (semantic, submodel) WHERE semantic IS NOT NULL;
COMMENT ON TABLE twinshell.element IS 'One narrow typed row per submodel element that has no children, or a value beside them.';
COMMENT ON COLUMN twinshell.element.submodel IS 'Key of the submodel: distribution column.';
COMMENT ON COLUMN twinshell.element.path_key IS 'Hash of the path, because a path can be longer than a b-tree entry.';
COMMENT ON COLUMN twinshell.element.version IS 'Version of the submodel that wrote this row.';
COMMENT ON COLUMN twinshell.element.position IS 'Place in the document, counted over all its elements from 0.';
COMMENT ON COLUMN twinshell.element.class IS 'Class, e.g. Property.';
COMMENT ON COLUMN twinshell.element.value_type IS 'xs: type of Property and Range.';
COMMENT ON COLUMN twinshell.element.value_group IS 'How the value is typed: 0 text only, 1 num, 2 bool, 3 ts.';
COMMENT ON COLUMN twinshell.element.bool IS 'The value of an xs:boolean.';
COMMENT ON COLUMN twinshell.element.semantic IS 'Key of the term: semanticId, the value of its only key, else the keys in text form.';
COMMENT ON COLUMN twinshell.element.unit IS 'Unit, from a qualifier or from IEC 61360 content.';
COMMENT ON COLUMN twinshell.element.num IS 'The value of a numeric type as double; absent for NaN and INF.';
COMMENT ON COLUMN twinshell.element.ts IS 'The value of an xs:dateTime.';
COMMENT ON COLUMN twinshell.element.path IS 'idShortPath.';
COMMENT ON COLUMN twinshell.element.value IS 'The value as the client wrote it; of a Range "min..max", of a Reference the value of its last key, of a MultiLanguageProperty one text.';

CREATE TABLE twinshell.history (
	key            bigint NOT NULL,
	kind           smallint NOT NULL,
	version        bigint NOT NULL,
	operation      text NOT NULL CHECK (operation IN ('create', 'replace', 'delete', 'value')),
	recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
	valid_at       timestamptz,
	actor          text,
	id             text COLLATE "C" NOT NULL,
	document       text COMPRESSION lz4,
	paths          text[],
	before_values  text[] COMPRESSION lz4,
	PRIMARY KEY (key, kind, version)
);
CREATE INDEX history_recorded ON twinshell.history USING brin (recorded_at) WITH (autosummarize = on);
COMMENT ON TABLE twinshell.history IS 'Every change that was ever committed, with what was there before.';
COMMENT ON COLUMN twinshell.history.key IS 'Key of the identifiable: distribution column.';
COMMENT ON COLUMN twinshell.history.kind IS '0 shell, 1 submodel, 2 concept description.';
COMMENT ON COLUMN twinshell.history.version IS 'Version that this change made.';
COMMENT ON COLUMN twinshell.history.operation IS 'create, replace, delete, or value (only values of Properties).';
COMMENT ON COLUMN twinshell.history.recorded_at IS 'When the change was written; in the order of the versions.';
COMMENT ON COLUMN twinshell.history.valid_at IS 'Since when it holds in the world, if that is known and differs.';
COMMENT ON COLUMN twinshell.history.actor IS 'Who made it: the setting twinshell.actor of the transaction.';
COMMENT ON COLUMN twinshell.history.id IS 'Id of the identifiable.';
COMMENT ON COLUMN twinshell.history.document IS 'The whole document before the change; absent for create and value.';
COMMENT ON COLUMN twinshell.history.paths IS 'operation value: the elements that were written.';
COMMENT ON COLUMN twinshell.history.before_values IS 'operation value: their values before, in the order of paths.';

CREATE TABLE twinshell.blob (
	key           bigint PRIMARY KEY,
	name          text COLLATE "C" NOT NULL,
	content_type  text,
	file_name     text,
	size          bigint NOT NULL,
	sha256        bytea NOT NULL,
	updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
	bytes         bytea NOT NULL
);
ALTER TABLE twinshell.blob ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE twinshell.blob IS 'Attachments of File elements and thumbnails.';
COMMENT ON COLUMN twinshell.blob.key IS 'twinshell.key_of(name): distribution column.';
COMMENT ON COLUMN twinshell.blob.name IS 'What it belongs to.';
COMMENT ON COLUMN twinshell.blob.content_type IS 'Content type it was uploaded with.';
COMMENT ON COLUMN twinshell.blob.file_name IS 'File name it was uploaded with.';
COMMENT ON COLUMN twinshell.blob.size IS 'Bytes.';
COMMENT ON COLUMN twinshell.blob.sha256 IS 'SHA-256 of the bytes.';
COMMENT ON COLUMN twinshell.blob.updated_at IS 'When it was written.';
COMMENT ON COLUMN twinshell.blob.bytes IS 'The bytes.';
