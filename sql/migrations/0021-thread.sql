-- SPDX-License-Identifier: Apache-2.0
-- compatible: 18
-- The thread of an asset's life for planners: its phases, every invocation, which model predicted what, and whose site somebody may see.

-- -- invocations -------------------------------------------------------------------------------------------------------------------------
-- Older programs keep none while they go on.
CREATE TABLE twinshell.operation_call (
	submodel      bigint NOT NULL,
	id            bigint NOT NULL,
	asynchronous  boolean NOT NULL,
	submodel_id   text COLLATE "C" NOT NULL,
	path          text COLLATE "C" NOT NULL,
	requested_at  timestamptz NOT NULL,
	ended_at      timestamptz,
	actor         text,
	request       text,
	state         text NOT NULL,
	message       text COMPRESSION lz4,
	inputs        text COMPRESSION lz4,
	outputs       text COMPRESSION lz4,
	PRIMARY KEY (submodel, requested_at, id)
) PARTITION BY RANGE (requested_at);
COMMENT ON TABLE twinshell.operation_call IS 'Every invocation of an operation, synchronous or not, that had arguments which suit it; kept as long as history.';
COMMENT ON COLUMN twinshell.operation_call.submodel IS 'Key of the submodel: distribution column.';
COMMENT ON COLUMN twinshell.operation_call.id IS 'twinshell.key_of its handle, which cannot be read back: whoever knows a handle may read the result.';
COMMENT ON COLUMN twinshell.operation_call.asynchronous IS 'The client asked for the result later.';
COMMENT ON COLUMN twinshell.operation_call.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN twinshell.operation_call.path IS 'idShortPath of the Operation.';
COMMENT ON COLUMN twinshell.operation_call.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN twinshell.operation_call.ended_at IS 'When it ended; absent while it has not.';
COMMENT ON COLUMN twinshell.operation_call.actor IS 'Who asked, if that is known.';
COMMENT ON COLUMN twinshell.operation_call.request IS 'Correlation id of the request.';
COMMENT ON COLUMN twinshell.operation_call.state IS 'executionState: Initiated, Running, Completed, Failed, Timeout or Canceled.';
COMMENT ON COLUMN twinshell.operation_call.message IS 'Why it did not complete.';
COMMENT ON COLUMN twinshell.operation_call.inputs IS 'Inputs and in-outputs as they were given, a JSON array of OperationVariable; of more than 16 KiB the beginning.';
COMMENT ON COLUMN twinshell.operation_call.outputs IS 'Outputs and in-outputs as they came back, in the same form.';
CREATE TABLE twinshell.operation_call_default (LIKE twinshell.operation_call INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING COMPRESSION);
ALTER TABLE twinshell.operation_call ATTACH PARTITION twinshell.operation_call_default DEFAULT;
COMMENT ON TABLE twinshell.operation_call_default IS 'What has no part of its time.';
INSERT INTO twinshell.stretch (relation, key, days) VALUES ('operation_call', 'requested_at', 28);
SELECT twinshell.stretch_make('operation_call', (now() AT TIME ZONE 'UTC')::date);
CREATE FUNCTION twinshell.cut_calls() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	since timestamptz;
	part text;
	n integer := 0;
BEGIN
	SELECT c.kept_since INTO since FROM twinshell.feed_cut c;
	FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'twinshell.operation_call'::regclass
		AND c.relname ~ '_[0-9]{8}$' AND (to_date(right(c.relname, 8), 'YYYYMMDD') + (SELECT s.days FROM twinshell.stretch s
			WHERE s.relation = 'operation_call'))::timestamp AT TIME ZONE 'UTC' <= since LOOP
		EXECUTE format('DROP TABLE twinshell.%I', part);
		n := n + 1;
	END LOOP;
	RETURN n;
END $$;
COMMENT ON FUNCTION twinshell.cut_calls() IS 'Drops the partitions of invocations that end before what is kept of history begins: how many.';
INSERT INTO twinshell.operation_call (submodel, id, asynchronous, submodel_id, path, requested_at, ended_at, state, message, outputs)
	SELECT twinshell.key_of(submodel_id), twinshell.key_of(id), true, submodel_id, path, requested_at, ended_at, state, message, coalesce(outputs, inoutputs)
	FROM twinshell.invocation;
INSERT INTO twinshell.tenant_rule (relation, owner, key) VALUES ('operation_call', 'submodel', 'submodel');

