// SPDX-License-Identifier: Apache-2.0
// standalone.mjs - `serve --standalone` on the real program: what it starts, watches, announces, leaves behind and takes over.
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { alive, b64, Broker, children, cli, equal, finish, freePort, installed, ok, postgres, program, run, skip, source, start, stop, until, workspace } from './lib.mjs';

if (!installed('mosquitto') || !installed('mosquitto_pub')) {
	console.log('1..0 # SKIP mosquitto and its clients are not installed');
	process.exit(0);
}

const dir = workspace();

/** A server on a free port; `data` below the workspace. */
class Instance {
	constructor(name, database = ['--database', 'memory']) {
		this.data = join(dir, name);
		this.log = join(dir, `${name}.log`);
		this.database = database;
		writeFileSync(this.log, '');
	}
	async start(...args) {
		this.child = start(program, ['serve', '--standalone', ...this.database, '--data', this.data, '--listen', '127.0.0.1:0', ...args], { log: this.log });
		await until(90, () => this.child.lines.length || !alive(this.child.pid));
		this.url = /^twinshell: ready (http:\/\/127\.0\.0\.1:\d+)$/.exec(this.child.lines[0] ?? '')?.[1];
		this.endpoints = this.url && JSON.parse(readFileSync(join(this.data, 'endpoints.json'), 'utf8'));
		return Boolean(this.url);
	}
	text() {
		return readFileSync(this.log, 'utf8');
	}
	kept(name) {
		return children(this.child.pid).find(c => c.name === name)?.pid;
	}
	async get(path) {
		const reply = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10000) });
		return { status: reply.status, json: await reply.json().catch(() => undefined) };
	}
	async stop(signal) {
		await stop(this.child, signal);
		return this.child.exitCode;
	}
	announced() {
		return existsSync(join(this.data, 'endpoints.json'));
	}
}

