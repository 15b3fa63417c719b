// SPDX-License-Identifier: Apache-2.0
// pooler.mjs - the server behind pgbouncer in transaction mode, which has fewer sessions than the server has connections; and a backup that is taken
// while it writes, restored and looked at.
import { writeFileSync, chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { b64, cli, equal, finish, freePort, installed, ok, pg, postgres, program, run, start, stop, until, workspace } from './lib.mjs';

if (!postgres() || !installed('pgbouncer')) {
	console.log('1..0 # SKIP PostgreSQL or pgbouncer is not installed');
	process.exit(0);
}
const dir = workspace();
const cluster = pg('start', join(dir, 'pg'));
const host = /host=(\S+)/.exec(cluster)[1];
const sql = (query, database = 'twin') => run('psql', [`${cluster} dbname=${database}`, '-XAtqc', query]).trim();
sql("CREATE DATABASE twin ENCODING 'UTF8' TEMPLATE template0", 'postgres');

async function pooler() {
	const port = await freePort();
	const at = join(dir, 'pooler');
	mkdirSync(at);
	chmodSync(at, 0o777);
	writeFileSync(join(at, 'pgbouncer.ini'), `[databases]
twin = host=${host} port=5432 user=postgres dbname=twin
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
`);
	const root = process.getuid() === 0;
	start(existing('pgbouncer'), [...(root ? ['-u', run('stat', ['-c', '%U', host]).trim()] : []), join(at, 'pgbouncer.ini')], { log: join(at, 'log') });
	const conninfo = `host=127.0.0.1 port=${port} user=postgres dbname=twin`;
	await until(20, () => run('psql', [conninfo, '-XAtqc', 'SELECT 1'], { stdio: ['ignore', 'pipe', 'ignore'] }).trim() === '1');
	return conninfo;
}
const existing = name => run('sh', ['-c', `PATH="$PATH:/usr/sbin" command -v ${name}`]).trim();

let url;
async function serve(conninfo, ...more) {
	const server = start(program, ['serve', '--database', conninfo, '--data', join(dir, 'data'), '--listen', '127.0.0.1:0', ...more], { log: join(dir, 'server.log') });
	url = (await until(60, () => server.lines.find(l => l.startsWith('twinshell: ready '))))?.split(' ').pop();
	ok(url, `the server is ready ${more.join(' ')}`);
	return server;
}
async function call(method, path, body) {
	const reply = await fetch(`${url}/api/v3.0${path}`, { method, headers: { 'Content-Type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(60000) });
	return { status: reply.status, text: await reply.text() };
}
const submodel = id => ({ modelType: 'Submodel', id, idShort: 'S', submodelElements: [{ modelType: 'Property', idShort: 'Value', valueType: 'xs:int', value: '0' }] });
const value = id => `/submodels/${b64(id)}/submodel-elements/Value/$value`;

async function behindPooler(conninfo) {
	const server = await serve(conninfo, '--database-pooler', '--workers', '12');
	const answers = await Promise.all(Array.from({ length: 24 }, (_, i) => call('POST', '/submodels', submodel(`urn:p:${i}`))));
	equal(answers.map(r => r.status).filter(s => s !== 201), [], '24 submodels are made at once');
	const turns = await Promise.all(Array.from({ length: 24 }, async (_, i) => {
		for (let n = 1; n <= 20; n++) {
			const r = await call('PATCH', value(`urn:p:${i}`), n);
			if (r.status !== 204)
				return `${r.status} ${r.text}`;
			const back = await call('GET', n % 2 ? value(`urn:p:${i}`) : `/submodels?limit=${n}`);
			if (back.status !== 200 || (n % 2 && back.text !== String(n)))
				return `${back.status} ${back.text}`;
		}
		return 'ok';
	}));
	equal(turns.filter(t => t !== 'ok'), [], 'their values are written and read by 24 clients');
	const many = { submodels: Array.from({ length: 300 }, (_, i) => submodel(`urn:many:${i}`)) };
	const uploads = await Promise.all([0, 1].map(k => call('POST', '/upload?ignore-duplicates=true',
		{ submodels: many.submodels.map(s => ({ ...s, id: `${s.id}:${k}` })) })));
	equal(uploads.map(r => [r.status, JSON.parse(r.text).created]), [[200, 300], [200, 300]], 'imports of many at once work');
	equal((await call('POST', '/query/submodels', { $condition: { $eq: [{ $field: '$sm#idShort' }, { $strVal: 'S' }] } })).status, 200, 'queries work');
	equal(sql("SELECT count(*) FROM pg_prepared_statements"), '0', 'no session keeps a prepared statement');
	ok(Number(sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'twin' AND pid <> pg_backend_pid()")) <= 3, 'in at most three sessions');
	await stop(server);
	equal(server.exitCode, 0, 'it ends well');
}

async function backup() {
	const server = await serve(`${cluster} dbname=twin`);
	let going = true;
	let before = 0;
	const writer = (async () => {
		for (let n = 1; going; n++)
			if ((await call('PATCH', value('urn:p:1'), n)).status === 204)
				before = n;
	})();
	await until(20, () => before > 20);
	const known = before;
	const dump = join(dir, 'twin.dump');
	run('pg_dump', ['-d', `${cluster} dbname=twin`, '-Fc', '-f', dump]);
	going = false;
	await writer;
	await stop(server);
	sql("CREATE DATABASE restored ENCODING 'UTF8' TEMPLATE template0", 'postgres');
	run('pg_restore', ['-d', `${cluster} dbname=restored`, '--exit-on-error', dump]);
	const r = cli(['db', 'verify', '--database', `${cluster} dbname=restored`]);
	ok(r.code === 0 && /^\d+ documents checked, 0 faults$/m.test(r.out), 'a backup taken while the server writes is whole', r.out + r.err);
	ok(Number(sql("SELECT value_text FROM report.property WHERE submodel_id = 'urn:p:1'", 'restored')) >= known, 'and has what was acknowledged before it');
	const again = await serve(`${cluster} dbname=restored`, '--migrate', 'never');
	equal((await call('PATCH', value('urn:p:1'), 77777)).status, 204, 'a server runs on it');
	equal((await call('GET', value('urn:p:1'))).text, '77777', 'and writes');
	await stop(again);
}

function words() {
	const status = cli(['db', 'status', '--database', `${cluster} dbname=twin`]);
	ok(status.code === 0 && /^schema +version \d+, up to date$/m.test(status.out) && /^submodels +624$/m.test(status.out), 'db status tells', status.out + status.err);
	sql("CREATE DATABASE empty ENCODING 'UTF8' TEMPLATE template0", 'postgres');
	const empty = { env: { TWINSHELL_DATABASE: `${cluster} dbname=empty` } };
	ok(/^partitions .*\bfeed \d+ since \d{6}, history \d+ since \d{6}, operation_call \d+ since \d{8}/m.test(status.out), 'which partitions there are', status.out);
	ok(/^waits for the feed +\d+ changes$/m.test(status.out) && /^waits for vacuum +/m.test(status.out) && /^transactions +\d+ since/m.test(status.out), 'and what has to wait', status.out);
	ok(/^schema +version 0; this program has \d+$/m.test(cli(['db', 'status'], empty).out), 'also of an empty database');
	const never = cli(['serve', '--migrate', 'never', '--listen', '127.0.0.1:0', '--data', join(dir, 'd2')], empty);
	ok(never.code !== 0 && /twinshell db migrate/.test(never.err), 'serve --migrate never refuses it and says what to do', JSON.stringify(never));
	ok(/^\d+ migrations applied$/m.test(cli(['db', 'migrate'], empty).out), 'db migrate makes the schema');
	equal(cli(['db', 'migrate'], empty).out, 'the schema is up to date\n', 'once');
	equal(cli(['db', 'migrate', '--database', 'host=127.0.0.1 port=1 connect_timeout=2']).code, 69, 'no database: 69');
	equal(cli(['db', 'frob']).code, 64, 'wrong words: 64');
	equal(cli(['db', 'status', '--data', join(dir, 'nothing')]).code, 66, 'no server in a directory: 66');
	sql("UPDATE twinshell.element SET value = 'x' WHERE submodel = twinshell.key_of('urn:p:3')");
	sql("UPDATE twinshell.element SET unit = 'K' WHERE submodel = twinshell.key_of('urn:p:5')");
	sql("DELETE FROM twinshell.lookup WHERE key = twinshell.key_of('urn:p:4')");
	sql("INSERT INTO twinshell.element (submodel, version, position, value_group, class, path) VALUES (5, 1, 0, 0, 'Property', 'X')");
	const found = cli(['db', 'verify', '--database', `${cluster} dbname=twin`]);
	equal(found.code, 65, 'db verify finds what was changed behind its back');
	equal(found.out.split('\n').filter(l => /urn:p:3".*xs:int|urn:p:4".*facts.*1 missing|urn:p:5".*rows.*1 missing|^1 rows of elements belong/.test(l)).length, 4, 'a line for each');
	ok(/^\d+ documents checked, 4 faults$/m.test(found.out), 'and no more', found.out);
}

try {
	const conninfo = await pooler();
	await behindPooler(conninfo);
	await backup();
	words();
} finally {
	pg('remove', join(dir, 'pg'));
}
await finish(dir);