CREATE OR REPLACE VIEW report.invocation WITH (security_invoker = true) AS
	SELECT submodel_id, path, state, message, requested_at, ended_at,
		extract(epoch FROM ended_at - requested_at)::double precision AS duration_s, actor, request, asynchronous, inputs, outputs
	FROM twinshell.operation_call;
COMMENT ON VIEW report.invocation IS 'Invocations of operations, synchronous or not; without the handles, which would open the results. Kept as long as history.';
COMMENT ON COLUMN report.invocation.actor IS 'Who asked, if that is known.';
COMMENT ON COLUMN report.invocation.request IS 'Correlation id of the request.';
COMMENT ON COLUMN report.invocation.asynchronous IS 'The client asked for the result later.';
COMMENT ON COLUMN report.invocation.inputs IS 'Inputs and in-outputs as they were given, a JSON array of OperationVariable; of more than 16 KiB the beginning.';
COMMENT ON COLUMN report.invocation.outputs IS 'Outputs and in-outputs as they came back, in the same form.';

-- -- what submodels are about, and in which phase of a life -------------------------------------------------------------------------------
ALTER TABLE twinshell.meaning ADD COLUMN phase text CHECK (phase IN ('design', 'commissioning', 'operation', 'maintenance'));
COMMENT ON COLUMN twinshell.meaning.phase IS 'Phase of an asset''s life that such a submodel belongs to: design, commissioning, operation or maintenance; absent: not one of them.';
COMMENT ON COLUMN twinshell.meaning.kind IS 'structure, document, nameplate, design, interface, series, service, maintenance, prediction, engine or model.';
INSERT INTO twinshell.meaning (kind, semantic_id) VALUES
	('nameplate', 'https://admin-shell.io/idta/nameplate/3/0/Nameplate'), ('nameplate', 'https://admin-shell.io/zvei/nameplate/2/0/Nameplate'),
	('nameplate', 'https://admin-shell.io/zvei/nameplate/1/0/Nameplate'), ('nameplate', '0173-1#01-AHX838#001'),
	('design', '0173-1#01-AHX837#002'), ('design', 'https://admin-shell.io/ZVEI/TechnicalData/Submodel/1/2'),
	('design', 'https://admin-shell.io/idta/Models3D/1/0'), ('design', 'https://admin-shell.io/idta/iec62683/1/0/Reliability'),
	('interface', 'https://admin-shell.io/idta/AssetInterfacesDescription/1/0/Submodel'),
	('interface', 'https://admin-shell.io/idta/AssetInterfacesDescription/1/1/Submodel'),
	('interface', 'https://admin-shell.io/idta/AssetInterfacesMappingConfiguration/1/0/Submodel'),
	('interface', 'https://admin-shell.io/idta/AssetInterfacesMappingConfiguration/2/0/Submodel'),
	('interface', 'https://admin-shell.io/idta/ControlComponent/Instance/2/0'),
	('series', 'https://admin-shell.io/idta/TimeSeries/1/1'), ('series', 'https://admin-shell.io/idta/ExecutedProcesses/1/0')
	ON CONFLICT DO NOTHING;
UPDATE twinshell.meaning SET phase = CASE WHEN kind IN ('structure', 'design') OR semantic_id LIKE '%/SimulationModels/%' THEN 'design'
	WHEN kind IN ('nameplate', 'interface', 'engine') THEN 'commissioning' WHEN kind IN ('service', 'maintenance') THEN 'maintenance'
	WHEN kind IN ('series', 'prediction', 'model') THEN 'operation' END;

CREATE OR REPLACE VIEW twinshell.submodel_meaning WITH (security_invoker = true) AS
	SELECT m.kind, k.key AS submodel, k.id AS submodel_id, m.phase
	FROM twinshell.meaning m JOIN twinshell.lookup k ON k.kind = 1 AND k.field = 7 AND k.hash = m.hash AND k.value = m.semantic_id;
COMMENT ON COLUMN twinshell.submodel_meaning.phase IS 'As in twinshell.meaning.';