const portOf = endpoints => endpoints.broker.split(':').pop();
const publishes = endpoints => {
	try {
		run('mosquitto_pub', ['-h', '127.0.0.1', '-p', portOf(endpoints), '-q', '1', '-t', 'test/x', '-m', 'x'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
};
/** The local addresses, in hexadecimal, on which anybody listens at this port. */
const listeners = port => ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file => readFileSync(file, 'utf8').split('\n')).map(l => l.trim().split(/\s+/))
	.filter(f => f[3] === '0A' && parseInt(f[1].split(':')[1], 16) === Number(port)).map(f => f[1].split(':')[0]);
const uidOf = pid => Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

async function begin(a) {
	ok(await a.start(), 'the server becomes ready in a directory that was not there', a.text());
	equal(Object.keys(a.endpoints).sort(), ['api', 'broker', 'database', 'url'], 'endpoints.json says where everything is');
	equal([a.endpoints.url, a.endpoints.api], [a.url, `${a.url}/api/v3.0`], 'and says the same as the line');
	equal(statSync(join(a.data, 'endpoints.json')).mode & 0o777, 0o600, 'only for its owner');
	equal(listeners(portOf(a.endpoints)), ['0100007F'], 'the broker listens on loopback');
	equal(listeners(new URL(a.url).port), ['0100007F'], 'the server too');
	equal(children(a.child.pid).map(c => c.name), ['mosquitto'], 'it has started what it was asked for');
	ok(uidOf(a.kept('mosquitto')) !== 0 || process.getuid() === 0 && !existsSync('/etc/passwd'), 'the broker is no process of root');
	equal((await a.get('/shells')).json, { result: [], paging_metadata: {} }, 'without --plant it is empty');
	equal((await a.get('/readyz')).status, 200, 'it is ready');
	const nothing = cli(['audit', 'verify', '--database', 'host=/nonexistent']);
	ok(nothing.code === 69 && nothing.err.startsWith('twinshell: '), 'an audit of no database says so', JSON.stringify(nothing));
	equal([cli(['audit']).code, cli(['audit', 'verify', 'x']).code], [64, 64], 'and of wrong words');
	ok(publishes(a.endpoints), 'the broker takes messages');
}

async function refused(a) {
	const before = readFileSync(join(a.data, 'endpoints.json'), 'utf8');
	for (const args of [['--standalone'], []]) {
		const r = cli(['serve', '--database', 'memory', '--data', a.data, '--listen', '127.0.0.1:0', ...args]);
		ok(r.code === 69 && r.err.includes(`in use by another server (process ${a.child.pid})`), `a second server ${args} in the same directory is refused`, JSON.stringify(r));
	}
	equal(readFileSync(join(a.data, 'endpoints.json'), 'utf8'), before, 'and touches nothing of the first');
	ok(publishes(a.endpoints) && (await a.get('/shells')).status === 200, 'which goes on');
}

async function sideBySide(a) {
	const b = new Instance('b');
	ok(await b.start('--plant', join(source, 'examples/plant')), 'a second server in a second directory', b.text());
	ok(b.url !== a.url && b.endpoints.broker !== a.endpoints.broker, 'has addresses of its own');
	equal([(await a.get('/shells')).json.result.length, (await b.get('/shells')).json.result.length], [0, 4], 'and data of its own: --plant loads the plant');
	const kept = b.kept('mosquitto');
	equal(await b.stop('SIGINT'), 0, 'SIGINT stops it');
	ok(!alive(kept) && !b.announced(), 'nothing runs and nothing is announced any more');
	ok(publishes(a.endpoints), 'the first one goes on');
}

async function brokerDies(a) {
	const old = a.kept('mosquitto');
	process.kill(old, 'SIGKILL');
	ok(await until(30, () => a.kept('mosquitto') && a.kept('mosquitto') !== old && publishes(a.endpoints)), 'a killed broker is started again, on the same port');
	equal((await a.get('/shells')).status, 200, 'the server serves on');
	ok(await until(30, () => /connected to/.test(a.text().slice(a.text().indexOf('ended by itself')))), 'and is connected again', a.text());
}

async function resumes(a) {
	const kept = a.kept('mosquitto'), broker = a.endpoints.broker;
	equal(await a.stop('SIGTERM'), 0, 'SIGTERM stops it');
	ok(!alive(kept) && !a.announced(), 'nothing runs and nothing is announced any more');
	equal(a.child.lines.length, 1, 'on standard output was one line', a.child.lines.join('\n'));
	ok(await a.start() && a.endpoints.broker === broker, 'a second start has the same broker', a.text());
}

/** A plant that is a pipe holds a start up for as long as the test wants. */
function slowPlant(name) {
	const plant = join(dir, name);
	mkdirSync(plant);
	run('mkfifo', [join(plant, 'environment.json')]);
	return plant;
}

/** Lets it go, unless its reader has gone already: then nobody may wait for one. */
const release = (plant, child) => until(20, () => {
	if (!alive(child.pid))
		return true;
	closeSync(openSync(join(plant, 'environment.json'), constants.O_WRONLY | constants.O_NONBLOCK));
	return true;
});

/** The worst case: the broker cannot notice that the server was killed, and the next server finds it at work. */
async function killed(a) {
	const orphan = a.kept('mosquitto');
	process.kill(orphan, 'SIGSTOP');
	process.kill(a.child.pid, 'SIGKILL');
	await a.child.done;
	ok(a.announced() && alive(orphan), 'after kill -9 endpoints.json and the broker are left over');
	const plant = slowPlant('held');
	const next = a.start('--plant', plant);
	ok(await until(20, () => !a.announced()), 'the next start takes the stale announcement away before it is ready');
	process.kill(orphan, 'SIGCONT');
	ok(await until(20, () => a.kept('mosquitto')), 'and starts a broker of its own', a.text());
	a.child.kill('SIGTERM');
	await release(plant, a.child);
	await a.child.done;
	ok(!await next && a.child.exitCode === 0, 'then it is stopped', a.text());
	ok(await a.start() && publishes(a.endpoints), 'and another one becomes ready', a.text());
	ok(!alive(orphan) && a.kept('mosquitto') !== orphan, 'with a broker of its own');
	equal(await a.stop(), 0, 'it stops');
}

async function others() {
	const broker = await Broker.create(dir);
	const c = new Instance('c');
	ok(await c.start('--broker', broker.uri), '--broker names a real one', c.text());
	equal([c.endpoints.broker, children(c.child.pid).length], [broker.uri, 0], 'then none is started');
	ok(await until(10, () => c.text().includes(`connected to ${broker.uri}`)), 'and the server is connected to it');
	equal(await c.stop(), 0, 'it stops');
	broker.stop();
}

async function starting() {
	const plant = slowPlant('slow'), port = await freePort(), url = `http://127.0.0.1:${port}`;
	const child = start(program, ['serve', '--database', 'memory', '--data', join(dir, 'slow-data'), '--listen', `127.0.0.1:${port}`, '--plant', plant], { log: join(dir, 'slow.log') });
	const ask = async (path, init) => {
		const reply = await fetch(url + path, { signal: AbortSignal.timeout(5000), ...init });
		return [reply.status, await reply.json().catch(() => undefined)];
	};
	const [status, body] = await until(20, () => ask('/readyz')) ?? [];
	equal([status, body], [503, { status: 'DOWN', why: 'the server is starting' }], 'while the server starts /readyz answers 503 and why');
	equal((await ask('/healthz'))[0], 200, 'and /healthz that it is alive');
	for (const [path, init] of [['/shells'], ['/api/v3.0/submodels', { method: 'POST', body: '{}' }], [`/submodels/${b64('x')}`], ['/trend?submodel=eA&path=A']]) {
		const [code, result] = await ask(path, init);
		ok(code === 503 && /starting/.test(result?.messages?.[0].text), `${path} answers 503`, JSON.stringify([code, result]));
	}
	equal(child.lines, [], 'it does not say ready');
	child.kill('SIGTERM');
	await release(plant, child);
	equal((await child.done).code, 0, 'a SIGTERM during the start ends it');
}

/** An asset that takes its time keeps the server stopping: it answers when the server has said that it stops. */
async function stopping() {
	const d = new Instance('d');
	ok(await d.start('--plant', join(source, 'examples/plant')), 'a server whose asset is away', d.text());
	const sub = start('stdbuf', ['-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', portOf(d.endpoints), '-V', 'mqttv5', '-t', 'plant/#', '-t', 'test/x', '-F', '%t %R %D %p']);
	ok(await until(10, () => publishes(d.endpoints) && sub.lines.length), 'somebody listens to commands');
	ok(await until(10, () => /connected to \S+ as twinshell by/.test(d.text())), 'the twins are connected', d.text());
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	const ready = () => new Promise(done => get(`${d.url}/readyz`, { agent }, reply => {
		reply.resume().on('end', () => done(reply.statusCode));
	}).on('error', e => done(e.code)));
	equal(await ready(), 200, 'it is ready');
	const elements = `/submodels/${b64('https://example.com/ids/sm/pump1/TwinEngine')}/submodel-elements`;
	const patience = await fetch(`${d.url}${elements}/Commands.Timeout/$value`, { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: '"PT60S"' });
	equal(patience.status, 204, 'commands have time');
	const speed = { value: { modelType: 'Property', idShort: 'Speed', valueType: 'xs:double', value: '1300' } };
	const invoked = fetch(`${d.url}${elements}/SetSpeed/invoke`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ inputArguments: [speed], clientTimeoutDuration: 'PT60S' }) });
	const sent = await until(10, () => sub.lines.find(l => l.startsWith('plant/')));
	ok(sent, 'the command is on its way', sub.lines.join('\n') + d.text());
	const [, replyTo, correlation] = (sent || '').split(' ');
	d.child.kill('SIGTERM');
	ok(await until(20, async () => await ready() === 503), 'while the server stops /readyz answers 503');
	ok(!d.announced(), 'and nothing is announced');
	run('mosquitto_pub', ['-h', '127.0.0.1', '-p', portOf(d.endpoints), '-V', 'mqttv5', '-q', '1', '-D', 'publish', 'correlation-data', correlation, '-t', replyTo,
		'-m', '{"state":"completed"}']);
	equal((await (await invoked).json()).executionState, 'Completed', 'who waits for an answer still gets it');
	equal((await d.child.done).code, 0, 'then it ends');
	agent.destroy();
	await stop(sub);
}

