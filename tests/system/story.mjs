// SPDX-License-Identifier: Apache-2.0
// story.mjs - the main job from end to end, on the real program, a real broker and a real PostgreSQL.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { b64, Broker, cli, equal, finish, note, ok, program, run, Server, shared, skip, sleep, source, start, stop, until, workspace } from './lib.mjs';

const IDS = 'https://example.com/ids';
const DATA = `${IDS}/sm/pump1/OperationalData`;
const TWIN = `${IDS}/sm/pump1/TwinEngine`;
const LIFE = `${IDS}/sm/pump1/PredictiveMaintenance`;
const RUL = 'RemainingUsefulLifePrediction.RemainingUsefulLifetime.DurationValue';
const KIND = 'RemainingUsefulLifePrediction.RemainingUsefulLifetime.IndicationType';
const INTERVAL = 'RemainingUsefulLifePrediction.ConfidenceInterval';
const COUNT = 'urn:test:sm:count';

const dir = workspace();
const broker = await Broker.create(dir);
const server = new Server(dir, ['--plant', join(source, 'examples/plant'), '--broker', broker.uri]);
let asset;

// -- a twin of the test's own: every message of test/count is one sample, so that samples can be counted -------------------------
const property = (idShort, valueType, value) => ({ modelType: 'Property', idShort, valueType, ...(value === undefined ? {} : { value }) });
const collection = (idShort, value) => ({ modelType: 'SubmodelElementCollection', idShort, value });
const target = path => ({
	modelType: 'ReferenceElement', idShort: 'Target',
	value: { type: 'ModelReference', keys: [{ type: 'Submodel', value: COUNT }, { type: 'Property', value: path }] },
});
const countTwin = {
	modelType: 'Submodel', id: 'urn:test:sm:twin', idShort: 'TwinEngine',
	semanticId: { type: 'ExternalReference', keys: [{ type: 'GlobalReference', value: 'https://twinshell.org/submodel/TwinEngine/1/0' }] },
	submodelElements: [
		property('Mode', 'xs:string', 'shadow'),
		collection('Connection', [property('State', 'xs:string'), property('LastError', 'xs:string'), property('Messages', 'xs:unsignedLong')]),
		collection('Links', [
			collection('N', [
				property('TopicFilter', 'xs:string', 'test/count'), property('Selector', 'xs:string', '/n'),
				property('TimeSelector', 'xs:string', '/ts'), target('N'), property('Quality', 'xs:string'), property('SourceTime', 'xs:dateTime'),
			]),
			collection('Seq', [
				property('TopicFilter', 'xs:string', 'plant/pump-station/pump1/telemetry'), property('Selector', 'xs:string', '/seq'),
				property('TimeSelector', 'xs:string', '/ts'), target('Seq'),
			]),
		]),
	],
};

async function begin() {
	ok(await server.start(90), 'the server becomes ready on an empty directory');
	const shells = await server.call('GET', '/shells');
	equal(shells.json?.result.map(s => s.id).sort(), ['pump1', 'pump2', 'station', 'tank'].map(s => `${IDS}/shell/${s}`).sort(), 'the plant is there');
}

async function packages() {
	const folder = join(shared, 'packages');
	if (!existsSync(folder))
		return skip('every package is imported', 'no shared packages here');
	for (const file of readdirSync(folder).filter(f => f.endsWith('.aasx'))) {
		const out = run(program, ['import', '--url', server.url, join(folder, file)]);
		ok(out.includes(file), `${file} is imported`, out);
	}
	const submodels = await server.call('GET', '/submodels?limit=500');
	ok(submodels.json.result.some(s => s.idShort === 'PredictiveMaintenance' && !s.id.startsWith(IDS)), 'what was in the packages is served');
}

