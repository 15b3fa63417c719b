// SPDX-License-Identifier: Apache-2.0
// lib.mjs - TAP, the program under test and the tools around it, for the system tests.
// Every wait has a condition and a deadline; every process is ended by its id; everything listens on loopback.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const source = process.env.srcdir ? resolve(process.env.srcdir) : resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const program = resolve(process.env.TWINSHELL ?? 'twinshell');
export const shared = process.env.TWINSHELL_SHARED ?? join(source, '../shared');

let count = 0;
let failed = 0;
export function ok(good, what, detail = '') {
	count++;
	console.log(`${good ? 'ok' : 'not ok'} ${count} - ${what}`);
	if (!good) {
		failed++;
		console.log(`# ${String(detail).slice(0, 2000).replaceAll('\n', '\n# ')}`);
	}
	return good;
}
export function equal(got, want, what) {
	return ok(JSON.stringify(got) === JSON.stringify(want), what, `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}
export function skip(what, why) {
	count++;
	console.log(`ok ${count} - ${what} # SKIP ${why}`);
}
export function note(text) {
	console.log(`# ${text}`);
}

export const sleep = ms => new Promise(done => setTimeout(done, ms));

/** The first truthy answer of f within `seconds`; undefined when there was none. Errors of f count as "not yet". */
export async function until(seconds, f, every = 50) {
	const end = Date.now() + seconds * 1000;
	let last;
	for (;;) {
		try {
			const answer = await f();
			if (answer)
				return answer;
		} catch (e) {
			last = e;
		}
		if (Date.now() > end) {
			if (last)
				note(`last error: ${last.message}`);
			return undefined;
		}
		await sleep(every);
	}
}

// -- processes ---------------------------------------------------------------------------------------------------------
const running = new Set();

export function start(file, args, { log, stdin = 'ignore', env = {} } = {}) {
	const err = log ? openSync(log, 'a') : 'ignore';
	const child = spawn(file, args, { stdio: [stdin, 'pipe', err], env: { ...process.env, ...env } });
	child.lines = [];
	child.done = new Promise(resolveDone => child.on('exit', (code, signal) => {
		running.delete(child);
		resolveDone({ code, signal });
	}));
	child.on('error', e => note(`${file}: ${e.message}`));
	let rest = '';
	child.stdout.on('data', data => {
		const parts = (rest + data).split('\n');
		rest = parts.pop();
		child.lines.push(...parts);
	});
	running.add(child);
	return child;
}
export async function stop(child, signal = 'SIGTERM') {
	if (!child || child.exitCode !== null || child.signalCode !== null)
		return;
	child.kill(signal);
	await Promise.race([child.done, sleep(30000)]);
	if (child.exitCode === null && child.signalCode === null)
		child.kill('SIGKILL');
	await child.done;
}
export const run = (file, args, options = {}) => execFileSync(file, args, { encoding: 'utf8', timeout: 60000, ...options });

/** One run of the program to its end: its exit status and what it wrote. */
export function cli(args, { env = {}, seconds = 60, input } = {}) {
	const r = spawnSync(program, args, { encoding: 'utf8', timeout: seconds * 1000, env: { ...process.env, ...env }, input, maxBuffer: 1 << 28 });
	return { code: r.status, signal: r.signal, out: r.stdout ?? '', err: r.stderr ?? '' };
}
/** Is it installed?  Services lie in sbin, which is not in everybody's PATH. */
export const installed = name => [...process.env.PATH.split(':'), '/usr/sbin', '/usr/local/sbin'].some(d => existsSync(join(d, name)));
/** Can a private cluster be made? */
export const postgres = () => installed('psql') && (installed('initdb') || (existsSync('/usr/lib/postgresql') &&
	readdirSync('/usr/lib/postgresql').some(v => existsSync(join('/usr/lib/postgresql', v, 'bin/initdb')))));

/** tests/pg-private with these words; what it prints. */
export const pg = (...args) => run('sh', [join(source, 'tests/pg-private'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] }).trim();
/** The first process of the cluster that pg-private has in `dir`, or where `at` in it leads. */
export const postmaster = dir => Number(readFileSync(join(dir, existsSync(join(dir, 'at')) ? 'at' : '.', 'data/postmaster.pid'), 'utf8').split('\n')[0]);

/** The processes whose parent is `pid`, as { pid, name }. */
export function children(pid) {
	const out = [];
	for (const entry of readdirSync('/proc').filter(e => /^\d+$/.test(e))) {
		try {
			const [, name, ppid] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8'));
			if (Number(ppid) === pid)
				out.push({ pid: Number(entry), name });
		} catch {
			// it ended meanwhile
		}
	}
	return out;
}
/** Does it run?  A zombie does not. */
export function alive(pid) {
	try {
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
}

export function workspace() {
	const dir = mkdtempSync(join(process.env.TMPDIR ?? tmpdir(), 'twinshell-'));
	chmodSync(dir, 0o755);
	return dir;
}
export const freePort = () => new Promise((done, fail) => {
	const s = createServer();
	s.on('error', fail);
	s.listen(0, '127.0.0.1', () => {
		const { port } = s.address();
		s.close(() => done(port));
	});
});

/** Ends everything that still runs, prints the plan, sets the exit status. */
export async function finish(dir) {
	for (const child of [...running])
		await stop(child);
	if (failed && dir && existsSync(join(dir, 'server.log')))
		console.log(readFileSync(join(dir, 'server.log'), 'utf8').split('\n').slice(-40).map(l => `# ${l}`).join('\n'));
	if (dir)
		rmSync(dir, { recursive: true, force: true });
	console.log(`1..${count}`);
	process.exit(failed ? 1 : 0);
}

// -- the program ---------------------------------------------------------------------------------------------------------
export class Server {
	constructor(dir, args = []) {
		this.dir = dir;
		this.data = join(dir, 'data');
		this.log = join(dir, 'server.log');
		this.args = args;
		mkdirSync(this.data, { recursive: true });
	}
	async start(seconds = 60) {
		this.child = start(program, ['serve', '--standalone', '--data', this.data, '--listen', '127.0.0.1:0', ...this.args], { log: this.log });
		const ready = await until(seconds, () => {
			if (this.child.exitCode !== null || this.child.signalCode !== null)
				return 'ended';
			return this.child.lines.find(l => l.startsWith('twinshell: ready '));
		});
		if (!ready || ready === 'ended')
			throw new Error(`the server did not become ready (${ready ?? 'in time'})`);
		this.url = ready.split(' ').pop();
		this.endpoints = JSON.parse(readFileSync(join(this.data, 'endpoints.json'), 'utf8'));
		return this;
	}
	async call(method, path, body, headers = {}) {
		const reply = await fetch(`${this.endpoints.api}${path}`, {
			method,
			headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
			body: body === undefined ? undefined : JSON.stringify(body),
			signal: AbortSignal.timeout(30000),
		});
		const text = await reply.text();
		let json;
		try {
			json = text ? JSON.parse(text) : undefined;
		} catch {
			json = undefined;
		}
		return { status: reply.status, text, json, headers: reply.headers };
	}
	async value(submodel, path) {
		const r = await this.call('GET', `/submodels/${b64(submodel)}/submodel-elements/${encodeURIComponent(path)}/$value`);
		return r.status === 200 ? r.json : undefined;
	}
	sql(query) {
		return run('psql', [this.endpoints.database, '-XAtqc', query]).trim();
	}
}
export const b64 = text => Buffer.from(text, 'utf8').toString('base64url');

// -- a broker of the test's own, so that it can be stopped without the server ----------------------------------------------
export class Broker {
	static async create(dir) {
		const b = new Broker();
		b.dir = join(dir, 'broker');
		b.port = await freePort();
		b.uri = `tcp://127.0.0.1:${b.port}`;
		b.start();
		return b;
	}
	start() {
		run('sh', [join(source, 'tests/mosquitto-private'), 'start', this.dir, String(this.port)], { stdio: ['ignore', 'pipe', 'inherit'] });
	}
	stop() {
		run('sh', [join(source, 'tests/mosquitto-private'), 'stop', this.dir], { stdio: ['ignore', 'pipe', 'inherit'] });
	}
	publish(topic, message) {
		run('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(this.port), '-q', '1', '-t', topic, '-m', message]);
	}
	/** A publisher of QoS 1 lines; write(line) to it, end() waits until the broker has acknowledged all. */
	publisher(topic) {
		return start('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(this.port), '-q', '1', '-t', topic, '-l'], { stdin: 'pipe' });
	}
}