async function hangup() {
	const conf = join(dir, 'twin.conf'), e = new Instance('e');
	const write = text => writeFileSync(conf, text);
	const says = async text => {
		const from = e.text().length;
		e.child.kill('SIGHUP');
		return until(10, () => e.text().slice(from).includes(text) && e.text().slice(from));
	};
	const origin = async () => (await fetch(`${e.url}/healthz`)).headers.get('access-control-allow-origin');
	write('cors_origin = http://one\n');
	ok(await e.start('--config', conf), 'a server with a configuration file', e.text());
	write('cors_origin = http://two\nlog_level = debug\nmax_body = 100\nworkers = 3\nbroker_password = rosebud\n');
	const log = await says('was read again: 3 options changed');
	ok(log, 'SIGHUP reads it again', e.text());
	ok(/cors-origin changed from "http:\/\/one" to "http:\/\/two"/.test(log), 'what changed is logged');
	ok(/workers changes from 8 to 3 only with a restart/.test(log), 'and what would need a restart');
	ok(/broker-password changes .* only with a restart/.test(log) && !/rosebud/.test(log), 'but no secret');
	equal(await origin(), 'http://two', 'the change is seen from outside');
	ok(await until(5, () => /http: GET .* 200/.test(e.text())), 'requests are logged now');
	equal((await fetch(`${e.url}/submodels`, { method: 'POST', body: 'x'.repeat(200) })).status, 413, 'the new limit holds');
	write('cors_origin = http://three\nlog_level = loud\n');
	ok(await says('stays as it is'), 'a file with a fault is refused');
	ok(/stays as it is: .*twin\.conf:2: log-level is one of/.test(e.text()), 'with its place');
	equal(await origin(), 'http://two', 'and changes nothing');
	write('log_format = json\n');
	ok(await says('{"time":'), 'the form of the log changes too', e.text());
	equal(await origin(), null, 'what is no longer said has its default again');
	equal(await e.stop(), 0, 'it stops');
}