async function telemetry() {
	asset = start(program, ['asset', 'pump-station', '--broker', broker.uri, '--period', '100', '--seed', '7'], { log: join(dir, 'asset.log') });
	const flow = await until(30, async () => Number(await server.value(DATA, 'Flow')) > 1 && server.value(DATA, 'Flow'));
	ok(typeof flow === 'number', 'the flow of the pump is read by REST', flow);
	equal(await until(10, () => server.value(TWIN, 'Connection.State')), 'connected', 'the twin says that it is connected');
	equal(await server.value(TWIN, 'Links.Flow.Quality'), 'good', 'the link tells the quality of its value');
	const row = await until(10, () => server.sql(`select value_num > 1, quality from report.latest where submodel_id = '${DATA}' and path = 'Flow'`));
	equal(row, 't|good', 'the same value is read by SQL');
	const samples = await until(10, () => Number(server.sql(`select count(*) from report.sample where submodel_id = '${DATA}' and path = 'Flow'`)) > 20);
	ok(samples, 'its history grows');
	const whole = await server.call('GET', `/submodels/${b64(DATA)}`);
	ok(Number(whole.json.submodelElements.find(e => e.idShort === 'Flow').value) > 1, 'the whole submodel shows live values too');
}

async function prediction() {
	const kind = await server.value(LIFE, KIND);
	ok(['not enough evidence', 'RUL'].includes(kind), 'before there is evidence the prediction says so', kind);
	const before = await until(90, async () => Number(await server.value(LIFE, RUL)));
	ok(before > 0, 'a remaining useful life appears', before);
	const interval = await server.value(LIFE, INTERVAL);
	ok(interval && interval.min <= before && before <= interval.max, 'it lies in its interval', JSON.stringify({ before, interval }));
	ok(await until(20, () => server.sql(`SELECT count(*) > 0 AND bool_and(rul_h BETWEEN rul_low_h AND rul_high_h) FROM report.prediction WHERE submodel_id = '${LIFE}'`) === 't'),
		'reports have it with its interval over time');
	ok(await until(20, () => server.sql(`SELECT count(*) FROM report.health WHERE shell_id = '${IDS}/shell/pump1' AND health_index > 0.5 AND rul_h > 0 AND state = 'ok'`) === '1'),
		'and how the asset is now', server.sql('SELECT * FROM report.health'));
	const health = await server.value(TWIN, 'Model.HealthIndex');
	broker.publish('plant/pump-station/pump1/sim', JSON.stringify({ wear: 0.5 }));
	const after = await until(60, async () => {
		const now = Number(await server.value(LIFE, RUL));
		return now < 0.7 * before && { now, health: await server.value(TWIN, 'Model.HealthIndex') };
	}, 200);
	ok(after, 'turned-up wear lowers the remaining useful life', `before ${before}, now ${await server.value(LIFE, RUL)}`);
	ok(after && after.health < health, 'and the health index', `before ${health}, after ${JSON.stringify(after)}`);
	note(`remaining useful life ${before} h, with wear ${after?.now} h; health ${health}, then ${after?.health}`);
}

const invoke = (operation, ...inputs) => server.call('POST', `/submodels/${b64(TWIN)}/submodel-elements/${operation}/invoke`, {
	inputArguments: inputs.map(value => ({ value })), clientTimeoutDuration: 'PT10S',
});

async function commands() {
	const set = await invoke('SetSpeed', property('Speed', 'xs:double', '1300'));
	equal([set.status, set.json?.executionState], [200, 'Completed'], `SetSpeed is acknowledged by the asset ${set.text.slice(0, 300)}`);
	ok(await until(20, async () => Math.abs(await server.value(DATA, 'Speed') - 1300) < 30), 'the pump obeys');
	const refused = await invoke('SetSpeed', property('Speed', 'xs:double', '99999'));
	ok(refused.status === 400 || (refused.status === 200 && refused.json.executionState === 'Failed'), 'a speed out of range is refused', refused.text);
	const write = await server.call('PATCH', `/submodels/${b64(DATA)}/submodel-elements/SpeedSetpoint/$value`, 1200);
	equal(write.status, 204, 'the set-point is written by PATCH');
	ok(await until(20, async () => Math.abs(await server.value(DATA, 'Speed') - 1200) < 30), 'the pump obeys that too', await server.value(DATA, 'Speed'));
	equal((await server.call('PATCH', `/submodels/${b64(TWIN)}/submodel-elements/Mode/$value`, 'shadow')).status, 204, 'the mode is set to shadow');
	const shadow = await invoke('Stop');
	ok(shadow.status === 200 && shadow.json.executionState === 'Failed' && /shadow/.test(shadow.text), 'in shadow nothing is sent, and the result says so', shadow.text);
	await server.call('PATCH', `/submodels/${b64(TWIN)}/submodel-elements/Mode/$value`, 'approve');
	const rows = await until(10, () => {
		const text = server.sql(`select state, count(*) from report.command where submodel_id = '${TWIN}' group by 1 order by 1`);
		return /completed/.test(text) && /refused/.test(text) && text;
	});
	ok(rows, 'every attempt is a row of report.command', server.sql('select state, reason from report.command'));
}

