-- SPDX-License-Identifier: Apache-2.0
-- compatible: 13
-- Reports for everybody: assets, structure, alarms, work orders, predictions, the thread of an asset's life, typed views per submodel type;
-- and who may read what: twinshell_report everything, members of twinshell_tenant what belongs to their tenants.
--
-- Views read with the rights of who asks (security_invoker), so the policies of the tables below them hold.  A policy that restricts is for members
-- of twinshell_tenant alone: for everybody else, the server whether it owns the tables or not, a plan has no trace of it.

-- Ids can be longer than a b-tree entry; reports ask for whole ones.  The tables shell and submodel have no such index: the server finds their rows
-- by key, and would take it instead.
CREATE INDEX series_submodel_id ON twinshell.series USING hash (submodel_id);
CREATE INDEX lookup_shell ON twinshell.lookup USING hash (id) WHERE kind = 0 AND field IN (5, 6);
COMMENT ON INDEX twinshell.series_submodel_id IS 'Series of one submodel, by its id.';
COMMENT ON INDEX twinshell.lookup_shell IS 'Asset ids and submodels of one shell, by its id.';

-- -- texts as numbers and days: what is none is absent, never an error ------------------------------------------------------------------
CREATE FUNCTION twinshell.to_numeric(text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT CASE WHEN length($1) <= 1000 AND $1 ~ '^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*$' THEN $1::numeric END $$;
COMMENT ON FUNCTION twinshell.to_numeric(text) IS 'A text as an exact number; absent when it is none, or has more than 1000 characters.';

CREATE FUNCTION twinshell.to_integer(text, most numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT CASE WHEN length($1) <= 40 AND $1 ~ '^\s*[-+]?[0-9]+\s*$' AND abs($1::numeric) <= most THEN $1::numeric END $$;
COMMENT ON FUNCTION twinshell.to_integer(text, numeric) IS 'A text as a whole number of that size at most.';

CREATE FUNCTION twinshell.to_date(text) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN $1 ~ '^\s*[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T|Z|[-+]|\s|$)' AND ltrim($1) !~ '^0000' AND
		substr(ltrim($1), 9, 2)::integer <= extract(day FROM make_date(substr(ltrim($1), 1, 4)::integer, substr(ltrim($1), 6, 2)::integer, 1)
			+ interval '1 month - 1 day')
		THEN make_date(substr(ltrim($1), 1, 4)::integer, substr(ltrim($1), 6, 2)::integer, substr(ltrim($1), 9, 2)::integer) END $$;
COMMENT ON FUNCTION twinshell.to_date(text) IS 'The day of an xs:date or xs:dateTime of four digits of years; absent when it is none.';

-- -- what submodels are about --------------------------------------------------------------------------------------------------------
CREATE TABLE twinshell.meaning (
	kind         text NOT NULL,
	semantic_id  text COLLATE "C" NOT NULL,
	hash         bigint NOT NULL GENERATED ALWAYS AS (twinshell.key_of(E'0\n' || semantic_id)) STORED,
	PRIMARY KEY (kind, semantic_id)
);
COMMENT ON TABLE twinshell.meaning IS 'Which submodels the reports read, by semanticId; rows may be added for other versions of a template.';
COMMENT ON COLUMN twinshell.meaning.kind IS 'structure, document, service, maintenance, prediction, engine or model.';
COMMENT ON COLUMN twinshell.meaning.semantic_id IS 'First key of the semanticId.';
COMMENT ON COLUMN twinshell.meaning.hash IS 'As in twinshell.lookup, field 7.';
INSERT INTO twinshell.meaning (kind, semantic_id) VALUES
	('structure', 'https://admin-shell.io/idta/HierarchicalStructures/1/0/Submodel'),
	('structure', 'https://admin-shell.io/idta/HierarchicalStructures/1/1/Submodel'),
	('document', '0173-1#01-AHF578#001'), ('document', '0173-1#01-AHF578#003'),
	('service', '0173-1#01-AHX443#001'),
	('maintenance', 'https://admin-shell.io/idta/SubmodelTemplate/MaintenanceInstructions/1/0'),
	('prediction', 'https://admin-shell.io/idta/SubmodelTemplate/PredictiveMaintenance/1/0'),
	('engine', 'https://twinshell.org/submodel/TwinEngine/1/0'),
	('model', 'https://admin-shell.io/idta/SubmodelTemplate/AIModelNameplate/1/0'),
	('model', 'https://admin-shell.io/idta/SubmodelTemplate/SimulationModels/1/1');

CREATE VIEW twinshell.submodel_meaning AS
	SELECT m.kind, k.key AS submodel, k.id AS submodel_id
	FROM twinshell.meaning m JOIN twinshell.lookup k ON k.kind = 1 AND k.field = 7 AND k.hash = m.hash AND k.value = m.semantic_id;
COMMENT ON VIEW twinshell.submodel_meaning IS 'Submodels that the reports read, and what they are about.';
COMMENT ON COLUMN twinshell.submodel_meaning.kind IS 'As in twinshell.meaning.';
COMMENT ON COLUMN twinshell.submodel_meaning.submodel IS 'Key of the submodel.';
COMMENT ON COLUMN twinshell.submodel_meaning.submodel_id IS 'Id of the submodel.';

CREATE VIEW twinshell.shell_submodel AS
	SELECT key AS shell, id AS shell_id, twinshell.key_of(value) AS submodel, value AS submodel_id
	FROM twinshell.lookup WHERE kind = 0 AND field = 6;
COMMENT ON VIEW twinshell.shell_submodel IS 'References of shells to submodels, by keys.';
COMMENT ON COLUMN twinshell.shell_submodel.shell IS 'Key of the shell.';
COMMENT ON COLUMN twinshell.shell_submodel.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN twinshell.shell_submodel.submodel IS 'Key of the submodel.';
COMMENT ON COLUMN twinshell.shell_submodel.submodel_id IS 'Id of the submodel.';

-- What typed views are made of.
CREATE VIEW twinshell.current_value AS
	SELECT e.submodel, e.path_key, e.path, e.position, e.class, e.value_type, m.text AS semantic_id,
		CASE WHEN l.series IS NULL THEN e.value ELSE l.value END AS value_text,
		CASE WHEN l.series IS NULL THEN e.num WHEN e.value_group = 1 THEN l.num END AS value_num,
		CASE WHEN l.series IS NULL THEN e.bool WHEN e.value_group = 2 THEN l.bool END AS value_bool,
		CASE WHEN l.series IS NULL THEN e.ts WHEN e.value_group = 3 THEN l.value_ts END AS value_time
	FROM twinshell.element e
	LEFT JOIN twinshell.term m ON m.key = e.semantic
	LEFT JOIN twinshell.series r ON r.submodel = e.submodel AND r.path = e.path
	LEFT JOIN twinshell.live l ON l.series = r.id;
COMMENT ON VIEW twinshell.current_value IS 'Elements with the live value, else the stored one.';
COMMENT ON COLUMN twinshell.current_value.submodel IS 'Key of the submodel.';
COMMENT ON COLUMN twinshell.current_value.path_key IS 'As in twinshell.element.';
COMMENT ON COLUMN twinshell.current_value.path IS 'idShortPath.';
COMMENT ON COLUMN twinshell.current_value.position IS 'Place in the document.';
COMMENT ON COLUMN twinshell.current_value.class IS 'Class.';
COMMENT ON COLUMN twinshell.current_value.value_type IS 'xs: type.';
COMMENT ON COLUMN twinshell.current_value.semantic_id IS 'What the element means.';
COMMENT ON COLUMN twinshell.current_value.value_text IS 'The value as text.';
COMMENT ON COLUMN twinshell.current_value.value_num IS 'The value as a number.';
COMMENT ON COLUMN twinshell.current_value.value_bool IS 'The value as a boolean.';
COMMENT ON COLUMN twinshell.current_value.value_time IS 'The value as a time.';

-- -- assets and structure ----------------------------------------------------------------------------------------------------------------
CREATE VIEW report.asset AS
	SELECT s.id AS shell_id, s.id_short AS name, s.global_asset_id AS asset_id, s.asset_type, s.asset_kind,
		(SELECT min(k.value) FROM twinshell.lookup k WHERE k.key = s.key AND k.kind = 0 AND k.field = 5 AND k.name = 'serialNumber') AS serial_number,
		(SELECT min(k.value) FROM twinshell.lookup k WHERE k.key = s.key AND k.kind = 0 AND k.field = 5 AND k.name = 'tenant') AS tenant,
		(SELECT min(k.value) FROM twinshell.lookup k WHERE k.key = s.key AND k.kind = 0 AND k.field = 5 AND k.name = 'site') AS site,
		(SELECT count(*) FROM twinshell.lookup k WHERE k.key = s.key AND k.kind = 0 AND k.field = 6) AS submodels, s.updated_at
	FROM twinshell.shell s;
COMMENT ON VIEW report.asset IS 'Assets: one row per shell, with the ids that reports ask for most (report.asset_id has all).';
COMMENT ON COLUMN report.asset.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.asset.name IS 'Short name of the shell.';
COMMENT ON COLUMN report.asset.asset_id IS 'Global id of the asset.';
COMMENT ON COLUMN report.asset.asset_type IS 'Id of the type of the asset.';
COMMENT ON COLUMN report.asset.asset_kind IS 'Type, Instance, Role or NotApplicable.';
COMMENT ON COLUMN report.asset.serial_number IS 'Specific asset id serialNumber.';
COMMENT ON COLUMN report.asset.tenant IS 'Specific asset id tenant; the first one when there are several.';
COMMENT ON COLUMN report.asset.site IS 'Specific asset id site; the first one when there are several.';
COMMENT ON COLUMN report.asset.submodels IS 'How many submodels the shell refers to.';
COMMENT ON COLUMN report.asset.updated_at IS 'When the shell was last changed.';

-- In an arche type OneUp the statements of the entry node are what it is part of; in the others they are its parts.
CREATE VIEW report.hierarchy AS
	SELECT 'submodel' AS relation, a.id AS parent, k.value AS child, a.id_short AS parent_name, s.id_short AS child_name, 1 AS depth,
		a.id AS shell_id, k.value AS submodel_id, NULL::text AS path
	FROM twinshell.lookup k JOIN twinshell.shell a ON a.key = k.key LEFT JOIN twinshell.submodel s ON s.key = twinshell.key_of(k.value)
	WHERE k.kind = 0 AND k.field = 6
	UNION ALL
	SELECT 'part', CASE WHEN up.value = 'OneUp' THEN n.value ELSE p.value END, CASE WHEN up.value = 'OneUp' THEN p.value ELSE n.value END,
		CASE WHEN up.value = 'OneUp' THEN substring(n.path from '[^.]+$') ELSE substring(p.path from '[^.]+$') END,
		CASE WHEN up.value = 'OneUp' THEN substring(p.path from '[^.]+$') ELSE substring(n.path from '[^.]+$') END,
		length(n.path) - length(replace(n.path, '.', '')), NULL, m.submodel_id, n.path
	FROM twinshell.submodel_meaning m
	JOIN twinshell.element n ON n.submodel = m.submodel AND n.class = 'Entity' AND strpos(n.path, '.') > 0
	JOIN twinshell.element p ON p.submodel = m.submodel AND p.class = 'Entity'
		AND p.path_key = hashtextextended(regexp_replace(n.path, '\.[^.]*$', ''), 0) AND p.path = regexp_replace(n.path, '\.[^.]*$', '')
	LEFT JOIN twinshell.element up ON up.submodel = m.submodel AND up.path_key = hashtextextended('ArcheType', 0) AND up.path = 'ArcheType'
	WHERE m.kind = 'structure';
COMMENT ON VIEW report.hierarchy IS 'What is directly part of what: submodels of shells, and assets of assets as HierarchicalStructures submodels (bills of material) say.';
COMMENT ON COLUMN report.hierarchy.relation IS 'submodel: a shell refers to a submodel; part: an asset has a part.';
COMMENT ON COLUMN report.hierarchy.parent IS 'Id of the shell, or global id of the whole asset; absent when the node has none.';
COMMENT ON COLUMN report.hierarchy.child IS 'Id of the submodel, or global id of the part; absent when the node has none.';
COMMENT ON COLUMN report.hierarchy.parent_name IS 'Short name of the parent.';
COMMENT ON COLUMN report.hierarchy.child_name IS 'Short name of the child.';
COMMENT ON COLUMN report.hierarchy.depth IS 'Steps below the shell, or below the entry node of the bill of material.';
COMMENT ON COLUMN report.hierarchy.shell_id IS 'relation submodel: the shell.';
COMMENT ON COLUMN report.hierarchy.submodel_id IS 'The submodel, or the one that has the bill of material.';
COMMENT ON COLUMN report.hierarchy.path IS 'relation part: idShortPath of the node.';

CREATE VIEW report.asset_hierarchy AS
	WITH RECURSIVE part AS MATERIALIZED (SELECT DISTINCT parent, child FROM report.hierarchy
		WHERE relation = 'part' AND parent IS NOT NULL AND child IS NOT NULL AND parent <> child),
	below AS (SELECT parent AS ancestor, child AS descendant, 1 AS depth FROM part
		UNION SELECT b.ancestor, p.child, b.depth + 1 FROM below b JOIN part p ON p.parent = b.descendant
			WHERE b.depth < 32 AND p.child <> b.ancestor)
	SELECT ancestor, descendant, min(depth) AS depth FROM below GROUP BY ancestor, descendant;
COMMENT ON VIEW report.asset_hierarchy IS 'All parts of assets, parts of parts included, over all bills of material, up to 32 steps.';
COMMENT ON COLUMN report.asset_hierarchy.ancestor IS 'Global id of the whole asset.';
COMMENT ON COLUMN report.asset_hierarchy.descendant IS 'Global id of the part.';
COMMENT ON COLUMN report.asset_hierarchy.depth IS 'Steps between them, the fewest.';

CREATE OR REPLACE VIEW report.property AS
	SELECT s.id AS submodel_id, s.id_short AS submodel_id_short, e.position, e.path, m.text AS semantic_id,
		coalesce(e.unit, r.unit) AS unit, e.value_type,
		CASE WHEN l.series IS NULL THEN e.value ELSE l.value END AS value_text,
		CASE WHEN l.series IS NULL THEN e.num WHEN e.value_group = 1 THEN l.num END AS value_num,
		CASE WHEN l.series IS NULL THEN e.bool WHEN e.value_group = 2 THEN l.bool END AS value_bool,
		CASE WHEN l.series IS NULL THEN e.ts WHEN e.value_group = 3 THEN l.value_ts END AS value_time,
		twinshell.quality_name(l.quality) AS quality, l.ts AS source_time, l.series IS NOT NULL AS live,
		CASE WHEN e.value_group = 1 AND e.value_type NOT IN ('xs:double', 'xs:float')
			THEN twinshell.to_numeric(CASE WHEN l.series IS NULL THEN e.value ELSE l.value END) END AS value_numeric
	FROM twinshell.element e
	JOIN twinshell.submodel s ON s.key = e.submodel
	LEFT JOIN twinshell.term m ON m.key = e.semantic
	LEFT JOIN twinshell.series r ON r.submodel = e.submodel AND r.path = e.path
	LEFT JOIN twinshell.live l ON l.series = r.id
	WHERE e.class = 'Property';
COMMENT ON COLUMN report.property.value_numeric IS 'The exact value of a decimal or integer type.';

-- -- documents, work orders --------------------------------------------------------------------------------------------------------------
CREATE VIEW report.document AS
	SELECT m.submodel_id, substring(e.path from '^(.*DocumentVersion[^.]*)\.') AS path,
		min(e.value) FILTER (WHERE e.path ~ '\.Title$') AS title,
		min(e.value) FILTER (WHERE e.path ~ '\.(Document)?Version(Id)?$') AS version,
		min(e.value) FILTER (WHERE e.path ~ '\.Languages?[0-9_]*(\[0\])?$') AS language,
		min(e.value) FILTER (WHERE e.path ~ '\.StatusValue$') AS status,
		min(twinshell.to_date(e.value)) FILTER (WHERE e.path ~ '\.(StatusSetDate|SetDate)$') AS status_date,
		min(e.value) FILTER (WHERE e.path ~ '\.OrganizationShortName$|\.OrganizationName$') AS organization,
		min(e.value) FILTER (WHERE e.class = 'File' AND e.path ~ '\.DigitalFile') AS file,
		count(*) FILTER (WHERE e.class = 'File' AND e.path ~ '\.DigitalFile') AS files
	FROM twinshell.submodel_meaning m JOIN twinshell.element e ON e.submodel = m.submodel AND e.path ~ 'DocumentVersion[^.]*\.'
	WHERE m.kind = 'document' GROUP BY m.submodel_id, 2;
COMMENT ON VIEW report.document IS 'Versions of documents in HandoverDocumentation submodels: one row each.';
COMMENT ON COLUMN report.document.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.document.path IS 'idShortPath of the document version.';
COMMENT ON COLUMN report.document.title IS 'Title, in one of its languages.';
COMMENT ON COLUMN report.document.version IS 'Version.';
COMMENT ON COLUMN report.document.language IS 'Its first language.';
COMMENT ON COLUMN report.document.status IS 'E.g. released.';
COMMENT ON COLUMN report.document.status_date IS 'Since when it has this status.';
COMMENT ON COLUMN report.document.organization IS 'Who is responsible for it.';
COMMENT ON COLUMN report.document.file IS 'Address of its first file.';
COMMENT ON COLUMN report.document.files IS 'How many files.';

CREATE VIEW report.work_order AS
	SELECT m.submodel_id, substring(e.path from '^[^.]+') AS path,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI772#%') AS work_order_id,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABH938#%') AS status,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI773#%') AS priority,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI763#%') AS service_type,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI762#%') AS title,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI764#%') AS description,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI766#%') AS error_code,
		min(e.value_time) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI765#%') AS fault_since,
		min(e.value_text) FILTER (WHERE e.semantic_id LIKE '0173-1#02-ABI774#%') AS asset_id
	FROM twinshell.submodel_meaning m JOIN twinshell.current_value e ON e.submodel = m.submodel AND strpos(e.path, '.') > 0
	WHERE m.kind = 'service' GROUP BY m.submodel_id, 2;
COMMENT ON VIEW report.work_order IS 'Service requests: one row per notification in ServiceRequestNotification submodels (IDTA 02010).';
COMMENT ON COLUMN report.work_order.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.work_order.path IS 'idShort of the notification.';
COMMENT ON COLUMN report.work_order.work_order_id IS 'Its number in the system it came from.';
COMMENT ON COLUMN report.work_order.status IS 'Status, as that system calls it.';
COMMENT ON COLUMN report.work_order.priority IS 'Priority, as that system calls it.';
COMMENT ON COLUMN report.work_order.service_type IS 'What kind of service is asked for.';
COMMENT ON COLUMN report.work_order.title IS 'What it is about, in one of its languages.';
COMMENT ON COLUMN report.work_order.description IS 'What it is about at length, in one of its languages.';
COMMENT ON COLUMN report.work_order.error_code IS 'Error code of the asset.';
COMMENT ON COLUMN report.work_order.fault_since IS 'When the fault began.';
COMMENT ON COLUMN report.work_order.asset_id IS 'Global id of the asset it is about.';

-- -- predictions, health, alarms -----------------------------------------------------------------------------------------------------------
-- Ranges are samples of their text, "min max".
CREATE VIEW report.prediction AS
	SELECT p.submodel_id, p.time,
		min(p.value_num) FILTER (WHERE p.path = 'RemainingUsefulLifePrediction.RemainingUsefulLifetime.DurationValue') AS rul_h,
		min(twinshell.to_numeric(split_part(p.value_text, ' ', 1))) FILTER (WHERE p.path = 'RemainingUsefulLifePrediction.ConfidenceInterval')::double precision AS rul_low_h,
		min(twinshell.to_numeric(split_part(p.value_text, ' ', 2))) FILTER (WHERE p.path = 'RemainingUsefulLifePrediction.ConfidenceInterval')::double precision AS rul_high_h
	FROM report.sample p
	WHERE p.path IN ('RemainingUsefulLifePrediction.RemainingUsefulLifetime.DurationValue', 'RemainingUsefulLifePrediction.ConfidenceInterval')
	GROUP BY p.submodel_id, p.time;
COMMENT ON VIEW report.prediction IS 'Predictions of the remaining useful life over time: one row per prediction that was recorded, at most one a minute.';
COMMENT ON COLUMN report.prediction.submodel_id IS 'Id of the PredictiveMaintenance submodel.';
COMMENT ON COLUMN report.prediction.time IS 'When it was predicted.';
COMMENT ON COLUMN report.prediction.rul_h IS 'Remaining useful life in hours: the median.';
COMMENT ON COLUMN report.prediction.rul_low_h IS 'Its 5 % bound.';
COMMENT ON COLUMN report.prediction.rul_high_h IS 'Its 95 % bound.';

CREATE VIEW report.health AS
	SELECT k.shell_id, m.submodel_id,
		min(l.num) FILTER (WHERE r.path = 'Model.HealthIndex') AS health_index,
		min(l.value) FILTER (WHERE r.path = 'Model.State') AS state,
		min(l.value) FILTER (WHERE r.path = 'Connection.State') AS connection,
		min(v.num) AS rul_h, min(v.low) AS rul_low_h, min(v.high) AS rul_high_h, bool_or(v.required) AS maintenance_required,
		max(coalesce(v.ts, l.ts)) AS time
	FROM twinshell.submodel_meaning m
	JOIN twinshell.series r ON r.submodel = m.submodel AND r.path IN ('Model.HealthIndex', 'Model.State', 'Connection.State')
	JOIN twinshell.live l ON l.series = r.id
	LEFT JOIN twinshell.shell_submodel k ON k.submodel = m.submodel
	LEFT JOIN LATERAL (SELECT max(lp.num) FILTER (WHERE q.path = 'RemainingUsefulLifePrediction.RemainingUsefulLifetime.DurationValue') AS num,
			max(twinshell.to_numeric(split_part(lp.value, ' ', 1))) FILTER (WHERE q.path = 'RemainingUsefulLifePrediction.ConfidenceInterval')::double precision AS low,
			max(twinshell.to_numeric(split_part(lp.value, ' ', 2))) FILTER (WHERE q.path = 'RemainingUsefulLifePrediction.ConfidenceInterval')::double precision AS high,
			bool_or(lp.bool) FILTER (WHERE q.path = 'RemainingUsefulLifePrediction.AlertAfterExceedingRemainingUsableLife.MaintenanceRequired') AS required,
			max(lp.ts) FILTER (WHERE q.path = 'RemainingUsefulLifePrediction.RemainingUsefulLifetime.DurationValue') AS ts
		FROM twinshell.element e JOIN twinshell.series q ON q.submodel_id = e.value JOIN twinshell.live lp ON lp.series = q.id
		WHERE e.submodel = m.submodel AND e.path_key = hashtextextended('Model.Prediction', 0) AND e.path = 'Model.Prediction') v ON true
	WHERE m.kind = 'engine' GROUP BY k.shell_id, m.submodel_id;
COMMENT ON VIEW report.health IS 'How the twins are now: one row per TwinEngine submodel that the engine runs, and shell that refers to it.';
COMMENT ON COLUMN report.health.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.health.submodel_id IS 'Id of the TwinEngine submodel.';
COMMENT ON COLUMN report.health.health_index IS '1 as new, 0 at the end of life; absent without evidence.';
COMMENT ON COLUMN report.health.state IS 'not enough evidence, ok, degrading, failed or stopped; absent without a model.';
COMMENT ON COLUMN report.health.connection IS 'connected, connecting or disconnected.';
COMMENT ON COLUMN report.health.rul_h IS 'Remaining useful life in hours: the median.';
COMMENT ON COLUMN report.health.rul_low_h IS 'Its 5 % bound.';
COMMENT ON COLUMN report.health.rul_high_h IS 'Its 95 % bound.';
COMMENT ON COLUMN report.health.maintenance_required IS 'The prediction asks for maintenance.';
COMMENT ON COLUMN report.health.time IS 'When this was found.';

CREATE VIEW report.alarm AS
	SELECT r.submodel_id, r.path, 'quality' AS kind, CASE l.quality WHEN 4 THEN 'high' ELSE 'warning' END AS severity, l.recorded_at AS since,
		'the value is ' || twinshell.quality_name(l.quality) AS text, l.ts AS source_time
	FROM twinshell.live l JOIN twinshell.series r ON r.id = l.series WHERE l.quality >= 3
	UNION ALL
	SELECT r.submodel_id, r.path, CASE r.path WHEN 'Model.State' THEN 'health' ELSE 'connection' END,
		CASE l.value WHEN 'failed' THEN 'critical' WHEN 'disconnected' THEN 'high' ELSE 'warning' END, l.recorded_at,
		CASE r.path WHEN 'Model.State' THEN 'the asset is ' || l.value ELSE 'the broker is ' || l.value END, l.ts
	FROM twinshell.submodel_meaning m JOIN twinshell.series r ON r.submodel = m.submodel AND r.path IN ('Model.State', 'Connection.State')
	JOIN twinshell.live l ON l.series = r.id AND l.value IN ('degrading', 'failed', 'connecting', 'disconnected')
	WHERE m.kind = 'engine'
	UNION ALL
	SELECT r.submodel_id, r.path, 'prediction', 'high', l.recorded_at, l.value, l.ts
	FROM twinshell.submodel_meaning m
	JOIN twinshell.series r ON r.submodel = m.submodel AND r.path = 'RemainingUsefulLifePrediction.AlertAfterExceedingRemainingUsableLife.AlertMessage'
	JOIN twinshell.live l ON l.series = r.id AND l.value <> '' WHERE m.kind = 'prediction';
COMMENT ON VIEW report.alarm IS 'What is not as it should be now: values that are stale or bad, connections, health, predictions.';
COMMENT ON COLUMN report.alarm.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.alarm.path IS 'idShortPath of the element that says so.';
COMMENT ON COLUMN report.alarm.kind IS 'quality, connection, health or prediction.';
COMMENT ON COLUMN report.alarm.severity IS 'warning, high or critical.';
COMMENT ON COLUMN report.alarm.since IS 'When it was written here.';
COMMENT ON COLUMN report.alarm.text IS 'What it is.';
COMMENT ON COLUMN report.alarm.source_time IS 'Time of the value at its source.';

CREATE VIEW report.alarm_event AS
	SELECT p.submodel_id, p.path, CASE WHEN p.path = 'Model.State' THEN 'health' WHEN p.path = 'Connection.State' THEN 'connection'
			WHEN p.path LIKE 'Links.%' THEN 'quality' ELSE 'prediction' END AS kind,
		CASE WHEN p.value_text IN ('ok', 'good', 'connected', 'simulated', 'uncertain', 'not enough evidence', 'stopped') THEN 'info'
			WHEN p.value_text = 'failed' THEN 'critical' WHEN p.value_text IN ('degrading', 'stale', 'connecting') THEN 'warning' ELSE 'high' END AS severity,
		p.time, p.value_text AS text
	FROM report.sample p
	WHERE p.path IN ('Model.State', 'Connection.State', 'RemainingUsefulLifePrediction.AlertAfterExceedingRemainingUsableLife.AlertMessage')
		OR (p.path LIKE 'Links.%' AND p.path LIKE '%.Quality')
	UNION ALL
	SELECT c.submodel_id, c.path, 'command', 'warning', coalesce(c.answered_at, c.requested_at), c.state || ': ' || c.reason
	FROM twinshell.command c WHERE c.state IN ('rejected', 'timeout', 'refused');
COMMENT ON VIEW report.alarm_event IS 'When states changed, for the better or the worse, and commands that were not carried out: one row per event.';
COMMENT ON COLUMN report.alarm_event.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.alarm_event.path IS 'idShortPath of the element or Operation.';
COMMENT ON COLUMN report.alarm_event.kind IS 'quality, connection, health, prediction or command.';
COMMENT ON COLUMN report.alarm_event.severity IS 'info (it is well again), warning, high or critical.';
COMMENT ON COLUMN report.alarm_event.time IS 'When it happened.';
COMMENT ON COLUMN report.alarm_event.text IS 'The state since then, or how the command ended.';

CREATE VIEW report.invocation AS
	SELECT submodel_id, path, state, message, requested_at, ended_at,
		extract(epoch FROM ended_at - requested_at)::double precision AS duration_s
	FROM twinshell.invocation;
COMMENT ON VIEW report.invocation IS 'Asynchronous invocations of operations, as long as their results are kept; without the handles, which would open the results.';
COMMENT ON COLUMN report.invocation.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.invocation.path IS 'idShortPath of the Operation.';
COMMENT ON COLUMN report.invocation.state IS 'Initiated, Running, Completed, Failed, Timeout or Canceled.';
COMMENT ON COLUMN report.invocation.message IS 'Why it did not complete.';
COMMENT ON COLUMN report.invocation.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN report.invocation.ended_at IS 'When it ended.';
COMMENT ON COLUMN report.invocation.duration_s IS 'Seconds from the request to the end.';

-- -- the thread -----------------------------------------------------------------------------------------------------------------------------
-- Every part is joined from the lookup rows of the shell, so a condition on shell_id reaches their index.
CREATE VIEW report.thread AS
	SELECT a.id AS shell_id, g.global_asset_id AS asset_id, t.time, t.kind, t.source, t.path, t.summary, t.actor, t.request, t.before, t.after
	FROM (SELECT DISTINCT key, id FROM twinshell.lookup WHERE kind = 0 AND field IN (5, 6)) a JOIN twinshell.shell g ON g.key = a.key CROSS JOIN LATERAL (
		SELECT h.recorded_at AS time, 'asset' AS kind, h.id AS source, NULL::text AS path, 'shell: ' || h.operation AS summary, h.actor, h.request,
			NULL::text AS before, NULL::text AS after
		FROM twinshell.history h WHERE h.key = a.key AND h.kind = 0
		UNION ALL
		SELECT h.recorded_at, CASE WHEN m.kind = 'structure' THEN 'structure' WHEN m.kind = 'document' THEN 'document'
				WHEN m.kind IN ('service', 'maintenance') THEN 'maintenance'
				WHEN m.kind = 'model' OR (m.kind = 'engine' AND coalesce(c.path, h.element) LIKE 'Model.%') THEN 'model' ELSE 'change' END,
			h.id, coalesce(c.path, h.element),
			coalesce(s.id_short, 'submodel') || ': ' || CASE WHEN h.operation = 'value' THEN 'value' WHEN h.element IS NULL THEN h.operation
				ELSE 'element ' || coalesce(h.element_operation, h.operation) END, h.actor, h.request, c.before, c.after
		FROM twinshell.shell_submodel k JOIN twinshell.history h ON h.key = k.submodel AND h.kind = 1
		LEFT JOIN twinshell.submodel s ON s.key = k.submodel
		LEFT JOIN twinshell.submodel_meaning m ON m.submodel = k.submodel AND m.kind <> 'prediction'
		LEFT JOIN LATERAL unnest(h.paths, h.before_values, h.after_values) AS c (path, before, after) ON h.operation = 'value'
		WHERE k.shell = a.key
		UNION ALL
		SELECT coalesce(d.status_date::timestamp AT TIME ZONE 'UTC', s.created_at), 'document', d.submodel_id, d.path,
			concat_ws(' ', coalesce(d.title, 'document'), d.version, d.language, d.status), d.organization, NULL, NULL, d.file
		FROM twinshell.shell_submodel k JOIN twinshell.submodel s ON s.key = k.submodel JOIN report.document d ON d.submodel_id = s.id
		WHERE k.shell = a.key
		UNION ALL
		SELECT o.fault_since, 'maintenance', o.submodel_id, o.path, concat_ws(' ', 'work order', o.work_order_id, o.title, o.status), NULL, NULL, NULL, o.status
		FROM twinshell.shell_submodel k JOIN report.work_order o ON o.submodel_id = k.submodel_id
		WHERE k.shell = a.key AND o.fault_since IS NOT NULL
		UNION ALL
		SELECT i.requested_at, 'operation', i.submodel_id, i.path, concat_ws(': ', 'invocation ' || lower(i.state), i.message), NULL, NULL, NULL, i.state
		FROM twinshell.shell_submodel k JOIN twinshell.invocation i ON i.submodel_id = k.submodel_id WHERE k.shell = a.key
		UNION ALL
		SELECT c.requested_at, 'command', c.submodel_id, c.path, concat_ws(': ', 'command ' || c.state, nullif(c.reason, '')), NULL, c.id, NULL, c.payload
		FROM twinshell.shell_submodel k JOIN twinshell.command c ON c.submodel = k.submodel WHERE k.shell = a.key
		UNION ALL
		SELECT p.time, 'prediction', p.submodel_id, NULL, 'remaining useful life ' || round(p.rul_h::numeric, 1) || ' h'
				|| coalesce(' (' || round(p.rul_low_h::numeric, 1) || ' to ' || round(p.rul_high_h::numeric, 1) || ')', ''), NULL, NULL, NULL, p.rul_h::text
		FROM twinshell.shell_submodel k JOIN LATERAL (SELECT DISTINCT ON (q.submodel_id, date_trunc('day', q.time, 'UTC')) q.*
			FROM report.prediction q WHERE q.submodel_id = k.submodel_id ORDER BY q.submodel_id, date_trunc('day', q.time, 'UTC'), q.time DESC) p ON true
		WHERE k.shell = a.key AND p.rul_h IS NOT NULL
		UNION ALL
		SELECT e.time, e.kind, e.submodel_id, e.path, e.text, NULL, NULL, NULL, e.text
		FROM twinshell.shell_submodel k JOIN report.alarm_event e ON e.submodel_id = k.submodel_id
		WHERE k.shell = a.key AND e.kind IN ('health', 'prediction')
	) t;
COMMENT ON VIEW report.thread IS 'The life of an asset: its documents, structure, changes, operations, commands, predictions, models and maintenance. Ask for one shell_id, ordered by time.';
COMMENT ON COLUMN report.thread.shell_id IS 'Id of the shell.';
COMMENT ON COLUMN report.thread.asset_id IS 'Global id of the asset.';
COMMENT ON COLUMN report.thread.time IS 'When.';
COMMENT ON COLUMN report.thread.kind IS 'asset, structure, document, maintenance, model, change, operation, command, prediction (of each UTC day the last one, and alerts) or health.';
COMMENT ON COLUMN report.thread.source IS 'Id of the shell or submodel that tells it.';
COMMENT ON COLUMN report.thread.path IS 'idShortPath, when it is about one element.';
COMMENT ON COLUMN report.thread.summary IS 'What happened, in words.';
COMMENT ON COLUMN report.thread.actor IS 'Who did it, if known; of a document, the organization.';
COMMENT ON COLUMN report.thread.request IS 'Correlation id of the request; of a command, its id.';
COMMENT ON COLUMN report.thread.before IS 'The value before, of a change of one value.';
COMMENT ON COLUMN report.thread.after IS 'The value since then; of a command its payload, of a document its file.';

CREATE VIEW report.data_quality AS
	SELECT r.submodel_id, count(*) AS series, count(*) FILTER (WHERE l.quality = 0) AS good, count(*) FILTER (WHERE l.quality = 1) AS uncertain,
		count(*) FILTER (WHERE l.quality = 2) AS simulated, count(*) FILTER (WHERE l.quality = 3) AS stale, count(*) FILTER (WHERE l.quality = 4) AS bad,
		count(*) FILTER (WHERE l.value IS NULL) AS without_value, extract(epoch FROM now() - min(l.ts))::double precision AS oldest_age_s
	FROM twinshell.series r JOIN twinshell.live l ON l.series = r.id GROUP BY r.submodel_id;
COMMENT ON VIEW report.data_quality IS 'How good the live values are: one row per submodel that has some.';
COMMENT ON COLUMN report.data_quality.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN report.data_quality.series IS 'Its live values.';
COMMENT ON COLUMN report.data_quality.good IS 'Of them, good ones.';
COMMENT ON COLUMN report.data_quality.uncertain IS 'Uncertain ones.';
COMMENT ON COLUMN report.data_quality.simulated IS 'Simulated ones.';
COMMENT ON COLUMN report.data_quality.stale IS 'Stale ones.';
COMMENT ON COLUMN report.data_quality.bad IS 'Bad ones.';
COMMENT ON COLUMN report.data_quality.without_value IS 'Those that are known to have no value.';
COMMENT ON COLUMN report.data_quality.oldest_age_s IS 'Age of the oldest of them in seconds.';

-- -- typed views: one row per submodel of a type, one column per element -----------------------------------------------------------------
CREATE TABLE twinshell.typed_view (
	name         text COLLATE "C" PRIMARY KEY,
	semantic_id  text COLLATE "C" NOT NULL,
	created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE twinshell.typed_view IS 'Views of the schema report that were made for a type of submodel.';
COMMENT ON COLUMN twinshell.typed_view.name IS 'Name of the view.';
COMMENT ON COLUMN twinshell.typed_view.semantic_id IS 'First key of the semanticId of the submodels.';
COMMENT ON COLUMN twinshell.typed_view.created_at IS 'When it was made.';
CREATE TABLE twinshell.typed_column (
	view      text COLLATE "C" NOT NULL REFERENCES twinshell.typed_view ON DELETE CASCADE,
	position  integer NOT NULL,
	name      text COLLATE "C" NOT NULL,
	path      text COLLATE "C" NOT NULL,
	type      text NOT NULL,
	PRIMARY KEY (view, position),
	UNIQUE (view, name)
);
COMMENT ON TABLE twinshell.typed_column IS 'Their columns that show an element: a column stays where it is when the view is made again.';
COMMENT ON COLUMN twinshell.typed_column.view IS 'Name of the view.';
COMMENT ON COLUMN twinshell.typed_column.position IS 'Order, from 1.';
COMMENT ON COLUMN twinshell.typed_column.name IS 'Name of the column.';
COMMENT ON COLUMN twinshell.typed_column.path IS 'idShortPath of the element.';
COMMENT ON COLUMN twinshell.typed_column.type IS 'SQL type of the column.';

CREATE FUNCTION twinshell.sql_name(text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN n = '' THEN 'column' WHEN n ~ '^[0-9]' OR EXISTS (SELECT FROM pg_catalog.pg_get_keywords() w WHERE w.word = n AND w.catcode IN ('R', 'T'))
		THEN '_' || n ELSE n END
	FROM (SELECT CASE WHEN length(w) <= 56 THEN w ELSE rtrim(left(w, 47), '_') || '_' || left(md5($1), 8) END AS n
		FROM (SELECT trim('_' FROM lower(regexp_replace(regexp_replace(regexp_replace(left($1, 4000), '([a-z0-9])([A-Z])', '\1_\2', 'g'),
			'([A-Z]+)([A-Z][a-z])', '\1_\2', 'g'), '[^A-Za-z0-9]+', '_', 'g')) COLLATE "C") AS w) x) y $$;
COMMENT ON FUNCTION twinshell.sql_name(text) IS 'An idShortPath as a name that needs no quotes in SQL, of 57 characters at most.';

CREATE FUNCTION twinshell.sql_type(class text, value_type text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN class <> 'Property' THEN 'text' ELSE coalesce((SELECT t FROM (VALUES ('boolean', 'xs:boolean'), ('double precision', 'xs:double'),
		('double precision', 'xs:float'), ('integer', 'xs:int'), ('integer', 'xs:short'), ('integer', 'xs:byte'), ('integer', 'xs:unsignedShort'),
		('integer', 'xs:unsignedByte'), ('bigint', 'xs:long'), ('bigint', 'xs:unsignedInt'), ('numeric', 'xs:decimal'), ('numeric', 'xs:integer'),
		('numeric', 'xs:unsignedLong'), ('numeric', 'xs:nonNegativeInteger'), ('numeric', 'xs:positiveInteger'), ('numeric', 'xs:nonPositiveInteger'),
		('numeric', 'xs:negativeInteger'), ('timestamp with time zone', 'xs:dateTime'), ('date', 'xs:date')) AS v (t, x) WHERE x = value_type), 'text') END $$;
COMMENT ON FUNCTION twinshell.sql_type(text, text) IS 'SQL type of a column that shows an element of that class and xs: type.';

-- The elements of all submodels of a type, and the type of the column for each: what differs between submodels meets in a wider type.
CREATE FUNCTION twinshell.typed_elements(iri text) RETURNS TABLE (path text, "position" integer, type text, semantic_id text, unit text)
LANGUAGE sql STABLE AS $$
	SELECT e.path, min(e.position), CASE WHEN count(DISTINCT t.type) = 1 THEN min(t.type)
			WHEN bool_and(t.type IN ('integer', 'bigint', 'numeric')) THEN 'numeric'
			WHEN bool_and(t.type IN ('integer', 'bigint', 'numeric', 'double precision')) THEN 'double precision' ELSE 'text' END,
		min(m.text), min(e.unit)
	FROM twinshell.lookup k JOIN twinshell.submodel s ON s.key = k.key AND s.modelling_kind IS DISTINCT FROM 'Template'
	JOIN twinshell.element e ON e.submodel = s.key AND e.class IN ('Property', 'MultiLanguageProperty', 'Range', 'File')
	LEFT JOIN twinshell.term m ON m.key = e.semantic
	CROSS JOIN LATERAL (SELECT twinshell.sql_type(e.class, e.value_type) AS type) t
	WHERE k.kind = 1 AND k.field = 7 AND k.hash = twinshell.key_of(E'0\n' || iri) AND k.value = iri
	GROUP BY e.path $$;
COMMENT ON FUNCTION twinshell.typed_elements(text) IS 'Elements of the submodels whose semanticId begins with that key.';

CREATE FUNCTION twinshell.drop_typed_view(view_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM twinshell.typed_view WHERE name = view_name;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no view "%" of a type of submodel', view_name USING ERRCODE = 'TW001';
	END IF;
	EXECUTE format('DROP VIEW IF EXISTS report.%I', view_name);
END $$;
COMMENT ON FUNCTION twinshell.drop_typed_view(text) IS 'Drops a view that twinshell.create_typed_view made.';

CREATE FUNCTION twinshell.create_typed_view(iri text, view_name text, most integer, replace boolean,
	OUT name text, OUT columns integer, OUT added integer, OUT left_out integer, OUT submodels bigint) LANGUAGE plpgsql AS $$
DECLARE
	old twinshell.typed_view;
	e record;
	n text;
	try text;
	i integer := 0;
	at integer;
	list text := '';
	value text;
BEGIN
	PERFORM pg_advisory_xact_lock(twinshell.key_of('twinshell.typed_view'));
	IF most < 1 OR most > 200 THEN
		RAISE EXCEPTION 'a view has 1 to 200 columns of elements, not %', most USING ERRCODE = 'TW001';
	END IF;
	SELECT count(*), mode() WITHIN GROUP (ORDER BY s.id_short) INTO submodels, n FROM twinshell.lookup k
		JOIN twinshell.submodel s ON s.key = k.key AND s.modelling_kind IS DISTINCT FROM 'Template'
		WHERE k.kind = 1 AND k.field = 7 AND k.hash = twinshell.key_of(E'0\n' || iri) AND k.value = iri;
	name := coalesce(view_name, (SELECT v.name FROM twinshell.typed_view v WHERE v.semantic_id = iri ORDER BY v.created_at LIMIT 1),
		twinshell.sql_name(coalesce(n, substring(iri from '[^/#:]+$'))));
	IF name !~ '^[a-z_][a-z0-9_]{0,62}$' THEN
		RAISE EXCEPTION 'a name has up to 63 of a-z, 0-9 and _, and does not begin with a digit: "%"', name USING ERRCODE = 'TW001';
	END IF;
	SELECT * INTO old FROM twinshell.typed_view v WHERE v.name = create_typed_view.name;
	IF old.name IS NULL AND to_regclass(format('report.%I', name)) IS NOT NULL THEN
		RAISE EXCEPTION 'report.% is not a view of a type of submodel: choose another name', name USING ERRCODE = 'TW001';
	ELSIF old.semantic_id <> iri AND NOT replace THEN
		RAISE EXCEPTION 'report.% is the view of %: choose another name, or replace it', name, old.semantic_id USING ERRCODE = 'TW001';
	ELSIF submodels = 0 AND (old.name IS NULL OR replace) THEN
		RAISE EXCEPTION 'there is no submodel with the semanticId "%"', iri USING ERRCODE = 'TW001';
	END IF;
	IF replace AND old.name IS NOT NULL THEN
		PERFORM twinshell.drop_typed_view(name);
		old := NULL;
	END IF;
	IF old.name IS NULL THEN
		INSERT INTO twinshell.typed_view (name, semantic_id) VALUES (create_typed_view.name, iri);
	END IF;
	SELECT coalesce(max(c.position), 0) INTO at FROM twinshell.typed_column c WHERE c.view = create_typed_view.name;
	added := 0;
	left_out := 0;
	FOR e IN SELECT t.path, t.type, c.name AS column_name, c.type AS old_type FROM twinshell.typed_elements(iri) t
		LEFT JOIN twinshell.typed_column c ON c.view = create_typed_view.name AND c.path = t.path ORDER BY t.position, t.path LOOP
		IF e.column_name IS NOT NULL THEN
			IF e.type <> e.old_type THEN
				RAISE EXCEPTION 'report.%: "%" is % now, the column % is %: replace the view', name, e.path, e.type, e.column_name, e.old_type
					USING ERRCODE = 'TW001';
			END IF;
			CONTINUE;
		END IF;
		IF at >= most THEN
			left_out := left_out + 1;
			CONTINUE;
		END IF;
		n := twinshell.sql_name(e.path);
		try := n;
		i := 1;
		WHILE try IN ('submodel_id', 'submodel_id_short', 'shell_id', 'version', 'updated_at')
			OR EXISTS (SELECT FROM twinshell.typed_column c WHERE c.view = create_typed_view.name AND c.name = try) LOOP
			i := i + 1;
			try := n || '_' || i;
		END LOOP;
		at := at + 1;
		added := added + 1;
		INSERT INTO twinshell.typed_column (view, position, name, path, type) VALUES (create_typed_view.name, at, try, e.path, e.type);
	END LOOP;
	FOR e IN SELECT c.name, c.path, c.type FROM twinshell.typed_column c WHERE c.view = create_typed_view.name ORDER BY c.position LOOP
		value := CASE e.type WHEN 'boolean' THEN 'bool_or(v.value_bool)' WHEN 'double precision' THEN 'min(v.value_num)'
			WHEN 'timestamp with time zone' THEN 'min(v.value_time)' WHEN 'date' THEN 'min(twinshell.to_date(v.value_text))'
			WHEN 'integer' THEN 'min(twinshell.to_integer(v.value_text, 2147483647))' WHEN 'bigint' THEN 'min(twinshell.to_integer(v.value_text, 9223372036854775807))'
			WHEN 'numeric' THEN 'min(twinshell.to_numeric(v.value_text))' ELSE 'min(v.value_text)' END;
		list := list || format(E',\n\t(%s FILTER (WHERE v.path = %L))::%s AS %I', value, e.path, e.type, e.name);
	END LOOP;
	SELECT count(*) INTO columns FROM twinshell.typed_column c WHERE c.view = create_typed_view.name;
	EXECUTE format(E'CREATE OR REPLACE VIEW report.%I WITH (security_invoker = true) AS\nSELECT s.id AS submodel_id, s.id_short AS submodel_id_short,\n'
		'\t(SELECT min(a.shell_id) FROM twinshell.shell_submodel a WHERE a.submodel = s.key) AS shell_id, s.version, s.updated_at%s\n'
		'FROM twinshell.lookup k JOIN twinshell.submodel s ON s.key = k.key AND s.modelling_kind IS DISTINCT FROM ''Template''\n'
		'LEFT JOIN twinshell.current_value v ON v.submodel = s.key\nWHERE k.kind = 1 AND k.field = 7 AND k.hash = %s AND k.value = %L\nGROUP BY s.key',
		name, list, twinshell.key_of(E'0\n' || iri), iri);
	EXECUTE format('COMMENT ON VIEW report.%I IS %L', name, 'Submodels of the type ' || iri || ': one row each, with the current values.');
	EXECUTE format('COMMENT ON COLUMN report.%I.submodel_id IS %L', name, 'Id of the submodel.');
	EXECUTE format('COMMENT ON COLUMN report.%I.submodel_id_short IS %L', name, 'Short name of the submodel.');
	EXECUTE format('COMMENT ON COLUMN report.%I.shell_id IS %L', name, 'Id of the shell that refers to it; the first one when there are several.');
	EXECUTE format('COMMENT ON COLUMN report.%I.version IS %L', name, 'Grows with every change.');
	EXECUTE format('COMMENT ON COLUMN report.%I.updated_at IS %L', name, 'When it was last changed.');
	FOR e IN SELECT c.name, c.path, t.semantic_id, t.unit FROM twinshell.typed_column c LEFT JOIN twinshell.typed_elements(iri) t ON t.path = c.path
		WHERE c.view = create_typed_view.name LOOP
		EXECUTE format('COMMENT ON COLUMN report.%I.%I IS %L', name, e.name,
			concat_ws(', ', e.path, 'means ' || e.semantic_id, 'in ' || e.unit));
	END LOOP;
END $$;
COMMENT ON FUNCTION twinshell.create_typed_view(text, text, integer, boolean) IS 'Makes the view of a type of submodel, or adds to it the columns that are new; what the columns are stays, or it is an error unless the view is replaced.';

-- -- who may read what -------------------------------------------------------------------------------------------------------------------
CREATE TABLE twinshell.tenant_by (
	name  text COLLATE "C" PRIMARY KEY
);
COMMENT ON TABLE twinshell.tenant_by IS 'Names of the specific asset ids that say which tenant an asset belongs to.';
COMMENT ON COLUMN twinshell.tenant_by.name IS 'Name of a specific asset id.';
INSERT INTO twinshell.tenant_by VALUES ('tenant');

CREATE TABLE twinshell.tenant_member (
	role    name NOT NULL,
	tenant  text COLLATE "C" NOT NULL,
	PRIMARY KEY (role, tenant)
);
COMMENT ON TABLE twinshell.tenant_member IS 'Whose data a role may read, when it is a member of twinshell_tenant.';
COMMENT ON COLUMN twinshell.tenant_member.role IS 'Role, or a group of roles.';
COMMENT ON COLUMN twinshell.tenant_member.tenant IS 'Value of the specific asset id.';

-- Who asks is a parameter: inside of these functions current_user is their owner.
CREATE FUNCTION twinshell.tenant_shells(who name, of_kind smallint) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1000
	SET search_path = pg_catalog AS $$
	SELECT DISTINCT k.key
	FROM twinshell.tenant_member m JOIN pg_catalog.pg_roles r ON r.rolname = m.role AND pg_catalog.pg_has_role(who, r.oid, 'USAGE')
	CROSS JOIN twinshell.tenant_by b
	JOIN twinshell.lookup k ON k.kind = of_kind AND k.field = 5 AND k.hash = twinshell.key_of(b.name || E'\n' || m.tenant)
		AND k.name = b.name AND k.value = m.tenant $$;
COMMENT ON FUNCTION twinshell.tenant_shells(name, smallint) IS 'Keys of the shells (kind 0) or shell descriptors (kind 3) of the tenants of a role.';
CREATE FUNCTION twinshell.tenant_submodels(who name) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 5000
	SET search_path = pg_catalog AS $$
	SELECT DISTINCT twinshell.key_of(k.value) FROM twinshell.tenant_shells(who, 0::smallint) s (key) JOIN twinshell.lookup k ON k.key = s.key AND k.kind = 0 AND k.field = 6 $$;
COMMENT ON FUNCTION twinshell.tenant_submodels(name) IS 'Keys of the submodels that shells of the tenants of a role refer to.';
CREATE FUNCTION twinshell.tenant_series(who name) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog AS $$
	SELECT r.id FROM twinshell.tenant_submodels(who) s (key) JOIN twinshell.series r ON r.submodel = s.key $$;
COMMENT ON FUNCTION twinshell.tenant_series(name) IS 'Series of the submodels of the tenants of a role.';
CREATE FUNCTION twinshell.tenant_concepts(who name) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1000
	SET search_path = pg_catalog AS $$
	SELECT e.semantic FROM twinshell.tenant_submodels(who) s (key) JOIN twinshell.element e ON e.submodel = s.key WHERE e.semantic IS NOT NULL
	UNION SELECT twinshell.key_of(m.semantic_id) FROM twinshell.tenant_submodels(who) s (key) JOIN twinshell.submodel m ON m.key = s.key $$;
COMMENT ON FUNCTION twinshell.tenant_concepts(name) IS 'Keys of the concept descriptions that submodels of the tenants of a role use as semanticId.';

CREATE TABLE twinshell.tenant_rule (
	relation  text COLLATE "C" PRIMARY KEY,
	owner     text NOT NULL CHECK (owner IN ('shell', 'registered shell', 'submodel', 'series', 'concept', 'kind')),
	key       text NOT NULL
);
COMMENT ON TABLE twinshell.tenant_rule IS 'By what the rows of a table belong to tenants: every table that views of the schema report read and that has data of tenants.';
COMMENT ON COLUMN twinshell.tenant_rule.relation IS 'Table of this schema; it need not exist.';
COMMENT ON COLUMN twinshell.tenant_rule.owner IS 'What its rows belong to: shell, submodel, series, concept description; kind: what the column kind says, as in twinshell.lookup.';
COMMENT ON COLUMN twinshell.tenant_rule.key IS 'Expression over its columns: the key of that.';
INSERT INTO twinshell.tenant_rule (relation, owner, key) VALUES
	('shell', 'shell', 'key'), ('asset_links', 'shell', 'key'), ('shell_descriptor', 'registered shell', 'key'),
	('submodel', 'submodel', 'key'), ('submodel_descriptor', 'submodel', 'key'), ('element', 'submodel', 'submodel'), ('series', 'submodel', 'submodel'),
	('command', 'submodel', 'submodel'), ('invocation', 'submodel', 'twinshell.key_of(submodel_id)'),
	('live', 'series', 'series'), ('sample', 'series', 'series'), ('chunk', 'series', 'series'), ('chunk_open', 'series', 'series'),
	('rollup_1m', 'series', 'series'), ('rollup_1h', 'series', 'series'), ('rollup_1d', 'series', 'series'),
	('concept_description', 'concept', 'key'), ('lookup', 'kind', 'key'), ('history', 'kind', 'key'), ('feed', 'kind', 'key');

-- Conditions say IN, not = ANY (ARRAY(...)): PostgreSQL hashes the one once, and walks the other for every row.
-- May be run again at any time: after another migration, after the roles were made, after tables or views came from elsewhere.
CREATE FUNCTION twinshell.open_reports() RETURNS void LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
	rule record;
	t record;
BEGIN
	IF (SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname IN ('twinshell_report', 'twinshell_tenant')) < 2 THEN
		RAISE WARNING 'the roles twinshell_report and twinshell_tenant are not there: make them, and SELECT twinshell.open_reports()';
		RETURN;
	END IF;
	FOR t IN SELECT c.oid::regclass AS name FROM pg_catalog.pg_class c WHERE c.relkind = 'v' AND c.relnamespace IN ('report'::regnamespace, 'twinshell'::regnamespace)
		AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false) LOOP
		EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', t.name);
	END LOOP;
	FOR t IN SELECT p.oid::regprocedure AS name FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'report'::regnamespace AND p.prosecdef LOOP
		EXECUTE format('ALTER FUNCTION %s SECURITY INVOKER', t.name);
	END LOOP;
	-- What a view reads has to be granted to who reads the view; the schema twinshell is not, so that nobody can name its tables.
	FOR t IN SELECT DISTINCT d.refobjid::regclass AS name FROM pg_catalog.pg_class v
		JOIN pg_catalog.pg_rewrite w ON w.ev_class = v.oid
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> v.oid
		JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relnamespace IN ('twinshell'::regnamespace, 'report'::regnamespace)
		WHERE v.relkind = 'v' AND v.relnamespace IN ('report'::regnamespace, 'twinshell'::regnamespace) LOOP
		EXECUTE format('GRANT SELECT ON %s TO twinshell_report, twinshell_tenant', t.name);
	END LOOP;
	GRANT USAGE ON SCHEMA report TO twinshell_report, twinshell_tenant;
	GRANT SELECT ON ALL TABLES IN SCHEMA report TO twinshell_report, twinshell_tenant;
	ALTER DEFAULT PRIVILEGES IN SCHEMA report GRANT SELECT ON TABLES TO twinshell_report, twinshell_tenant;
	REVOKE ALL ON FUNCTION twinshell.tenant_shells(name, smallint), twinshell.tenant_submodels(name), twinshell.tenant_series(name), twinshell.tenant_concepts(name) FROM PUBLIC;
	GRANT EXECUTE ON FUNCTION twinshell.tenant_shells(name, smallint), twinshell.tenant_submodels(name), twinshell.tenant_series(name), twinshell.tenant_concepts(name)
		TO twinshell_tenant;
	FOR rule IN SELECT r.relation, format(CASE r.owner
			WHEN 'shell' THEN '%1$s IN (SELECT twinshell.tenant_shells(current_user, 0::smallint))'
			WHEN 'registered shell' THEN '%1$s IN (SELECT twinshell.tenant_shells(current_user, 0::smallint)) OR %1$s IN (SELECT twinshell.tenant_shells(current_user, 3::smallint))'
			WHEN 'submodel' THEN '%1$s IN (SELECT twinshell.tenant_submodels(current_user))'
			WHEN 'series' THEN '%1$s IN (SELECT twinshell.tenant_series(current_user))'
			WHEN 'concept' THEN '%1$s IN (SELECT twinshell.tenant_concepts(current_user))'
			ELSE 'CASE WHEN kind IN (0, 3, 5) THEN %1$s IN (SELECT twinshell.tenant_shells(current_user, 0::smallint))'
				' OR (kind = 3 AND %1$s IN (SELECT twinshell.tenant_shells(current_user, 3::smallint)))'
				' WHEN kind IN (1, 4) THEN %1$s IN (SELECT twinshell.tenant_submodels(current_user)) ELSE false END' END, r.key) AS condition
		FROM twinshell.tenant_rule r WHERE to_regclass('twinshell.' || r.relation) IS NOT NULL LOOP
		EXECUTE format('ALTER TABLE twinshell.%I ENABLE ROW LEVEL SECURITY', rule.relation);
		EXECUTE format('DROP POLICY IF EXISTS report ON twinshell.%I', rule.relation);
		EXECUTE format('DROP POLICY IF EXISTS tenant ON twinshell.%I', rule.relation);
		EXECUTE format('CREATE POLICY report ON twinshell.%I USING (true) WITH CHECK (true)', rule.relation);
		EXECUTE format('CREATE POLICY tenant ON twinshell.%I AS RESTRICTIVE FOR SELECT TO twinshell_tenant USING (%s)', rule.relation, rule.condition);
	END LOOP;
END $$;
COMMENT ON FUNCTION twinshell.open_reports() IS 'Lets twinshell_report read the reports, and twinshell_tenant what belongs to its tenants.';

CREATE FUNCTION twinshell.add_reader(who name, VARIADIC tenants text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', who);
	EXECUTE format('ALTER ROLE %I SET statement_timeout = ''60s''', who);
	EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', who);
	IF cardinality(tenants) = 0 THEN
		EXECUTE format('GRANT twinshell_report TO %I', who);
		RETURN;
	END IF;
	EXECUTE format('GRANT twinshell_tenant TO %I', who);
	INSERT INTO twinshell.tenant_member (role, tenant) SELECT who, unnest(tenants) ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION twinshell.add_reader(name, text[]) IS 'Lets a role read the reports, read-only and with time-outs: all of them, or what belongs to the tenants that are named.';

-- Settings of a role count only for who logs in as that role, and roles belong to the cluster: other databases may be at it at the same time.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'twinshell_tenant') THEN
		BEGIN
			CREATE ROLE twinshell_tenant NOLOGIN;
			COMMENT ON ROLE twinshell_tenant IS 'May read in the schema report of twinshell databases what belongs to its tenants (twinshell.tenant_member).';
			ALTER ROLE twinshell_tenant SET default_transaction_read_only = on;
			ALTER ROLE twinshell_tenant SET statement_timeout = '60s';
			ALTER ROLE twinshell_tenant SET idle_in_transaction_session_timeout = '60s';
		EXCEPTION
			WHEN duplicate_object OR unique_violation OR internal_error THEN NULL;	-- another database of this cluster was quicker
			WHEN insufficient_privilege THEN NULL;
		END;
	END IF;
	IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'twinshell_report' AND array_to_string(rolconfig, ' ') !~ 'idle_in_transaction_session_timeout') THEN
		BEGIN
			ALTER ROLE twinshell_report SET idle_in_transaction_session_timeout = '60s';
		EXCEPTION
			WHEN internal_error OR insufficient_privilege THEN NULL;
		END;
	END IF;
END $$;
SELECT twinshell.open_reports();