/** The same with the database. */
async function database() {
	if (!postgres())
		return skip('the same with a private database', 'PostgreSQL is not installed');
	const f = new Instance('f', []);
	const can = await f.start();
	ok(can, `the server becomes ready with a private database`, f.text());
	const names = () => children(f.child.pid).map(c => c.name).sort();
	equal(names(), ['mosquitto', 'postgres'], 'broker and database run');
	ok(uidOf(f.kept('postgres')) !== 0, 'the database is no process of root');
	const sql = text => run('psql', [f.endpoints.database, '-XAtqc', text]).trim();
	equal(sql('show listen_addresses'), '', 'it has only its socket');
	const there = 1024 * Number(/^MemTotal:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))[1]);
	const kept = Number(sql("select setting::bigint * 8 / 1024 from pg_settings where name = 'shared_buffers'"));
	ok(kept === Math.max(128, Math.min(1024, Math.floor(there / 8 / (1 << 20)))) || (kept >= 128 && existsSync('/sys/fs/cgroup/memory.max')),
		'it keeps an eighth of the memory', `${kept} MB`);
	equal((await fetch(`${f.url}/submodels`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"modelType":"Submodel","id":"urn:kept"}' })).status, 201, 'it keeps a submodel');
	const pg = f.kept('postgres');
	process.kill(pg, 'SIGKILL');
	const down = await until(10, async () => {
		const { status, json } = await f.get('/readyz');
		return status === 503 && json;
	}, 0);
	equal(down, { status: 'DOWN', why: 'the database cannot be reached' }, 'while the database is away /readyz answers 503 and why');
	equal((await f.get('/healthz')).status, 200, 'without the database the server is alive');
	ok(await until(60, async () => f.kept('postgres') !== pg && (await f.get('/readyz')).status === 200), 'a killed database comes back, and readiness with it', f.text());
	equal((await f.get(`/submodels/${b64('urn:kept')}`)).status, 200, 'with its data');
	const orphan = f.kept('postgres');
	process.kill(orphan, 'SIGSTOP');
	process.kill(f.child.pid, 'SIGKILL');
	await f.child.done;
	process.kill(orphan, 'SIGCONT');
	ok(await f.start() && (await f.get(`/submodels/${b64('urn:kept')}`)).status === 200, 'after kill -9 of the server the next one has it all', f.text());
	const pids = [f.kept('postgres'), f.kept('mosquitto')];
	equal(await f.stop(), 0, 'it stops');
	equal(pids.filter(alive), [], 'and nothing runs any more');
}

try {
	const a = new Instance('a');
	await begin(a);
	await refused(a);
	await sideBySide(a);
	await brokerDies(a);
	await resumes(a);
	await killed(a);
	await others();
	await starting();
	await stopping();
	await hangup();
	await database();
} catch (e) {
	ok(false, 'the story is told to its end', e.stack);
}
await finish(dir);