/* Who asked for what, and what came of it, outlives the answer. */
async function invocations() {
	const told = where => server.sql(`SELECT state, asynchronous, actor LIKE 'rest:%', request IS NOT NULL, ended_at >= requested_at, inputs, message FROM report.invocation
		WHERE submodel_id = '${TWIN}' AND ${where} ORDER BY requested_at`);
	const input = text => JSON.parse(text.split('|')[5])[0].value.value;
	const set = told("path = 'SetSpeed' AND inputs LIKE '%1300%'");
	ok(set.startsWith('Completed|f|t|t|t|') && input(set) === '1300', 'an invocation is kept, with who asked and what for', set);
	ok(/^Failed\|f\|t\|t\|t\|.*99999/.test(told("path = 'SetSpeed' AND inputs LIKE '%99999%'")), 'one that the limits refused as well', told("path = 'SetSpeed'"));
	ok(/^Failed\|f\|t\|t\|t\|\|.*shadow/.test(told("path = 'Stop'")), 'and why one failed', told("path = 'Stop'"));
	const later = await server.call('POST', `/submodels/${b64(TWIN)}/submodel-elements/SetSpeed/invoke-async`, {
		inputArguments: [{ value: property('Speed', 'xs:double', '1250') }], clientTimeoutDuration: 'PT10S' });
	equal(later.status, 202, 'one whose result is asked for later');
	ok(await until(20, () => /^Completed\|t\|t\|t\|t\|/.test(told("inputs LIKE '%1250%'"))), 'is kept, too, as one row', told("inputs LIKE '%1250%'"));
	const thread = server.sql(`SELECT count(*), count(*) FILTER (WHERE phase = 'operation'), min(title) FROM report.thread
		WHERE shell_id = '${IDS}/shell/pump1' AND kind = 'operation' AND inputs IS NOT NULL`);
	equal(thread, '3|3|SetSpeed', 'the thread of the asset has them');
}

/* Which model it was that predicted. */
async function models() {
	const versions = () => server.sql(`SELECT kind, text FROM report.model_version WHERE submodel_id = '${TWIN}' ORDER BY time, kind DESC`);
	ok(await until(20, () => /^version\|pump\/1 [0-9a-f]{16}(\n|$)/.test(versions()) && /calibration\|\d+ of \d+ outputs/.test(versions())), 'the model of the twin, and its calibration', versions());
	const by = () => server.sql(`SELECT DISTINCT p.model_version = v.text FROM report.prediction p, report.model_version v
		WHERE p.submodel_id = '${LIFE}' AND p.model_version IS NOT NULL AND v.submodel_id = '${TWIN}' AND v.kind = 'version'`);
	ok(await until(90, () => by() === 't'), 'a prediction says which model made it', by());
	equal(server.sql(`SELECT count(*) FROM report.thread WHERE shell_id = '${IDS}/shell/pump1' AND kind = 'model' AND summary LIKE 'model deployed: pump/1 %'`), '1', 'the thread says when it was deployed');
}

/* Nobody changes anything here without a word of who it was. */
function actors() {
	equal(server.sql("select count(*) from report.history where actor is null"), '0', 'every change says who made it');
	const words = server.sql("select string_agg(distinct split_part(actor, ':', 1), ' ' order by split_part(actor, ':', 1)) from report.history");
	ok(/^(engine )?import rest$/.test(words), 'the plant and imports, clients, and the engine if it had to make something', words);
	ok(server.sql("select count(*) > 0 from report.history where actor = 'import:plant' and operation = 'create'") === 't', 'the plant has its name');
}

