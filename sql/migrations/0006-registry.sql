-- SPDX-License-Identifier: Apache-2.0
-- Registries and discovery: what was registered about shells and submodels, here or elsewhere.  What lives here needs no entry: it is
-- seen in shell and submodel.  The tables are of the same form as those of the model, and so are their history and lookup rows.

CREATE TABLE twinshell.shell_descriptor (
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
CREATE INDEX shell_descriptor_id ON twinshell.shell_descriptor ("left"(id, 512));
COMMENT ON TABLE twinshell.shell_descriptor IS 'Entries of the shell registry that somebody made: laid over what derives from twinshell.shell. One row and one document each.';
COMMENT ON COLUMN twinshell.shell_descriptor.key IS 'twinshell.key_of(id): distribution column.';
COMMENT ON COLUMN twinshell.shell_descriptor.id IS 'Id of the shell, compared byte for byte.';
COMMENT ON COLUMN twinshell.shell_descriptor.id_short IS 'idShort.';
COMMENT ON COLUMN twinshell.shell_descriptor.version IS 'Grows with every change; goes on where it stopped when a deleted id is made again.';
COMMENT ON COLUMN twinshell.shell_descriptor.doc_version IS 'Version that the document shows.';
COMMENT ON COLUMN twinshell.shell_descriptor.created_at IS 'When it was registered.';
COMMENT ON COLUMN twinshell.shell_descriptor.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN twinshell.shell_descriptor.asset_kind IS 'assetKind.';
COMMENT ON COLUMN twinshell.shell_descriptor.global_asset_id IS 'globalAssetId.';
COMMENT ON COLUMN twinshell.shell_descriptor.asset_type IS 'assetType.';
COMMENT ON COLUMN twinshell.shell_descriptor.header IS 'What lists show without the document; absent: the document itself.';
COMMENT ON COLUMN twinshell.shell_descriptor.doc IS 'Canonical compact JSON.';

CREATE TABLE twinshell.submodel_descriptor (
	key              bigint PRIMARY KEY,
	id               text COLLATE "C" NOT NULL,
	id_short         text COLLATE "C",
	version          bigint NOT NULL,
	doc_version      bigint NOT NULL,
	created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	semantic_id      text COLLATE "C",
	interface        text COLLATE "C",
	href             text COLLATE "C",
	header           text COMPRESSION lz4,
	doc              text COMPRESSION lz4 NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX submodel_descriptor_id ON twinshell.submodel_descriptor ("left"(id, 512));
COMMENT ON TABLE twinshell.submodel_descriptor IS 'Entries of the submodel registry that somebody made: laid over what derives from twinshell.submodel. One row and one document each.';
COMMENT ON COLUMN twinshell.submodel_descriptor.key IS 'twinshell.key_of(id): distribution column.';
COMMENT ON COLUMN twinshell.submodel_descriptor.id IS 'Id of the submodel, compared byte for byte.';
COMMENT ON COLUMN twinshell.submodel_descriptor.id_short IS 'idShort.';
COMMENT ON COLUMN twinshell.submodel_descriptor.version IS 'Grows with every change; goes on where it stopped when a deleted id is made again.';
COMMENT ON COLUMN twinshell.submodel_descriptor.doc_version IS 'Version that the document shows.';
COMMENT ON COLUMN twinshell.submodel_descriptor.created_at IS 'When it was registered.';
COMMENT ON COLUMN twinshell.submodel_descriptor.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN twinshell.submodel_descriptor.semantic_id IS 'semanticId: the value of its only key, else the keys in text form.';
COMMENT ON COLUMN twinshell.submodel_descriptor.interface IS 'Interface of the first endpoint.';
COMMENT ON COLUMN twinshell.submodel_descriptor.href IS 'Address of the first endpoint.';
COMMENT ON COLUMN twinshell.submodel_descriptor.header IS 'What lists show without the document; absent: the document itself.';
COMMENT ON COLUMN twinshell.submodel_descriptor.doc IS 'Canonical compact JSON.';

CREATE TABLE twinshell.asset_links (
	key              bigint PRIMARY KEY,
	id               text COLLATE "C" NOT NULL,
	id_short         text COLLATE "C",
	version          bigint NOT NULL,
	doc_version      bigint NOT NULL,
	created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	global_asset_id  text COLLATE "C",
	asset_id_names   text COLLATE "C",
	asset_id_values  text COLLATE "C",
	header           text COMPRESSION lz4,
	doc              text COMPRESSION lz4 NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX asset_links_id ON twinshell.asset_links ("left"(id, 512));
COMMENT ON TABLE twinshell.asset_links IS 'Asset links that somebody gave to discovery, beside those that the shells say themselves. One row and one document each.';
COMMENT ON COLUMN twinshell.asset_links.key IS 'twinshell.key_of(id): distribution column.';
COMMENT ON COLUMN twinshell.asset_links.id IS 'Id of the shell, compared byte for byte.';
COMMENT ON COLUMN twinshell.asset_links.id_short IS 'idShort.';
COMMENT ON COLUMN twinshell.asset_links.version IS 'Grows with every change; goes on where it stopped when a deleted id is made again.';
COMMENT ON COLUMN twinshell.asset_links.doc_version IS 'Version that the document shows.';
COMMENT ON COLUMN twinshell.asset_links.created_at IS 'When it was registered.';
COMMENT ON COLUMN twinshell.asset_links.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN twinshell.asset_links.global_asset_id IS 'The link with the name globalAssetId.';
COMMENT ON COLUMN twinshell.asset_links.asset_id_names IS 'Names of the links, one a line.';
COMMENT ON COLUMN twinshell.asset_links.asset_id_values IS 'Their values, in the same order.';
COMMENT ON COLUMN twinshell.asset_links.header IS 'What lists show without the document; absent: the document itself.';
COMMENT ON COLUMN twinshell.asset_links.doc IS 'Canonical compact JSON.';

COMMENT ON COLUMN twinshell.lookup.kind IS '0 shell, 1 submodel, 2 concept description, 3 shell descriptor, 4 submodel descriptor, 5 asset links.';
COMMENT ON COLUMN twinshell.history.kind IS '0 shell, 1 submodel, 2 concept description, 3 shell descriptor, 4 submodel descriptor, 5 asset links.';
COMMENT ON COLUMN twinshell.lookup.field IS '1 idShort, 2 semanticId or supplementalSemanticId, 3 isCaseOf, 4 dataSpecification, 5 asset id, 6 submodel that a shell refers to (first key), 7 key of the semanticId, 8 further key of a reference to a submodel, 9 idShort and 10 semanticId key of elements that rows do not tell, 11 text of a MultiLanguageProperty, 12 assetKind, 13 assetType.';

-- Shells can be found by kind and type of their asset from now on.
INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)
	SELECT key, 0, 12, twinshell.key_of(E'\n' || asset_kind), '', asset_kind, id FROM twinshell.shell WHERE asset_kind IS NOT NULL
	UNION ALL
	SELECT key, 0, 13, twinshell.key_of(E'\n' || asset_type), '', asset_type, id FROM twinshell.shell WHERE asset_type IS NOT NULL;

CREATE OR REPLACE VIEW report.history AS
	SELECT id, (ARRAY['shell', 'submodel', 'concept description', 'shell descriptor', 'submodel descriptor', 'asset links'])[kind + 1] AS kind,
		version, operation, recorded_at, coalesce(valid_at, recorded_at) AS valid_at, actor, paths, before_values, document AS before_document
	FROM twinshell.history;
COMMENT ON VIEW report.history IS 'Every change of shells, submodels, concept descriptions, and of what is registered about them.';
COMMENT ON COLUMN report.history.kind IS 'shell, submodel, concept description, shell descriptor, submodel descriptor or asset links.';

CREATE VIEW report.shell_descriptor AS
	SELECT id AS shell_id, id_short, asset_kind, global_asset_id, asset_type, version, created_at, updated_at FROM twinshell.shell_descriptor;
COMMENT ON VIEW report.shell_descriptor IS 'Entries of the shell registry that somebody made; shells that live here need none.';
COMMENT ON COLUMN report.shell_descriptor.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.shell_descriptor.id_short IS 'Short name.';
COMMENT ON COLUMN report.shell_descriptor.asset_kind IS 'Type, Instance, Role or NotApplicable.';
COMMENT ON COLUMN report.shell_descriptor.global_asset_id IS 'Global id of the asset.';
COMMENT ON COLUMN report.shell_descriptor.asset_type IS 'Id of the type of the asset.';
COMMENT ON COLUMN report.shell_descriptor.version IS 'Grows with every change.';
COMMENT ON COLUMN report.shell_descriptor.created_at IS 'When it was registered.';
COMMENT ON COLUMN report.shell_descriptor.updated_at IS 'When it was last changed.';

CREATE VIEW report.submodel_descriptor AS
	SELECT id AS submodel_id, id_short, semantic_id, interface, href, version, created_at, updated_at FROM twinshell.submodel_descriptor;
COMMENT ON VIEW report.submodel_descriptor IS 'Entries of the submodel registry that somebody made; submodels that live here need none.';
COMMENT ON COLUMN report.submodel_descriptor.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.submodel_descriptor.id_short IS 'Short name.';
COMMENT ON COLUMN report.submodel_descriptor.semantic_id IS 'What kind of submodel it is: its semantic id.';
COMMENT ON COLUMN report.submodel_descriptor.interface IS 'Interface of the first endpoint.';
COMMENT ON COLUMN report.submodel_descriptor.href IS 'Address of the first endpoint.';
COMMENT ON COLUMN report.submodel_descriptor.version IS 'Grows with every change.';
COMMENT ON COLUMN report.submodel_descriptor.created_at IS 'When it was registered.';
COMMENT ON COLUMN report.submodel_descriptor.updated_at IS 'When it was last changed.';

CREATE VIEW report.asset_link AS
	SELECT id AS shell_id, name, value FROM twinshell.lookup WHERE kind = 5 AND field = 5;
COMMENT ON VIEW report.asset_link IS 'Asset links that somebody gave to discovery, beside report.asset_id: one row each.';
COMMENT ON COLUMN report.asset_link.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.asset_link.name IS 'Name of the id; globalAssetId for the global one.';
COMMENT ON COLUMN report.asset_link.value IS 'The id.';
