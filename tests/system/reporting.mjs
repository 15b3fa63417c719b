// SPDX-License-Identifier: Apache-2.0
// reporting.mjs - the schema report as others read it: every query of docs/reporting.md and of the dashboards, typed views, two tenants of whom
// each sees its own rows through every view, ODBC and JDBC.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { b64, cli, equal, finish, freePort, installed, ok, pg, postgres, program, run, skip, source, start, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	console.log('1..0 # SKIP PostgreSQL is not installed');
	process.exit(0);
}
const dir = workspace();
const at = join(dir, 'pg');
const cluster = pg('start', at);
const host = /host=(\S+)/.exec(cluster)[1];
const owner = `${cluster} dbname=twin`;
const psql = (conninfo, query, ...more) => run('psql', [conninfo, '-XAtq', '-v', 'ON_ERROR_STOP=1', ...more, '-c', query]).trim();
const sql = query => psql(owner, query);
/** As that role: its answer, or the first line of what went wrong. */
function as(role, query) {
	const r = spawnSync('psql', [`host=${host} port=5432 user=${role} dbname=twin`, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', query], { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 26 });
	return r.status === 0 ? r.stdout.trim() : `failed: ${r.stderr.split('\n')[0]}`;
}
psql(`${cluster.replace(/dbname=\S+/, '')} dbname=postgres`, "CREATE DATABASE twin ENCODING 'UTF8' TEMPLATE template0");

let url, server;
async function call(method, path, body) {
	const reply = await fetch(`${url}/api/v3.0${path}`, { method, headers: { 'Content-Type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(60000) });
	return { status: reply.status, text: await reply.text() };
}

// -- two tenants with the same things ----------------------------------------------------------------------------------------------------
const global = value => ({ type: 'ExternalReference', keys: [{ type: 'GlobalReference', value }] });
const means = value => value ? { semanticId: global(value) } : {};
const property = (idShort, valueType, value, semantic) => ({ modelType: 'Property', idShort, valueType, value, ...means(semantic) });
const text = (idShort, en, semantic) => ({ modelType: 'MultiLanguageProperty', idShort, value: [{ language: 'en', text: en }], ...means(semantic) });
const collection = (idShort, value, semantic) => ({ modelType: 'SubmodelElementCollection', ...(idShort ? { idShort } : {}), value, ...means(semantic) });
const list = (idShort, value) => ({ modelType: 'SubmodelElementList', idShort, typeValueListElement: 'SubmodelElementCollection', value });
const entity = (idShort, globalAssetId, statements = []) => ({ modelType: 'Entity', idShort, entityType: 'SelfManagedEntity', globalAssetId,
	...(statements.length ? { statements } : {}) });
const submodel = (t, idShort, semantic, submodelElements) => ({ modelType: 'Submodel', id: `urn:${t}:${idShort}`, idShort, ...means(semantic), submodelElements });
const TYPE = 'urn:type:Plate';
const RUL = 'RemainingUsefulLifePrediction';

const plate = t => submodel(t, 'Plate', TYPE, [
	property('SerialNumber', 'xs:string', `${t}-1`, 'urn:means:serial'), property('YearOfConstruction', 'xs:int', '2020'),
	property('Mass', 'xs:decimal', '12345678901234567890.125'), property('Ratio', 'xs:double', '0.5'), property('Certified', 'xs:boolean', 'true'),
	property('Built', 'xs:dateTime', '2020-02-29T12:00:00Z'), property('Day', 'xs:date', '2020-02-29'), property('Count', 'xs:long', '9007199254740993'),
	text('Maker', `Maker of ${t}`), collection('Place', [property('order', 'xs:string', 'first'), property('Order', 'xs:string', 'second')]),
	property('Speed', 'xs:double', '1'),
]);
const submodels = t => [
	plate(t),
	submodel(t, 'Structure', 'https://admin-shell.io/idta/HierarchicalStructures/1/1/Submodel', [
		entity('EntryNode', `urn:${t}:asset`, [entity('Motor', `urn:${t}:motor`, [entity('Bearing', `urn:${t}:bearing`)])]),
		property('ArcheType', 'xs:string', 'Full')]),
	submodel(t, 'Documents', '0173-1#01-AHF578#003', [list('Documents', [collection(undefined, [list('DocumentVersions', [collection(undefined, [
		property('Version', 'xs:string', '1.1'), text('Title', `Manual of ${t}`), property('StatusValue', 'xs:string', 'Released'), property('StatusSetDate', 'xs:date', '2024-02-29'),
		{ ...list('DigitalFiles', [{ modelType: 'File', contentType: 'application/pdf', value: `/${t}.pdf` }]), typeValueListElement: 'File' }])])])])]),
	submodel(t, 'Service', '0173-1#01-AHX443#001', [collection('ServiceRequestNotification', [
		property('ServiceRequestNotificationId', 'xs:string', `WO-${t}`, '0173-1#02-ABI772#001'), property('Status', 'xs:string', 'open', '0173-1#02-ABH938#002'),
		text('ShortText', 'it leaks', '0173-1#02-ABI762#001'),
		collection('DetailedInformation', [property('StartOfFault', 'xs:dateTime', '2024-03-01T08:00:00Z', '0173-1#02-ABI765#001')])])]),
	submodel(t, 'TwinEngine', 'https://twinshell.org/submodel/TwinEngine/1/0', [property('Mode', 'xs:string', 'shadow'),
		collection('Model', [{ modelType: 'ReferenceElement', idShort: 'Prediction', value: { type: 'ModelReference', keys: [{ type: 'Submodel', value: `urn:${t}:Life` }] } }])]),
	submodel(t, 'Life', 'https://admin-shell.io/idta/SubmodelTemplate/PredictiveMaintenance/1/0', [collection(RUL, [property('Note', 'xs:string', t)])]),
];
/** What the engine writes of an asset in its tables; days are kept apart from now so that nothing here depends on the hour. */
const engine = t => `
	INSERT INTO twinshell.series (id, submodel, submodel_id, path, unit) SELECT twinshell.key_of(s || E'\\n' || p), twinshell.key_of(s), s, p, u FROM (VALUES
		('urn:${t}:Plate', 'Speed', '1/min'), ('urn:${t}:TwinEngine', 'Model.HealthIndex', NULL), ('urn:${t}:TwinEngine', 'Model.State', NULL),
		('urn:${t}:TwinEngine', 'Connection.State', NULL), ('urn:${t}:Life', '${RUL}.RemainingUsefulLifetime.DurationValue', 'h'),
		('urn:${t}:Life', '${RUL}.ConfidenceInterval', 'h'), ('urn:${t}:Life', '${RUL}.AlertAfterExceedingRemainingUsableLife.AlertMessage', NULL)) AS v (s, p, u)
		ON CONFLICT DO NOTHING;
	INSERT INTO twinshell.live (series, ts, num, quality, value) SELECT r.id, now() - interval '1 minute', v.num, v.quality, v.value
		FROM (VALUES ('Speed', 1450.5, 3, '1450.5'), ('Model.HealthIndex', 0.4, 0, '0.4'), ('Model.State', NULL, 0, 'degrading'), ('Connection.State', NULL, 0, 'connected'),
		('${RUL}.RemainingUsefulLifetime.DurationValue', 120, 0, '120'), ('${RUL}.ConfidenceInterval', NULL, 0, '80.5 300'),
		('${RUL}.AlertAfterExceedingRemainingUsableLife.AlertMessage', NULL, 0, 'the end of life is near')) AS v (path, num, quality, value)
		JOIN twinshell.series r ON r.path = v.path AND r.submodel_id LIKE 'urn:${t}:%' ON CONFLICT (series) DO UPDATE SET ts = excluded.ts, num = excluded.num,
		quality = excluded.quality, value = excluded.value;
	INSERT INTO twinshell.sample (series, ts, num, quality, text) SELECT r.id, now() - interval '1 hour' + i * interval '10 minutes', CASE WHEN r.path IN ('Model.State', '${RUL}.ConfidenceInterval') THEN NULL
			ELSE 100 - i END, 0, CASE r.path WHEN 'Model.State' THEN 'degrading' WHEN '${RUL}.ConfidenceInterval' THEN '80.5 300' END
		FROM twinshell.series r, generate_series(1, 5) i WHERE r.submodel_id LIKE 'urn:${t}:%' AND r.path <> 'Connection.State' AND r.path NOT LIKE '%Alert%';
	${['1m', '1h', '1d'].map(r => `INSERT INTO twinshell.rollup_${r} (series, bucket, n, min, max, sum, m2, first, first_ts, last, last_ts, good, uncertain, simulated, stale, bad)
		SELECT s.series_id, date_trunc('${{ '1m': 'minute', '1h': 'hour', '1d': 'day' }[r]}', s.time, 'UTC'), count(value_num), min(value_num), max(value_num), coalesce(sum(value_num), 0), 0, min(value_num), min(time), max(value_num), max(time),
			count(*), 0, 0, 0, 0 FROM report.sample s WHERE s.submodel_id LIKE 'urn:${t}:%' GROUP BY 1, 2;`).join('\n')}
	INSERT INTO twinshell.command (submodel, id, submodel_id, path, topic, payload, state, reason, mode, requested_at, answered_at)
		VALUES (twinshell.key_of('urn:${t}:TwinEngine'), 'command-${t}', 'urn:${t}:TwinEngine', 'Start', '${t}/cmd', '{}', 'rejected', 'it is locked', 'act', now() - interval '5 minutes', now() - interval '5 minutes');
	INSERT INTO twinshell.retention_policy (submodel, path, submodel_id, asked, keep, semantic_ids, immutable)
		VALUES (twinshell.key_of('urn:${t}:Life'), 'Policies.P1', 'urn:${t}:Life', 'P1Y', '1 year', ARRAY['urn:${t}:kept'], false);
	INSERT INTO twinshell.retention_hold (relation, held_until, policy, policy_id, policy_path)
		VALUES ('chunk_${t}', now() + interval '1 year', twinshell.key_of('urn:${t}:Life'), 'urn:${t}:Life', 'Policies.P1');
	INSERT INTO twinshell.operation_call (submodel, id, asynchronous, submodel_id, path, requested_at, ended_at, state, message) VALUES (twinshell.key_of('urn:${t}:TwinEngine'),
		twinshell.key_of('handle-${t}'), true, 'urn:${t}:TwinEngine', 'Start', now(), now(), 'Failed', 'it is locked');
	INSERT INTO twinshell.series (id, submodel, submodel_id, path) SELECT twinshell.key_of(s || E'\\n' || p), twinshell.key_of(s), s, p FROM (VALUES ('urn:${t}:TwinEngine', 'Model.Version'),
		('urn:${t}:TwinEngine', 'Model.Calibration'), ('urn:${t}:Life', '${RUL}.PredictionModelInformation.ModelVersion')) AS v (s, p) ON CONFLICT DO NOTHING;
	INSERT INTO twinshell.sample (series, ts, quality, text) SELECT twinshell.key_of(s || E'\\n' || p), now() - interval '1 hour' + i * interval '10 minutes', 0, x FROM (VALUES
		('urn:${t}:TwinEngine', 'Model.Version', 'pump/1 aa'), ('urn:${t}:TwinEngine', 'Model.Calibration', '1 of 1 outputs, 4 nodes of the map'),
		('urn:${t}:Life', '${RUL}.PredictionModelInformation.ModelVersion', 'pump/1 aa')) AS v (s, p, x), generate_series(1, 5) i;
	INSERT INTO twinshell.sample (series, ts, quality, text) VALUES (twinshell.key_of(E'urn:${t}:TwinEngine\\nModel.Version'), now() - interval '1 minute', 0, 'pump/1 bb');`;

async function fill() {
	server = start(program, ['serve', '--database', owner, '--data', join(dir, 'data'), '--listen', '127.0.0.1:0'], { log: join(dir, 'server.log') });
	url = (await until(90, () => server.lines.find(l => l.startsWith('twinshell: ready '))))?.split(' ').pop();
	ok(url, 'the server is ready');
	for (const t of ['acme', 'bolt']) {
		const answers = [];
		for (const s of submodels(t))
			answers.push((await call('POST', '/submodels', s)).status);
		answers.push((await call('POST', '/shells', { modelType: 'AssetAdministrationShell', id: `urn:${t}:shell`, idShort: `Pump_${t}`, assetInformation: { assetKind: 'Instance', globalAssetId: `urn:${t}:asset`,
			specificAssetIds: [{ name: 'serialNumber', value: `${t}-1` }, { name: 'tenant', value: t }, { name: 'site', value: `${t}-site` }] },
			submodels: submodels(t).map(s => ({ type: 'ModelReference', keys: [{ type: 'Submodel', value: s.id }] })) })).status);
		answers.push((await call('POST', '/concept-descriptions', { modelType: 'ConceptDescription', id: `urn:concept:${t}`, idShort: 'Concept' })).status);
		equal(answers, Array(8).fill(201), `the things of ${t}`);
		equal((await call('PATCH', `/submodels/${b64(`urn:${t}:Plate`)}/submodel-elements/YearOfConstruction/$value`, 2021)).status, 204, 'a value is changed');
		const endpoints = [{ interface: 'AAS-3.0', protocolInformation: { href: 'http://127.0.0.1/x' } }];
		equal([(await call('POST', '/shell-descriptors', { id: `urn:${t}:shell`, idShort: t, endpoints })).status,
			(await call('POST', '/submodel-descriptors', { id: `urn:${t}:Plate`, idShort: t, endpoints })).status,
			(await call('POST', `/lookup/shells/${b64(`urn:${t}:shell`)}`, [{ name: 'colour', value: `${t}-blue` }])).status], [201, 201, 201], 'entries of the registries');
		sql(engine(t));
	}
	equal((await call('POST', '/submodels', { ...plate('lone'), id: 'urn:lone:Plate' })).status, 201, 'a submodel that no shell refers to');
	await until(30, () => sql('SELECT count(*) = 0 FROM twinshell.outbox') === 't');
}

// -- typed views ---------------------------------------------------------------------------------------------------------------------------
const report = (...args) => cli(['report', ...args], { env: { TWINSHELL_DATABASE: owner } });

async function typed() {
	equal(report('create-view', '--semantic-id', TYPE), { code: 0, signal: null, out: 'report.plate: 12 columns for 3 submodels (12 new, 0 left out)\n', err: '' }, 'a view is made');
	equal(sql("SELECT string_agg(column_name || ' ' || data_type, ', ') FROM report.dictionary WHERE view_name = 'plate'"),
		'submodel_id text, submodel_id_short text, shell_id text, version bigint, updated_at timestamp with time zone, serial_number text, year_of_construction integer, ' +
		'mass numeric, ratio double precision, certified boolean, built timestamp with time zone, day date, count bigint, maker text, place_order text, place_order_2 text, speed double precision', 'its columns are typed');
	equal(as('postgres', "SELECT serial_number, year_of_construction, mass, ratio, certified, built AT TIME ZONE 'UTC', day, count, maker, place_order, place_order_2, speed FROM report.plate WHERE shell_id = 'urn:acme:shell'"),
		'acme-1|2021|12345678901234567890.125|0.5|t|2020-02-29 12:00:00|2020-02-29|9007199254740993|Maker of acme|first|second|1450.5', 'they show the current values, live ones too');
	equal(sql("SELECT description FROM report.dictionary WHERE view_name = 'plate' AND column_name = 'serial_number'"), 'SerialNumber, means urn:means:serial', 'comments say which element it is');
	equal(report('create-view', '--semantic-id', TYPE).out, 'report.plate: 12 columns for 3 submodels (0 new, 0 left out)\n', 'again, nothing changes');
	const more = plate('lone');
	more.submodelElements.unshift(property('Colour', 'xs:string', 'red'));
	await call('PUT', `/submodels/${b64('urn:lone:Plate')}`, more);
	equal(report('create-view', '--semantic-id', TYPE).out, 'report.plate: 13 columns for 3 submodels (1 new, 0 left out)\n', 'a new element is added');
	equal(sql("SELECT column_name FROM report.dictionary WHERE view_name = 'plate' OFFSET 17"), 'colour', 'behind the others');
	more.submodelElements[2] = property('YearOfConstruction', 'xs:string', 'long ago');
	await call('PUT', `/submodels/${b64('urn:lone:Plate')}`, more);
	const refused = report('create-view', '--semantic-id', TYPE);
	equal([refused.code, refused.err], [65, 'twinshell: report.plate: "YearOfConstruction" is text now, the column year_of_construction is integer: replace the view\n'], 'a changed type is refused');
	equal(report('create-view', '--semantic-id', TYPE, '--replace', '--columns', '3').out, 'report.plate: 3 columns for 3 submodels (3 new, 10 left out)\n', 'or the view is replaced, and may have fewer columns');
	equal(sql("SELECT year_of_construction FROM report.plate WHERE submodel_id = 'urn:lone:Plate'"), 'long ago', 'the wider type holds both');
	equal(report('create-view', '--semantic-id', TYPE, '--name', 'asset').code, 65, 'a view of ours is not replaced');
	equal(report('create-view', '--semantic-id', TYPE, '--name', 'x; DROP').code, 65, 'a name is a name');
	equal(report('create-view', '--semantic-id', "urn:none'").err, 'twinshell: there is no submodel with the semanticId "urn:none\'"\n', 'no such type');
	equal([report('create-view').code, report('create-view', '--semantic-id', TYPE, '--columns', '201').code, report('make').code, report('drop-view').code, report('list-views', '--replace').code],
		[64, 64, 64, 64, 64], 'wrong words');
	equal(cli(['report', 'list-views', '--database', `${cluster} dbname=postgres`]).code, 69, 'a database that no server has used');
	report('create-view', '--semantic-id', TYPE, '--name', 'plate_too');
	equal(report('list-views').out, `report.plate\t3 columns\t${TYPE}\nreport.plate_too\t13 columns\t${TYPE}\n`, 'both are listed');
	equal([report('drop-view', '--name', 'plate_too').out, report('drop-view', '--name', 'shell').code, report('drop-view', '--name', 'plate_too').code], ['report.plate_too is dropped\n', 65, 65], 'one is dropped, others are not');
	equal(sql(`SELECT string_agg(twinshell.sql_name(n), ' ') FROM unnest(ARRAY['Motors[2].MaxRPMValue', 'select', '3D', '', '.-.', repeat('Ab', 100)]) n`),
		'motors_2_max_rpm_value _select _3_d column column ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_' + sql("SELECT left(md5(repeat('Ab', 100)), 8)"), 'names need no quotes');
}

// -- views --------------------------------------------------------------------------------------------------------------------------------
function views() {
	equal(sql("SELECT name, asset_id, serial_number, tenant, site, submodels FROM report.asset WHERE shell_id = 'urn:acme:shell'"), 'Pump_acme|urn:acme:asset|acme-1|acme|acme-site|6', 'report.asset');
	equal(sql("SELECT string_agg(concat_ws(' ', parent, child, depth, path), ', ' ORDER BY depth) FROM report.hierarchy WHERE relation = 'part' AND submodel_id = 'urn:acme:Structure'"),
		'urn:acme:asset urn:acme:motor 1 EntryNode.Motor, urn:acme:motor urn:acme:bearing 2 EntryNode.Motor.Bearing', 'report.hierarchy: parts');
	equal(sql("SELECT count(*) FROM report.hierarchy WHERE relation = 'submodel' AND parent = 'urn:acme:shell'"), '6', 'report.hierarchy: submodels');
	equal(sql("SELECT string_agg(descendant || ' ' || depth, ', ' ORDER BY depth) FROM report.asset_hierarchy WHERE ancestor = 'urn:acme:asset'"), 'urn:acme:motor 1, urn:acme:bearing 2', 'report.asset_hierarchy');
	equal(sql("SELECT value_numeric FROM report.property WHERE submodel_id = 'urn:acme:Plate' AND path = 'Mass'"), '12345678901234567890.125', 'exact numbers');
	equal(sql("SELECT title, version, status, status_date, file, files FROM report.document WHERE submodel_id = 'urn:acme:Documents'"), 'Manual of acme|1.1|Released|2024-02-29|/acme.pdf|1', 'report.document');
	equal(sql("SELECT work_order_id, status, title, fault_since AT TIME ZONE 'UTC' FROM report.work_order WHERE submodel_id = 'urn:acme:Service'"), 'WO-acme|open|it leaks|2024-03-01 08:00:00', 'report.work_order');
	equal(sql("SELECT health_index, state, connection, rul_h, rul_low_h, rul_high_h FROM report.health WHERE shell_id = 'urn:acme:shell'"), '0.4|degrading|connected|120|80.5|300', 'report.health');
	equal(sql("SELECT count(*), min(rul_h), min(rul_low_h), max(rul_high_h) FROM report.prediction WHERE submodel_id = 'urn:acme:Life'"), '5|95|80.5|300', 'report.prediction');
	equal(sql("SELECT string_agg(kind || ' ' || severity, ', ' ORDER BY kind) FROM report.alarm WHERE submodel_id LIKE 'urn:acme:%'"), 'health warning, prediction high, quality warning', 'report.alarm');
	equal(sql("SELECT string_agg(DISTINCT kind, ' ') FROM report.alarm_event WHERE submodel_id LIKE 'urn:acme:%'"), 'command health', 'report.alarm_event');
	equal(sql("SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM report.thread WHERE shell_id = 'urn:acme:shell'"), 'asset change command document health maintenance model operation prediction structure', 'report.thread has everything');
	equal(sql("SELECT string_agg(summary, ', ' ORDER BY time, summary) FROM report.thread WHERE shell_id = 'urn:acme:shell' AND kind = 'model' AND summary LIKE 'model%'"),
		'model calibrated: 1 of 1 outputs, 4 nodes of the map, model deployed: pump/1 aa, model changed: pump/1 bb', 'models: deployed, calibrated, changed, each once');
	equal(sql("SELECT string_agg(DISTINCT model_version, ' ') FROM report.prediction WHERE submodel_id = 'urn:acme:Life'"), 'pump/1 aa', 'which model predicted');
	equal(sql("SELECT string_agg(DISTINCT phase, ' ' ORDER BY phase) FROM report.thread WHERE shell_id = 'urn:acme:shell'"), 'commissioning design maintenance operation', 'all phases of a life');
	equal(sql("SELECT count(*) FROM report.thread WHERE shell_id = 'urn:acme:shell' AND phase IS NULL"), '0', 'every event has one');
	equal(sql("SELECT title, phase FROM report.thread WHERE shell_id = 'urn:acme:shell' AND summary LIKE 'Manual%'"), 'Manual of acme|design', 'a document has its title');
	equal(sql("SELECT summary, title FROM report.thread WHERE shell_id = 'urn:acme:shell' AND summary LIKE 'bill%'"), 'bill of material: 2 parts|Structure', 'the bill of material');
	equal(sql("SELECT status, ended_at IS NOT NULL FROM report.thread WHERE shell_id = 'urn:acme:shell' AND kind = 'operation'"), 'Failed|t', 'an invocation, with how it stands');
	equal(sql("SELECT path, before, after FROM report.thread WHERE shell_id = 'urn:acme:shell' AND kind = 'change' AND before IS NOT NULL"), 'YearOfConstruction|2020|2021', 'a change of a value, before and after');
	equal(sql("SELECT count(*) FROM report.thread WHERE asset_id = 'urn:bolt:asset' AND concat(source, summary, after) LIKE '%acme%'"), '0', 'nothing of another asset');
	equal(sql("SELECT string_agg(coalesce(twinshell.to_numeric(t)::text, '-'), ' ') FROM unnest(ARRAY['1', '-2.50', '1e3', '.5', '', 'x', '1e99999', 'NaN', '1 2', repeat('9', 1001)]) t"), '1 -2.50 1000 0.5 - - - - - -', 'texts as numbers');
	equal(sql("SELECT string_agg(coalesce(twinshell.to_date(t)::text, '-'), ' ') FROM unnest(ARRAY['2024-02-29', '2023-02-29', '2024-04-31Z', '2024-12-31+14:00', '0000-01-01', '2024-1-1', '-2024-01-01', '2024-01-01T00:00:00', '2024-13-01']) t"),
		'2024-02-29 - - 2024-12-31 - - - 2024-01-01 -', 'texts as days');
	equal(sql(`SELECT string_agg(DISTINCT view_name || '.' || column_name, ' ') FROM report.dictionary WHERE coalesce(description, '') = ''`), '', 'every column of every view is described, of typed ones too');
	equal(sql(`SELECT string_agg(DISTINCT view_name || '.' || column_name || ' ' || data_type, ', ') FROM report.dictionary WHERE data_type !~
		'^(text|text\\[\\]|double precision|numeric|integer|bigint|boolean|date|timestamp with time zone|bytea)$'`), '', 'plain types only');
}

// -- who may read what -----------------------------------------------------------------------------------------------------------------------
const allViews = () => sql("SELECT relname FROM pg_class WHERE relnamespace = 'report'::regnamespace AND relkind = 'v' ORDER BY 1").split('\n');

function tenants() {
	for (const role of ['reader', 'acme', 'bolt', 'nobody_in', 'two'])
		sql(`CREATE ROLE ${role} LOGIN`);
	sql("SELECT twinshell.add_reader('reader'), twinshell.add_reader('acme', 'acme'), twinshell.add_reader('bolt', 'bolt'), twinshell.add_reader('two', 'acme', 'bolt')");
	sql('GRANT twinshell_tenant TO nobody_in');
	equal(as('reader', 'SHOW default_transaction_read_only; SHOW statement_timeout; SHOW idle_in_transaction_session_timeout'), 'on\n1min\n1min', 'a reader is read-only and has time-outs');
	equal(sql("SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'report'::regnamespace AND relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)"), '', 'every view reads with the rights of who asks');
	equal(sql("SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'report'::regnamespace AND prosecdef"), '', 'and so does every function');
	/* What carries neither ids nor values of anybody: what semanticIds say, which days have samples, how long things are kept. */
	equal(sql(`SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'twinshell'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity
		AND has_table_privilege('acme', oid, 'SELECT') AND relname NOT IN ('staging')`), 'meaning retention_state term', 'tables without a policy that a tenant can reach by views');
	for (const view of allViews()) {
		const rows = role => as(role, `SELECT replace(t::text, E'\\n', ' ') FROM report.${view} t`).split('\n').filter(Boolean);
		const [all, acme, bolt, none] = ['reader', 'acme', 'bolt', 'nobody_in'].map(rows);
		if (view === 'dictionary') {
			ok(acme.length > 100 && !acme[0].startsWith('failed'), `${view}: is for all`, acme[0]);
			continue;
		}
		/* A concept description is seen by those who use it, and these are used by nobody. */
		const of = t => all.filter(r => r.includes(t) && !r.includes('urn:concept'));
		ok(all.some(r => r.includes('acme')) && all.some(r => r.includes('bolt')), `${view}: a reader sees both (${all.length} rows)`, all[0]);
		equal([acme.length, acme.every(r => r.includes('acme') && !r.includes('bolt') && !r.includes('lone'))], [of('acme').length, true], `${view}: acme sees its own rows, all of them`);
		equal([bolt.length, bolt.every(r => r.includes('bolt') && !r.includes('acme') && !r.includes('lone'))], [of('bolt').length, true], `${view}: bolt sees its own rows, all of them`);
		equal(none, [], `${view}: a tenant of nothing sees nothing`);
	}
	equal([as('acme', "SELECT count(*) FROM report.sample_between('urn:acme:Plate', 'Speed', now() - interval '2 hours', now())"), as('acme', "SELECT count(*) FROM report.sample_between('urn:bolt:Plate', 'Speed', now() - interval '2 hours', now())")],
		['5', '0'], 'functions are no way around');
	equal(as('two', 'SELECT count(*) FROM report.asset'), '2', 'a role of two tenants');
	sql('GRANT twinshell_report TO acme');
	equal(as('acme', 'SELECT count(*) FROM report.asset'), '1', 'who is both a tenant and a reader is a tenant');
	sql('REVOKE twinshell_report FROM acme');
	sql("CREATE ROLE acme_group; GRANT acme_group TO nobody_in; INSERT INTO twinshell.tenant_member VALUES ('acme_group', 'acme')");
	equal(as('nobody_in', 'SELECT shell_id FROM report.asset'), 'urn:acme:shell', 'membership of a group counts');
	sql("DELETE FROM twinshell.tenant_member WHERE role = 'acme_group'; INSERT INTO twinshell.tenant_by VALUES ('site'); INSERT INTO twinshell.tenant_member VALUES ('nobody_in', 'bolt-site')");
	equal(as('nobody_in', 'SELECT shell_id FROM report.asset'), 'urn:bolt:shell', 'a site can be a tenant');
	sql("CREATE ROLE at_site LOGIN; DELETE FROM twinshell.tenant_by WHERE name = 'site'; SELECT twinshell.add_site_reader('at_site', 'acme-site', 'bolt')");
	equal(as('at_site', 'SELECT shell_id FROM report.asset'), 'urn:acme:shell', 'a reader of a site sees that site, and no tenant of the same name');
	sql('CREATE ROLE server LOGIN; GRANT USAGE ON SCHEMA twinshell TO server; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA twinshell TO server');
	equal(as('server', 'BEGIN; SELECT count(*) FROM twinshell.shell; UPDATE twinshell.shell SET id_short = id_short; DELETE FROM twinshell.command; SELECT count(*) FROM twinshell.command; ROLLBACK'),
		'2\n0', 'a server that does not own the tables is not restricted');
	/* ways around */
	sql("CREATE FUNCTION public.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'told %', $1; RETURN true; END $$");
	const told = spawnSync('psql', [`host=${host} port=5432 user=acme dbname=twin`, '-XAtqc', 'SELECT count(*) FROM report.shell WHERE public.tell(shell_id)'], { encoding: 'utf8' });
	ok(told.stderr.includes('told urn:acme') && !told.stderr.includes('urn:bolt'), 'a function in a condition is not told rows of others', told.stderr);
	for (const query of ['SELECT * FROM twinshell.shell', 'SELECT * FROM twinshell.tenant_member', "SELECT twinshell.tenant_shells('bolt', 0::smallint)", 'SET ROLE bolt', "SET ROLE twinshell_report",
		'SET default_transaction_read_only = off; DELETE FROM report.asset_id', 'CREATE TABLE report.x ()'])
		ok(as('acme', query).startsWith('failed'), `refused: ${query}`, as('acme', query));
	equal(as('acme', "SET row_security = off; SELECT count(*) FROM report.shell"), 'failed: ERROR:  query would be affected by row-level security policy for table "shell"', 'it cannot be switched off');
}

function plans() {
	const plan = (role, query) => psql(owner, `BEGIN; SET LOCAL ROLE ${role}; EXPLAIN (COSTS off) ${query}`);
	const query = "SELECT p.path, p.value_num FROM report.property p WHERE p.submodel_id = 'urn:acme:Plate'";
	ok(!/InitPlan|tenant/.test(plan('postgres', query)) && plan('postgres', query) === plan('twinshell_report', query), 'the plan of the owner and of a reader are the same', plan('twinshell_report', query));
	ok(/hashed SubPlan/.test(plan('twinshell_tenant', query)) && !/ANY \(/.test(plan('twinshell_tenant', query)), 'that of a tenant asks once for its submodels', plan('twinshell_tenant', query));
	ok(/lookup_shell/.test(psql(owner, "SET enable_seqscan = off; EXPLAIN SELECT * FROM report.thread WHERE shell_id = 'urn:acme:shell'")), 'the thread of one asset begins at an index');
}

// -- documents and dashboards -----------------------------------------------------------------------------------------------------------------
function documented() {
	const page = readFileSync(join(source, 'docs/reporting.md'), 'utf8');
	const blocks = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(m => m[1]);
	ok(blocks.length >= 3, `${blocks.length} blocks of SQL`);
	for (const block of blocks) {
		const role = /CREATE ROLE/.test(block) ? 'postgres' : 'reader';
		const statements = role === 'postgres' ? [block.replace(/CREATE ROLE (\w+)/g, 'DROP ROLE IF EXISTS doc_$1; CREATE ROLE doc_$1').replace(/(add_\w*reader)\('/g, "$1('doc_")] : block.split(';\n').filter(s => s.trim());
		for (const s of statements) {
			const answer = as(role, expand(s, {}));
			ok(!answer.startsWith('failed'), `reporting.md: ${s.trim().split('\n')[0]}`, answer);
		}
	}
	equal(as('doc_grafana', 'SELECT count(*) FROM report.asset'), '2', 'the role of the document reads');
	const listed = new Set([...page.matchAll(/^\| (`report\.\w+`(?:, `report\.\w+`)*) \|/gm)].flatMap(m => m[1].match(/(?<=\.)\w+/g)));
	const there = allViews().filter(v => v !== 'plate');
	equal(there.filter(v => !listed.has(v)), [], 'every view is in the table of reporting.md');
	equal([...listed].filter(v => !there.includes(v)), [], 'and nothing else');
}

/** As Grafana's PostgreSQL data source does it. */
function expand(query, values, [interval, ms] = ['1m', 60000]) {
	const from = new Date(Date.now() - 6 * 3600e3).toISOString();
	const to = new Date().toISOString();
	const quote = v => `'${v.replaceAll("'", "''")}'`;
	const seconds = { $__interval: ms / 1000, '5m': 300, '1h': 3600 };
	const group = (column, interval) => `floor(extract(epoch from ${column})/${seconds[interval.trim().replaceAll("'", '')]})*${seconds[interval.trim().replaceAll("'", '')]}`;
	return query
		.replace(/\$__timeFilter\(([^()]+)\)/g, (_, c) => `${c} BETWEEN '${from}' AND '${to}'`)
		.replace(/\$__timeGroupAlias\(([^,()]+),\s*([^,()]+)\)/g, (_, c, i) => `${group(c, i)} AS "time"`)
		.replace(/\$__timeGroup\(([^,()]+),\s*([^,()]+)\)/g, (_, c, i) => group(c, i))
		.replaceAll('$__timeFrom()', `'${from}'`).replaceAll('$__timeTo()', `'${to}'`)
		.replaceAll('$__interval_ms', ms).replaceAll('$__interval', interval)
		.replaceAll('$submodel', 'urn:acme:Plate')
		.replace(/\$\{(\w+):sqlstring\}/g, (_, name) => [values[name]].flat().map(quote).join(','));
}

function dashboards() {
	const folder = join(source, 'examples/grafana/dashboards');
	const uids = [];
	for (const file of readdirSync(folder)) {
		const board = JSON.parse(readFileSync(join(folder, file), 'utf8'));
		uids.push(board.uid);
		const values = {};
		for (const v of board.templating.list.filter(v => v.type === 'query')) {
			const rows = as('reader', expand(v.query, values)).split('\n').filter(Boolean);
			ok(rows.length && !rows[0].startsWith('failed'), `${file}: values of ${v.name}`, rows[0]);
			const picked = rows.map(r => r.split('|').pop());
			values[v.name] = v.multi ? picked : picked.find(p => p === 'urn:acme:shell') ?? picked[0];
		}
		const queries = [...board.panels.flatMap(p => p.targets.map(t => ({ title: p.title, type: p.type, ...t }))), ...board.annotations.list.map(a => ({ title: a.name, ...a.target }))];
		ok(queries.length > 5, `${file}: ${queries.length} queries`);
		for (const { title, rawSql, format } of queries) {
			const full = expand(rawSql, values);
			ok(!/\$\{?\w/.test(full.replace(/'[^']*'/g, '')), `${file}: ${title}: all of its macros are known`, full);
			const answer = as('reader', full);
			ok(answer !== '' && !answer.startsWith('failed'), `${file}: ${title}: has rows`, `${answer}\n${full}`);
			if (/\$__interval_ms/.test(rawSql))
				for (const interval of [['10s', 10000], ['1h', 3600000]]) {
					const other = as('reader', expand(rawSql, values, interval));
					ok(other !== '' && !other.startsWith('failed'), `${file}: ${title}: has rows in steps of ${interval[0]}`, other);
				}
			if (format === 'time_series') {
				const columns = run('psql', [owner, '-XAq', '-c', `SELECT * FROM (${full}) AS q LIMIT 1`]).split('\n')[0].split('|');
				equal(columns[0], 'time', `${file}: ${title}: begins with the time`);
			}
		}
		equal(board.panels.filter(p => p.datasource?.uid !== '${datasource}' || p.gridPos.x + p.gridPos.w > 24).map(p => p.title), [], `${file}: every panel asks the chosen data source and fits`);
	}
	equal(new Set(uids).size, readdirSync(folder).length, 'every dashboard has an id of its own');
	const datasource = readFileSync(join(source, 'examples/grafana/provisioning/datasources/twinshell.yaml'), 'utf8');
	ok(/type: grafana-postgresql-datasource/.test(datasource) && !/\t/.test(datasource), 'the data source is provisioned');
}

// -- other people's drivers ---------------------------------------------------------------------------------------------------------------------
const TYPES = `SELECT p.value_numeric, p.value_num, p.live, a.updated_at, a.serial_number, a.submodels FROM report.property p JOIN report.shell_submodel k USING (submodel_id)
	JOIN report.asset a USING (shell_id) WHERE p.submodel_id = 'urn:acme:Plate' AND p.path = 'Mass'`.replace(/\s+/g, ' ');

function odbc() {
	const driver = ['/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so', '/usr/lib/aarch64-linux-gnu/odbc/psqlodbcw.so', '/usr/lib64/psqlodbcw.so', '/usr/lib/psqlodbcw.so'].find(existsSync);
	if (!installed('isql') || !driver)
		return skip('ODBC', 'unixodbc or odbc-postgresql is not installed');
	const ini = user => `[twin_${user}]\nDriver = ${driver}\nServername = ${host}\nPort = 5432\nDatabase = twin\nUsername = ${user}\nReadOnly = 1\nBoolsAsChar = 0\n`;
	writeFileSync(join(dir, 'odbc.ini'), ini('reader') + ini('acme'));
	const isql = (user, query) => spawnSync('isql', [`twin_${user}`, '-b', '-d|', '-c'], { encoding: 'utf8', input: `${query}\n`, timeout: 60000, env: { ...process.env, ODBCINI: join(dir, 'odbc.ini') } });
	const types = isql('reader', TYPES);
	const [names, row] = types.stdout.split('\n');
	equal(names, 'value_numeric|value_num|live|updated_at|serial_number|submodels', 'ODBC: columns');
	ok(/^12345678901234567890\.125\|1\.?234567890123456\d+(\.\d+)?(e\+?\d+)?\|[0f]\|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\|acme-1\|6$/i.test(row ?? ''), 'ODBC: numeric, double, boolean, time, text, bigint come through', types.stdout + types.stderr);
	const every = isql('reader', allViews().map(v => `SELECT '${v}' AS marked, t.* FROM report.${v} t LIMIT 1`).join('\n')).stdout;
	const failures = allViews().filter(v => !every.includes(`\n${v}|`));
	equal(failures, [], 'ODBC: every view can be read');
	equal(isql('acme', 'SELECT shell_id FROM report.asset').stdout.trim().split('\n').slice(1), ['urn:acme:shell'], 'ODBC: a tenant sees its own');
}

async function jdbc() {
	const jar = ['/usr/share/java/postgresql.jar', '/usr/share/java/postgresql-jdbc.jar'].find(existsSync);
	if (!installed('java') || !installed('javac') || !jar)
		return skip('JDBC', 'a JDK or libpostgresql-jdbc-java is not installed');
	const port = await freePort();
	sql(`ALTER SYSTEM SET listen_addresses = '127.0.0.1'`);
	sql(`ALTER SYSTEM SET port = ${port}`);
	return { jar, port };
}
function readByJdbc({ jar, port }) {
	const java = (user, query) => spawnSync('java', ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', jar, join(source, 'tests/system/jdbc/Read.java'), `jdbc:postgresql://127.0.0.1:${port}/twin?user=${user}`, query],
		{ encoding: 'utf8', timeout: 120000 });
	const types = java('reader', TYPES);
	const [row, remarks] = types.stdout.split('\n');
	ok(/^value_numeric\|NUMERIC\|BigDecimal\|12345678901234567890\.125\tvalue_num\|DOUBLE\|Double\|1\.2345678901234567E19\tlive\|BIT\|Boolean\|false\tupdated_at\|TIMESTAMP(_WITH_TIMEZONE)?\|Timestamp\|[-\d]+ [\d:.]+\tserial_number\|VARCHAR\|String\|acme-1\tsubmodels\|BIGINT\|Long\|6$/.test(row),
		'JDBC: numeric, double, boolean, time, text, bigint come through', types.stdout + types.stderr);
	equal(remarks, 'remarks|Specific asset id serialNumber.', 'JDBC: the comment of a column');
	const mine = java('acme', 'SELECT shell_id FROM report.asset').stdout;
	ok(mine.includes('urn:acme:shell') && !mine.includes('bolt'), 'JDBC: a tenant sees its own', mine);
}

try {
	await fill();
	await typed();
	views();
	tenants();
	plans();
	documented();
	dashboards();
	odbc();
	await stop(server);
	const how = await jdbc();
	if (how) {
		pg('stop', at);
		pg('start', at);
		readByJdbc(how);
	}
} finally {
	pg('remove', at);
}
await finish(dir);