async function counted() {
	const total = 6000;
	equal((await server.call('POST', '/submodels', {
		modelType: 'Submodel', id: COUNT, idShort: 'Count', submodelElements: [property('N', 'xs:long'), property('Seq', 'xs:long')],
	})).status, 201, 'a submodel to count in');
	equal((await server.call('POST', '/submodels', countTwin)).status, 201, 'a twin that is bound by REST');
	const pub = broker.publisher('test/count');
	const base = Date.now() - total * 10;
	let n = 0;
	const send = async (upTo) => {
		for (; n < upTo; n++) {
			pub.stdin.write(`${JSON.stringify({ n, ts: new Date(base + n * 10).toISOString() })}\n`);
			if (n % 50 === 49)
				await sleep(15);
		}
	};
	/* What is published before the server has subscribed reaches nobody. */
	ok(await until(20, async () => {
		pub.stdin.write('{"n":-1}\n');
		return await server.value(COUNT, 'N') === -1;
	}), 'it is bound at once');
	await send(100);
	await send(2000);
	server.child.kill('SIGKILL');
	await server.child.done;
	note(`killed at ${n}`);
	await send(4000);
	await server.start(60);
	ok(true, 'after kill -9 the server starts again');
	await send(total - 500);
	server.child.kill('SIGKILL');
	await server.child.done;
	await send(total);
	pub.stdin.end();
	await pub.done;
	await server.start(60);
	const query = `select count(distinct value_num), count(*), min(value_num), max(value_num) from report.sample where submodel_id = '${COUNT}' and path = 'N' and value_num >= 0`;
	await until(60, () => server.sql(query).startsWith(`${total}|`), 250);
	equal(server.sql(query).split('|').filter((_, i) => i !== 1), [String(total), '0', String(total - 1)], `of ${total} acknowledged samples none is lost`);
	note(`distinct|rows|min|max: ${server.sql(query)}`);
}

async function outage() {
	const seqs = () => server.sql(`select count(distinct value_num) || ' ' || coalesce(max(value_num) - min(value_num) + 1, 0) from report.sample where submodel_id = '${COUNT}' and path = 'Seq'`).split(' ').map(Number);
	ok(await until(30, () => seqs()[0] > 20), 'telemetry comes again', String(seqs()));
	broker.stop();
	ok(await until(15, async () => (await server.value(TWIN, 'Connection.State')) !== 'connected'), 'the twin notices that the broker is gone');
	equal((await server.call('GET', `/submodels/${b64(DATA)}`)).status, 200, 'REST goes on');
	await sleep(20000);
	broker.start();
	ok(await until(30, async () => (await server.value(TWIN, 'Connection.State')) === 'connected'), 'it is connected again by itself');
	const [, span] = seqs();
	ok(await until(30, () => seqs()[1] > span + 50), 'telemetry flows again', String(seqs()));
	const gap = await until(20, () => {
		const [distinct, range] = seqs();
		return distinct >= range - 2;
	}, 300);
	ok(gap, 'and what the asset kept in the meantime has arrived', String(seqs()));
}

async function restart() {
	const shells = (await server.call('GET', '/shells')).json.result.length;
	await stop(server.child);
	equal(server.child.exitCode, 0, 'the server stops cleanly');
	const begun = Date.now();
	await server.start(30);
	note(`a later start took ${Date.now() - begun} ms`);
	equal((await server.call('GET', '/shells')).json.result.length, shells, 'a later start has all data');
}

/* Everything that was done has its place in the feed, and what somebody alters afterwards is found. */
async function changes() {
	const audit = () => cli(['audit', 'verify', '--database', server.endpoints.database]);
	ok(await until(30, () => server.sql('SELECT count(*) FROM twinshell.outbox') === '0'), 'every change gets its place in the feed');
	const before = audit();
	ok(before.code === 0 && /^[1-9]\d* changes and the bytes of \d+ files are as they were written/.test(before.out), 'the chain of changes is sound', JSON.stringify(before));
	server.sql(`UPDATE twinshell.history SET operation = 'replace' WHERE id = '${COUNT}' AND operation = 'create'`);
	const after = audit();
	ok(after.code === 65 && after.out.includes(`"${COUNT}" version`), 'a row that is altered by hand is found', JSON.stringify(after));
}

try {
	await begin();
	await packages();
	await telemetry();
	await prediction();
	await commands();
	await invocations();
	await models();
	actors();
	await counted();
	await outage();
	await restart();
	await changes();
	await stop(server.child);
	await stop(asset);
	broker.stop();
} catch (e) {
	ok(false, 'the story is told to its end', e.stack);
	try {
		broker.stop();
	} catch {
		// it is down already
	}
}
await finish(dir);