-- Classes of VDI 2770: 01 identification, 02 technical properties, 03 activities (03-01 assembly and commissioning, 03-02 operation, 03-03 safety,
-- 03-04 inspection and maintenance, 03-05 repair, 03-06 spare parts), 04 contracts.
CREATE FUNCTION twinshell.phase_of_class(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN $1 LIKE '03-01%' THEN 'commissioning' WHEN $1 LIKE '02-04%' THEN 'commissioning' WHEN $1 LIKE '03-02%' OR $1 LIKE '03-03%' THEN 'operation'
		WHEN $1 LIKE '03-%' THEN 'maintenance' ELSE 'design' END;
COMMENT ON FUNCTION twinshell.phase_of_class(text) IS 'The phase of an asset''s life that a document of this class of VDI 2770 serves; design for every other.';

CREATE OR REPLACE VIEW report.document WITH (security_invoker = true) AS
	SELECT v.submodel_id, v.path, v.title, v.version, v.language, v.status, v.status_date, v.organization, v.file, v.files,
		c.class_id, c.class_name, twinshell.phase_of_class(c.class_id) AS phase
	FROM (SELECT m.submodel, m.submodel_id, substring(e.path from '^(.*DocumentVersion[^.]*)\.') AS path,
			min(e.value) FILTER (WHERE e.path ~ '\.Title$') AS title,
			min(e.value) FILTER (WHERE e.path ~ '\.(Document)?Version(Id)?$') AS version,
			min(e.value) FILTER (WHERE e.path ~ '\.Languages?[0-9_]*(\[0\])?$') AS language,
			min(e.value) FILTER (WHERE e.path ~ '\.StatusValue$') AS status,
			min(twinshell.to_date(e.value)) FILTER (WHERE e.path ~ '\.(StatusSetDate|SetDate)$') AS status_date,
			min(e.value) FILTER (WHERE e.path ~ '\.OrganizationShortName$|\.OrganizationName$') AS organization,
			min(e.value) FILTER (WHERE e.class = 'File' AND e.path ~ '\.DigitalFile') AS file,
			count(*) FILTER (WHERE e.class = 'File' AND e.path ~ '\.DigitalFile') AS files
		FROM twinshell.submodel_meaning m JOIN twinshell.element e ON e.submodel = m.submodel AND e.path ~ 'DocumentVersion[^.]*\.'
		WHERE m.kind = 'document' GROUP BY m.submodel, m.submodel_id, 3) v
	LEFT JOIN (SELECT e.submodel, regexp_replace(e.path, '\.DocumentClassification.*$', '') AS document,
			min(e.value) FILTER (WHERE e.path ~ '\.(Document)?ClassId$' AND e.value ~ '^0[1-4]-') AS class_id,
			min(e.value) FILTER (WHERE e.path ~ '\.(Document)?ClassName$') AS class_name
		FROM twinshell.submodel_meaning m JOIN twinshell.element e ON e.submodel = m.submodel AND e.path ~ '\.DocumentClassification[^.]*\.'
		WHERE m.kind = 'document' GROUP BY e.submodel, 2) c
	ON c.submodel = v.submodel AND c.document = regexp_replace(v.path, '\.DocumentVersion[^.]*(\.DocumentVersion[^.]*)?$', '');
COMMENT ON COLUMN report.document.class_id IS 'Class of VDI 2770, e.g. 02-01; absent when there is none.';
COMMENT ON COLUMN report.document.class_name IS 'Name of its class, in one of its languages.';
COMMENT ON COLUMN report.document.phase IS 'Phase of the asset''s life that it serves, by its class: design, commissioning, operation or maintenance.';

-- -- models -----------------------------------------------------------------------------------------------------------------------------------
CREATE VIEW report.model_version WITH (security_invoker = true) AS
	SELECT x.submodel_id, x.time, CASE x.path WHEN 'Model.Version' THEN 'version' ELSE 'calibration' END AS kind, x.text, x.before
	FROM (SELECT p.submodel_id, p.path, p.time, p.value_text AS text, lag(p.value_text) OVER (PARTITION BY p.submodel_id, p.path ORDER BY p.time) AS before
		FROM report.sample p WHERE p.path IN ('Model.Version', 'Model.Calibration')) x
	WHERE x.text IS DISTINCT FROM x.before;
COMMENT ON VIEW report.model_version IS 'When a model of a twin was deployed or changed, and when its calibration came on: one row per change.';
COMMENT ON COLUMN report.model_version.submodel_id IS 'Id of the TwinEngine submodel.';
COMMENT ON COLUMN report.model_version.time IS 'Since when.';
COMMENT ON COLUMN report.model_version.kind IS 'version or calibration.';
COMMENT ON COLUMN report.model_version.text IS 'Of a version: kind of model, its revision, fingerprint of its parameters; of a calibration: how much of the asset it knows.';
COMMENT ON COLUMN report.model_version.before IS 'What it was before; absent at the first one.';

CREATE OR REPLACE VIEW report.prediction WITH (security_invoker = true) AS
	SELECT p.submodel_id, p.time,
		min(p.value_num) FILTER (WHERE p.path = 'RemainingUsefulLifePrediction.RemainingUsefulLifetime.DurationValue') AS rul_h,
		min(twinshell.to_numeric(split_part(p.value_text, ' ', 1))) FILTER (WHERE p.path = 'RemainingUsefulLifePrediction.ConfidenceInterval')::double precision AS rul_low_h,
		min(twinshell.to_numeric(split_part(p.value_text, ' ', 2))) FILTER (WHERE p.path = 'RemainingUsefulLifePrediction.ConfidenceInterval')::double precision AS rul_high_h,
		min(p.value_text) FILTER (WHERE p.path = 'RemainingUsefulLifePrediction.PredictionModelInformation.ModelVersion') AS model_version
	FROM report.sample p
	WHERE p.path IN ('RemainingUsefulLifePrediction.RemainingUsefulLifetime.DurationValue', 'RemainingUsefulLifePrediction.ConfidenceInterval',
		'RemainingUsefulLifePrediction.PredictionModelInformation.ModelVersion')
	GROUP BY p.submodel_id, p.time;
COMMENT ON COLUMN report.prediction.model_version IS 'Which model predicted it, as in report.model_version; absent for what was recorded before that was kept.';

-- -- the thread -----------------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION twinshell.thread_kind(kind text, path text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN kind IN ('structure', 'document', 'nameplate', 'design', 'interface', 'model') THEN kind WHEN kind IN ('service', 'maintenance') THEN 'maintenance'
		WHEN kind = 'engine' AND path LIKE 'Model.%' THEN 'model' ELSE 'change' END;
COMMENT ON FUNCTION twinshell.thread_kind(text, text) IS 'What report.thread calls a change of a submodel that is about this.';

-- Every part is joined from the lookup rows of the shell, so a condition on shell_id reaches their index.
CREATE OR REPLACE VIEW report.thread WITH (security_invoker = true) AS
	SELECT a.id AS shell_id, g.global_asset_id AS asset_id, t.time, t.kind, t.source, t.path, t.summary, t.actor, t.request, t.before, t.after,
		t.phase, t.title, t.status, t.ended_at, t.inputs, t.outputs, t.model_version
	FROM (SELECT DISTINCT key, id FROM twinshell.lookup WHERE kind = 0 AND field IN (5, 6)) a JOIN twinshell.shell g ON g.key = a.key CROSS JOIN LATERAL (
		SELECT h.recorded_at AS time, 'asset' AS kind, h.id AS source, NULL::text AS path, 'shell: ' || h.operation AS summary, h.actor, h.request,
			NULL::text AS before, NULL::text AS after, CASE WHEN h.operation = 'create' THEN 'commissioning' ELSE 'operation' END AS phase, g.id_short AS title,
			NULL::text AS status, NULL::timestamptz AS ended_at, NULL::text AS inputs, NULL::text AS outputs, NULL::text AS model_version
		FROM twinshell.history h WHERE h.key = a.key AND h.kind = 0
		UNION ALL
		SELECT h.recorded_at, twinshell.thread_kind(m.kind, coalesce(c.path, h.element)) COLLATE "default", h.id, coalesce(c.path, h.element),
			coalesce(s.id_short, 'submodel') || ': ' || CASE WHEN h.operation = 'value' THEN 'value' WHEN h.element IS NULL THEN h.operation
				ELSE 'element ' || coalesce(h.element_operation, h.operation) END, h.actor, h.request, c.before, c.after,
			coalesce(m.phase, CASE WHEN h.operation = 'create' AND h.element IS NULL THEN 'commissioning' ELSE 'operation' END),
			coalesce(substring(coalesce(c.path, h.element) FROM '[^.]+$'), s.id_short), NULL, NULL, NULL, NULL, NULL
		FROM twinshell.shell_submodel k JOIN twinshell.history h ON h.key = k.submodel AND h.kind = 1
		LEFT JOIN twinshell.submodel s ON s.key = k.submodel
		LEFT JOIN twinshell.submodel_meaning m ON m.submodel = k.submodel AND m.kind <> 'prediction'
		LEFT JOIN LATERAL unnest(h.paths, h.before_values, h.after_values) AS c (path, before, after) ON h.operation = 'value'
		WHERE k.shell = a.key
		UNION ALL
		SELECT coalesce(d.status_date::timestamp AT TIME ZONE 'UTC', s.created_at), 'document', d.submodel_id, d.path,
			concat_ws(' ', coalesce(d.title, 'document'), d.version, d.language, d.status), d.organization, NULL, NULL, d.file,
			d.phase, d.title, d.status, NULL, NULL, NULL, NULL
		FROM twinshell.shell_submodel k JOIN twinshell.submodel s ON s.key = k.submodel JOIN report.document d ON d.submodel_id = s.id
		WHERE k.shell = a.key
		UNION ALL
		SELECT s.updated_at, 'structure', s.id, NULL, 'bill of material: ' || count(*) || CASE count(*) WHEN 1 THEN ' part' ELSE ' parts' END, NULL, NULL, NULL, NULL,
			'design', s.id_short, NULL, NULL, NULL, NULL, NULL
		FROM twinshell.shell_submodel k JOIN twinshell.submodel_meaning m ON m.submodel = k.submodel AND m.kind = 'structure' JOIN twinshell.submodel s ON s.key = k.submodel
		JOIN twinshell.element n ON n.submodel = k.submodel AND n.class = 'Entity' AND strpos(n.path, '.') > 0
		WHERE k.shell = a.key GROUP BY s.key
		UNION ALL
		SELECT s.created_at, 'file', s.id, f.path, 'file ' || f.value, NULL, NULL, NULL, f.value, coalesce(m.phase, 'operation'),
			substring(f.value FROM '[^/]+$'), NULL, NULL, NULL, NULL, NULL
		FROM twinshell.shell_submodel k JOIN twinshell.submodel s ON s.key = k.submodel
		JOIN twinshell.element f ON f.submodel = k.submodel AND f.class = 'File' AND f.value <> ''
		LEFT JOIN twinshell.submodel_meaning m ON m.submodel = k.submodel AND m.kind <> 'prediction'
		WHERE k.shell = a.key AND m.kind IS DISTINCT FROM 'document'
		UNION ALL
		SELECT o.fault_since, 'maintenance', o.submodel_id, o.path, concat_ws(' ', 'work order', o.work_order_id, o.title, o.status), NULL, NULL, NULL, o.status,
			'maintenance', coalesce(o.title, o.work_order_id), o.status, NULL, NULL, NULL, NULL
		FROM twinshell.shell_submodel k JOIN report.work_order o ON o.submodel_id = k.submodel_id
		WHERE k.shell = a.key AND o.fault_since IS NOT NULL
		UNION ALL
		SELECT i.requested_at, 'operation', i.submodel_id, i.path, concat_ws(': ', 'invocation ' || lower(i.state), i.message), i.actor, i.request, NULL, i.state,
			'operation', i.path, i.state, i.ended_at, i.inputs, i.outputs, NULL
		FROM twinshell.shell_submodel k JOIN twinshell.operation_call i ON i.submodel = k.submodel WHERE k.shell = a.key
		UNION ALL
		SELECT c.requested_at, 'command', c.submodel_id, c.path, concat_ws(': ', 'command ' || c.state, nullif(c.reason, '')), NULL, c.id, NULL, c.payload,
			'operation', c.path, c.state, c.answered_at, c.payload, NULL, NULL
		FROM twinshell.shell_submodel k JOIN twinshell.command c ON c.submodel = k.submodel WHERE k.shell = a.key
		UNION ALL
		SELECT p.time, 'prediction', p.submodel_id, NULL, 'remaining useful life ' || round(p.rul_h::numeric, 1) || ' h'
				|| coalesce(' (' || round(p.rul_low_h::numeric, 1) || ' to ' || round(p.rul_high_h::numeric, 1) || ')', ''), NULL, NULL, NULL, p.rul_h::text,
			'operation', 'remaining useful life', NULL, NULL, NULL, NULL, p.model_version
		FROM twinshell.shell_submodel k JOIN LATERAL (SELECT DISTINCT ON (q.submodel_id, date_trunc('day', q.time, 'UTC')) q.*
			FROM report.prediction q WHERE q.submodel_id = k.submodel_id ORDER BY q.submodel_id, date_trunc('day', q.time, 'UTC'), q.time DESC) p ON true
		WHERE k.shell = a.key AND p.rul_h IS NOT NULL
		UNION ALL
		SELECT v.time, 'model', v.submodel_id, 'Model', CASE WHEN v.kind = 'calibration' THEN 'model calibrated: ' WHEN v.before IS NULL THEN 'model deployed: '
				ELSE 'model changed: ' END || v.text, NULL, NULL, v.before, v.text,
			'operation', CASE v.kind WHEN 'calibration' THEN 'calibration' ELSE split_part(v.text, ' ', 1) END, NULL, NULL, NULL, NULL,
			CASE v.kind WHEN 'version' THEN v.text END
		FROM twinshell.shell_submodel k JOIN report.model_version v ON v.submodel_id = k.submodel_id WHERE k.shell = a.key
		UNION ALL
		SELECT e.time, e.kind, e.submodel_id, e.path, e.text, NULL, NULL, NULL, e.text, 'operation', e.text, NULL, NULL, NULL, NULL, NULL
		FROM twinshell.shell_submodel k JOIN report.alarm_event e ON e.submodel_id = k.submodel_id
		WHERE k.shell = a.key AND e.kind IN ('health', 'prediction')
	) t;
COMMENT ON VIEW report.thread IS 'The life of an asset: design documents and bill of material, commissioning, operation and maintenance; changes, files, invocations, commands, predictions and models. Ask for one shell_id, ordered by time.';
COMMENT ON COLUMN report.thread.kind IS 'asset, structure, document, file, nameplate, design, interface, maintenance, model, change, operation, command, prediction (of each UTC day the last one, and alerts) or health.';
COMMENT ON COLUMN report.thread.phase IS 'design, commissioning, operation or maintenance: by the class of a document, else by what the submodel is about (twinshell.meaning).';
COMMENT ON COLUMN report.thread.title IS 'What it is about, in short: a document''s title, a file''s name, the name of an element, of an operation, of a model.';
COMMENT ON COLUMN report.thread.status IS 'How an invocation, a command, a work order or a document stands.';
COMMENT ON COLUMN report.thread.ended_at IS 'When an invocation or a command ended.';
COMMENT ON COLUMN report.thread.inputs IS 'What an invocation was given, a JSON array of OperationVariable; the payload of a command.';
COMMENT ON COLUMN report.thread.outputs IS 'What came back of an invocation, in the same form.';
COMMENT ON COLUMN report.thread.model_version IS 'Which model a prediction was made with, or which was deployed.';

-- -- tenants and sites ------------------------------------------------------------------------------------------------------------------------
-- A site of the name of a tenant is not that tenant: whose data a role may read can name the specific asset id.
ALTER TABLE twinshell.tenant_member DROP CONSTRAINT tenant_member_pkey;
ALTER TABLE twinshell.tenant_member ADD COLUMN name text COLLATE "C";
CREATE UNIQUE INDEX tenant_member_once ON twinshell.tenant_member (role, tenant, coalesce(name, ''));
COMMENT ON COLUMN twinshell.tenant_member.name IS 'Name of the specific asset id whose value counts, e.g. site; absent: those of twinshell.tenant_by.';
COMMENT ON INDEX twinshell.tenant_member_once IS 'A role is a member once.';
CREATE OR REPLACE FUNCTION twinshell.tenant_shells(who name, of_kind smallint) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1000
	SET search_path = pg_catalog AS $$
	SELECT DISTINCT k.key
	FROM twinshell.tenant_member m JOIN pg_catalog.pg_roles r ON r.rolname = m.role AND pg_catalog.pg_has_role(who, r.oid, 'USAGE')
	CROSS JOIN LATERAL (SELECT m.name WHERE m.name IS NOT NULL UNION ALL SELECT t.name FROM twinshell.tenant_by t WHERE m.name IS NULL) b (name)
	JOIN twinshell.lookup k ON k.kind = of_kind AND k.field = 5 AND k.hash = twinshell.key_of(b.name || E'\n' || m.tenant)
		AND k.name = b.name AND k.value = m.tenant $$;
CREATE FUNCTION twinshell.add_site_reader(who name, VARIADIC sites text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF cardinality(sites) = 0 THEN
		RAISE EXCEPTION 'which site?';
	END IF;
	EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', who);
	EXECUTE format('ALTER ROLE %I SET statement_timeout = ''60s''', who);
	EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', who);
	EXECUTE format('GRANT twinshell_tenant TO %I', who);
	INSERT INTO twinshell.tenant_member (role, tenant, name) SELECT who, unnest(sites), 'site' ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION twinshell.add_site_reader(name, text[]) IS 'Lets a role read of the reports what belongs to these sites, read-only and with time-outs.';
SELECT twinshell.open_reports();
