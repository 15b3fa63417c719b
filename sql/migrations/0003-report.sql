-- SPDX-License-Identifier: Apache-2.0
-- The schema for reports: plain SQL types, documented, read-only.  A contract: columns are added, never changed.

CREATE SCHEMA report;
COMMENT ON SCHEMA report IS 'Documented views over the twins for reports and dashboards: plain types, read-only, kept compatible.';

CREATE FUNCTION twinshell.quality_name(smallint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$ SELECT (ARRAY['good', 'uncertain', 'simulated', 'stale', 'bad'])[$1 + 1] $$;
COMMENT ON FUNCTION twinshell.quality_name(smallint) IS 'Text of a quality.';

CREATE VIEW report.shell AS
	SELECT id AS shell_id, id_short, asset_kind, global_asset_id, asset_type, version, created_at, updated_at FROM twinshell.shell;
COMMENT ON VIEW report.shell IS 'Asset Administration Shells: one row per shell.';
COMMENT ON COLUMN report.shell.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.shell.id_short IS 'Short name.';
COMMENT ON COLUMN report.shell.asset_kind IS 'Type, Instance, Role or NotApplicable.';
COMMENT ON COLUMN report.shell.global_asset_id IS 'Global id of the asset.';
COMMENT ON COLUMN report.shell.asset_type IS 'Id of the type of the asset.';
COMMENT ON COLUMN report.shell.version IS 'Grows with every change.';
COMMENT ON COLUMN report.shell.created_at IS 'When it was created here.';
COMMENT ON COLUMN report.shell.updated_at IS 'When it was last changed.';

CREATE VIEW report.asset_id AS
	SELECT id AS shell_id, name, value FROM twinshell.lookup WHERE kind = 0 AND field = 5;
COMMENT ON VIEW report.asset_id IS 'Asset ids of the shells, global and specific: one row each.';
COMMENT ON COLUMN report.asset_id.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.asset_id.name IS 'Name of the id, e.g. serialNumber; globalAssetId for the global one.';
COMMENT ON COLUMN report.asset_id.value IS 'The id.';

CREATE VIEW report.shell_submodel AS
	SELECT id AS shell_id, value AS submodel_id FROM twinshell.lookup WHERE kind = 0 AND field = 6;
COMMENT ON VIEW report.shell_submodel IS 'Which submodels a shell refers to: one row per reference, whether the submodel is here or not.';
COMMENT ON COLUMN report.shell_submodel.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.shell_submodel.submodel_id IS 'Id of the submodel.';

CREATE VIEW report.submodel AS
	SELECT id AS submodel_id, id_short, semantic_id, template_id, coalesce(modelling_kind, 'Instance') AS kind, version, created_at, updated_at
	FROM twinshell.submodel;
COMMENT ON VIEW report.submodel IS 'Submodels: one row per submodel.';
COMMENT ON COLUMN report.submodel.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.submodel.id_short IS 'Short name.';
COMMENT ON COLUMN report.submodel.semantic_id IS 'What kind of submodel it is: its semantic id.';
COMMENT ON COLUMN report.submodel.template_id IS 'Id of the template it was made by.';
COMMENT ON COLUMN report.submodel.kind IS 'Instance or Template.';
COMMENT ON COLUMN report.submodel.version IS 'Grows with every change.';
COMMENT ON COLUMN report.submodel.created_at IS 'When it was created here.';
COMMENT ON COLUMN report.submodel.updated_at IS 'When it was last changed.';

CREATE VIEW report.concept_description AS
	SELECT id AS concept_description_id, id_short, preferred_name, unit, data_type, version, created_at, updated_at
	FROM twinshell.concept_description;
COMMENT ON VIEW report.concept_description IS 'Concept descriptions: what semantic ids mean.';
COMMENT ON COLUMN report.concept_description.concept_description_id IS 'Id: the semantic id it describes.';
COMMENT ON COLUMN report.concept_description.id_short IS 'Short name.';
COMMENT ON COLUMN report.concept_description.preferred_name IS 'Preferred name, in English if there is one.';
COMMENT ON COLUMN report.concept_description.unit IS 'Unit.';
COMMENT ON COLUMN report.concept_description.data_type IS 'Data type of IEC 61360.';
COMMENT ON COLUMN report.concept_description.version IS 'Grows with every change.';
COMMENT ON COLUMN report.concept_description.created_at IS 'When it was created here.';
COMMENT ON COLUMN report.concept_description.updated_at IS 'When it was last changed.';

CREATE VIEW report.element AS
	SELECT s.id AS submodel_id, e.position, e.path, e.class, m.text AS semantic_id, e.unit, e.value_type,
		e.value AS value_text, e.num AS value_num, e.bool AS value_bool, e.ts AS value_time
	FROM twinshell.element e
	JOIN twinshell.submodel s ON s.key = e.submodel
	LEFT JOIN twinshell.term m ON m.key = e.semantic;
COMMENT ON VIEW report.element IS 'Submodel elements of every class that have a value or no children, as they are stored (report.property shows live values).';
COMMENT ON COLUMN report.element.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.element.position IS 'Order within the submodel.';
COMMENT ON COLUMN report.element.path IS 'idShortPath, e.g. Motors[2].Speed.';
COMMENT ON COLUMN report.element.class IS 'Class, e.g. Property, Range, File.';
COMMENT ON COLUMN report.element.semantic_id IS 'What the element means.';
COMMENT ON COLUMN report.element.unit IS 'Unit of the value.';
COMMENT ON COLUMN report.element.value_type IS 'xs: type of Property and Range.';
COMMENT ON COLUMN report.element.value_text IS 'The value as text.';
COMMENT ON COLUMN report.element.value_num IS 'The value as a number, if it is one.';
COMMENT ON COLUMN report.element.value_bool IS 'The value as a boolean, if it is one.';
COMMENT ON COLUMN report.element.value_time IS 'The value as a time, if it is one.';

CREATE VIEW report.property AS
	SELECT s.id AS submodel_id, s.id_short AS submodel_id_short, e.position, e.path, m.text AS semantic_id,
		coalesce(e.unit, r.unit) AS unit, e.value_type,
		CASE WHEN l.series IS NULL THEN e.value ELSE l.value END AS value_text,
		CASE WHEN l.series IS NULL THEN e.num WHEN e.value_group = 1 THEN l.num END AS value_num,
		CASE WHEN l.series IS NULL THEN e.bool WHEN e.value_group = 2 THEN l.bool END AS value_bool,
		CASE WHEN l.series IS NULL THEN e.ts WHEN e.value_group = 3 THEN l.value_ts END AS value_time,
		twinshell.quality_name(l.quality) AS quality, l.ts AS source_time, l.series IS NOT NULL AS live
	FROM twinshell.element e
	JOIN twinshell.submodel s ON s.key = e.submodel
	LEFT JOIN twinshell.term m ON m.key = e.semantic
	LEFT JOIN twinshell.series r ON r.submodel = e.submodel AND r.path = e.path
	LEFT JOIN twinshell.live l ON l.series = r.id
	WHERE e.class = 'Property';
COMMENT ON VIEW report.property IS 'Properties with their current value: the live one where the element is fed by an asset, else the stored one.';
COMMENT ON COLUMN report.property.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.property.submodel_id_short IS 'Short name of the submodel.';
COMMENT ON COLUMN report.property.position IS 'Order within the submodel.';
COMMENT ON COLUMN report.property.path IS 'idShortPath, e.g. Motors[2].Speed.';
COMMENT ON COLUMN report.property.semantic_id IS 'What the property means.';
COMMENT ON COLUMN report.property.unit IS 'Unit of the value.';
COMMENT ON COLUMN report.property.value_type IS 'xs: type.';
COMMENT ON COLUMN report.property.value_text IS 'The value as text.';
COMMENT ON COLUMN report.property.value_num IS 'The value as a number, if the type is numeric.';
COMMENT ON COLUMN report.property.value_bool IS 'The value of an xs:boolean.';
COMMENT ON COLUMN report.property.value_time IS 'The value of an xs:dateTime.';
COMMENT ON COLUMN report.property.quality IS 'good, uncertain, simulated, stale or bad; absent when the value is not live.';
COMMENT ON COLUMN report.property.source_time IS 'When the asset measured it.';
COMMENT ON COLUMN report.property.live IS 'The value comes from an asset or from the engine, not from the document.';

CREATE VIEW report.series AS
	SELECT id AS series_id, submodel_id, path, unit, created_at FROM twinshell.series;
COMMENT ON VIEW report.series IS 'Recorded series: one element of one submodel over time.';
COMMENT ON COLUMN report.series.series_id IS 'Number of the series.';
COMMENT ON COLUMN report.series.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.series.path IS 'idShortPath of the element.';
COMMENT ON COLUMN report.series.unit IS 'Unit of the numbers.';
COMMENT ON COLUMN report.series.created_at IS 'When it was first seen.';

CREATE VIEW report.latest AS
	SELECT r.id AS series_id, r.submodel_id, r.path, r.unit, l.ts AS time, l.value AS value_text, l.num AS value_num, l.bool AS value_bool,
		twinshell.quality_name(l.quality) AS quality, extract(epoch FROM now() - l.ts)::double precision AS age_s
	FROM twinshell.live l JOIN twinshell.series r ON r.id = l.series;
COMMENT ON VIEW report.latest IS 'The newest value of every series.';
COMMENT ON COLUMN report.latest.series_id IS 'Number of the series.';
COMMENT ON COLUMN report.latest.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.latest.path IS 'idShortPath of the element.';
COMMENT ON COLUMN report.latest.unit IS 'Unit of the value.';
COMMENT ON COLUMN report.latest.time IS 'When the asset measured it.';
COMMENT ON COLUMN report.latest.value_text IS 'The value as text.';
COMMENT ON COLUMN report.latest.value_num IS 'The value as a number, if it can be read as one.';
COMMENT ON COLUMN report.latest.value_bool IS 'The value as a boolean, if it can be read as one.';
COMMENT ON COLUMN report.latest.quality IS 'good, uncertain, simulated, stale or bad.';
COMMENT ON COLUMN report.latest.age_s IS 'Seconds since it was measured.';

CREATE VIEW report.sample AS
	SELECT p.series AS series_id, r.submodel_id, r.path, r.unit, p.ts AS time, p.num AS value_num, p.text AS value_text,
		twinshell.quality_name(p.quality) AS quality
	FROM twinshell.sample p JOIN twinshell.series r ON r.id = p.series;
COMMENT ON VIEW report.sample IS 'Every recorded sample. Give a range of time: samples are kept by day.';
COMMENT ON COLUMN report.sample.series_id IS 'Number of the series.';
COMMENT ON COLUMN report.sample.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.sample.path IS 'idShortPath of the element.';
COMMENT ON COLUMN report.sample.unit IS 'Unit of the value.';
COMMENT ON COLUMN report.sample.time IS 'When the asset measured it.';
COMMENT ON COLUMN report.sample.value_num IS 'The value when it is a number.';
COMMENT ON COLUMN report.sample.value_text IS 'The value as text when it is not a number.';
COMMENT ON COLUMN report.sample.quality IS 'good, uncertain, simulated, stale or bad.';

CREATE VIEW report.command AS
	SELECT id AS command_id, submodel_id, path, topic, payload, state, reason, mode, requested_at, answered_at,
		extract(epoch FROM answered_at - requested_at)::double precision AS duration_s
	FROM twinshell.command;
COMMENT ON VIEW report.command IS 'Every attempt to command an asset.';
COMMENT ON COLUMN report.command.command_id IS 'UUID of the command.';
COMMENT ON COLUMN report.command.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.command.path IS 'idShortPath of the Operation or of the written element.';
COMMENT ON COLUMN report.command.topic IS 'Topic it was sent to.';
COMMENT ON COLUMN report.command.payload IS 'Payload as sent.';
COMMENT ON COLUMN report.command.state IS 'sent, completed, rejected, timeout or refused.';
COMMENT ON COLUMN report.command.reason IS 'Why it was not completed; else empty.';
COMMENT ON COLUMN report.command.mode IS 'Mode of the twin at that moment: shadow, advise, approve or act.';
COMMENT ON COLUMN report.command.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN report.command.answered_at IS 'When it ended.';
COMMENT ON COLUMN report.command.duration_s IS 'Seconds from the request to the end.';

CREATE VIEW report.history AS
	SELECT id, (ARRAY['shell', 'submodel', 'concept description'])[kind + 1] AS kind, version, operation, recorded_at,
		coalesce(valid_at, recorded_at) AS valid_at, actor, paths, before_values, document AS before_document
	FROM twinshell.history;
COMMENT ON VIEW report.history IS 'Every change of shells, submodels and concept descriptions.';
COMMENT ON COLUMN report.history.id IS 'Id of what was changed.';
COMMENT ON COLUMN report.history.kind IS 'shell, submodel or concept description.';
COMMENT ON COLUMN report.history.version IS 'Version that the change made.';
COMMENT ON COLUMN report.history.operation IS 'create, replace, delete, or value (only values of Properties).';
COMMENT ON COLUMN report.history.recorded_at IS 'When it was written.';
COMMENT ON COLUMN report.history.valid_at IS 'Since when it holds.';
COMMENT ON COLUMN report.history.actor IS 'Who made it, if known.';
COMMENT ON COLUMN report.history.paths IS 'The elements whose values were written.';
COMMENT ON COLUMN report.history.before_values IS 'Their values before, in the order of paths.';
COMMENT ON COLUMN report.history.before_document IS 'The document before, JSON as text.';

CREATE VIEW report.dictionary AS
	SELECT c.relname::text AS view_name, a.attname::text AS column_name, format_type(a.atttypid, a.atttypmod) AS data_type,
		col_description(c.oid, a.attnum) AS description
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'report'::regnamespace AND c.relkind = 'v'
	ORDER BY c.relname, a.attnum;
COMMENT ON VIEW report.dictionary IS 'What every column of this schema means.';
COMMENT ON COLUMN report.dictionary.view_name IS 'View.';
COMMENT ON COLUMN report.dictionary.column_name IS 'Column.';
COMMENT ON COLUMN report.dictionary.data_type IS 'SQL type.';
COMMENT ON COLUMN report.dictionary.description IS 'Meaning.';

-- Roles belong to the cluster, not to the database: the role may exist already, and this user may not be allowed to make one.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'twinshell_report') THEN
		BEGIN
			CREATE ROLE twinshell_report NOLOGIN;
			COMMENT ON ROLE twinshell_report IS 'May read the schema report of twinshell databases; grant it to whoever writes reports.';
			ALTER ROLE twinshell_report SET default_transaction_read_only = on;
			ALTER ROLE twinshell_report SET statement_timeout = '60s';
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN NULL;	-- another database of this cluster was quicker
			WHEN insufficient_privilege THEN
				RAISE WARNING 'this user may not create roles: create twinshell_report and grant it SELECT on schema report';
				RETURN;
		END;
	END IF;
	GRANT USAGE ON SCHEMA report TO twinshell_report;
	GRANT SELECT ON ALL TABLES IN SCHEMA report TO twinshell_report;
	ALTER DEFAULT PRIVILEGES IN SCHEMA report GRANT SELECT ON TABLES TO twinshell_report;
END $$;
