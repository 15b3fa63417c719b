// SPDX-License-Identifier: Apache-2.0
// crash.mjs - the server and PostgreSQL are killed while clients write and telemetry comes in, round after round.  Afterwards every acknowledged
// write is there, one that nobody answered is whole or absent, every change has its row in history and its place in the feed, and every sample
// that the broker took is there once.
//
// TWINSHELL_ROUNDS rounds (`make crash`: 200), the last quarter of them with `serve --standalone`.  TWINSHELL_SEED repeats what is done and when.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Broker, children, cli, equal, finish, freePort, installed, note, ok, pg, postgres, postmaster, program, run, sleep, start, stop, until, workspace } from './lib.mjs';
import { Load, random } from './crash_load.mjs';
import { counter, Telemetry, twin } from './crash_telemetry.mjs';

if (!postgres() || !installed('mosquitto') || !installed('mosquitto_pub')) {
	console.log('1..0 # SKIP PostgreSQL or mosquitto is not installed');
	process.exit(0);
}
const rounds = Number(process.env.TWINSHELL_ROUNDS || 6);
const seed = Number(process.env.TWINSHELL_SEED || Math.floor(Math.random() * 2 ** 31));
const chance = random(seed);
const dir = workspace();
const kills = {};

// -- a server and its database, to be killed ------------------------------------------------------------------------------------------
class Site {
	constructor(name, standalone) {
		Object.assign(this, { name, standalone, dir: join(dir, name), log: join(dir, 'server.log') });
		mkdirSync(this.dir);
	}
	async open(broker) {
		this.broker = broker;
		this.port = await freePort();
		this.api = `http://127.0.0.1:${this.port}/api/v3.0`;
		if (!this.standalone)
			this.database = pg('start', join(this.dir, 'pg'), 'durable');
		this.begin();
		await this.ready(120);
	}
	begin() {
		const where = this.standalone ? ['--standalone'] : ['--database', this.database];
		this.server = start(program, ['serve', ...where, '--data', join(this.dir, 'data'), '--broker', this.broker.uri, '--client-id', this.name,
			'--listen', `127.0.0.1:${this.port}`], { log: this.log });
	}
	async ready(seconds) {
		const line = await until(seconds, () => this.server.exitCode !== null || this.server.lines.find(l => l.startsWith('twinshell: ready ')));
		if (line === undefined || line === true)
			throw new Error(`the server does not start: exit code ${this.server.exitCode}`);
		if (this.standalone)
			this.database = JSON.parse(readFileSync(join(this.dir, 'data/endpoints.json'), 'utf8')).database;
	}
	get postmaster() {
		return this.standalone ? children(this.server.pid).find(c => c.name === 'postgres')?.pid
			: postmaster(join(this.dir, 'pg'));
	}
	/** Processes of the database that serve somebody. */
	get backends() {
		return children(this.postmaster).filter(c => {
			try {
				return /^postgres: \S+ \S+ (\[local\]|127\.0\.0\.1)/.test(readFileSync(`/proc/${c.pid}/cmdline`, 'utf8').split('\0')[0]);
			} catch {
				return false;	/* it has ended meanwhile */
			}
		});
	}
	async killServer() {
		this.server.kill('SIGKILL');
		await this.server.done;
	}
	killDatabase(signal = 'KILL') {
		if (this.standalone)
			process.kill(this.postmaster, `SIG${signal}`);
		else
			pg('restart', join(this.dir, 'pg'), signal);
	}
	killBackend(signal) {
		const one = chance.pick(this.backends);
		if (one)
			process.kill(one.pid, signal);
	}
	sql(query) {
		return run('psql', [this.database, '-XAtqc', query]).trim();
	}
	async close() {
		await stop(this.server);
		if (!this.standalone)
			pg('remove', join(this.dir, 'pg'));
	}
}

const deaths = {
	server: async s => {
		await s.killServer();
		s.begin();
	},
	postmaster: async s => s.killDatabase(),
	backend: async s => s.killBackend('SIGKILL'),
	backends: async s => {
		for (let i = 0; i < 5; i++, await sleep(chance.below(60)))
			s.killBackend('SIGTERM');
	},
	immediate: async s => s.killDatabase('QUIT'),
	both: async s => {
		s.server.kill('SIGKILL');
		if (!s.standalone)
			s.killDatabase();
		await s.server.done;
		s.begin();
	},
	twice: async s => {
		await s.killServer();
		s.begin();
		await sleep(chance.below(400));
		await s.killServer();
		s.begin();
	},
};

// -- a round ---------------------------------------------------------------------------------------------------------------------------
async function storm(site, load, telemetry, death) {
	load.begin();
	telemetry.begin();
	await sleep(50 + chance.below(500));
	const before = load.counts.acknowledged;
	await deaths[death](site);
	await until(60, () => load.counts.acknowledged > before, 10);
	await site.ready(60);
	const after = load.counts.acknowledged;
	const goesOn = await until(60, () => load.counts.acknowledged > after + 20, 10);
	await load.end();
	telemetry.end();
	return goesOn ? [] : ['nothing is written afterwards'];
}

const gaps = `SELECT count(*) FROM (SELECT version - lag(version) OVER (PARTITION BY key, kind ORDER BY version) AS d FROM twinshell.history) x WHERE d <> 1`;
const latest = `SELECT count(*) FROM (SELECT key, 1 AS kind, version FROM twinshell.submodel UNION ALL SELECT key, 0, version FROM twinshell.shell) d
	WHERE version <> (SELECT max(version) FROM twinshell.history h WHERE h.key = d.key AND h.kind = d.kind)`;
const strayBlobs = `SELECT count(*) FROM twinshell.blob b WHERE name LIKE 'submodel/%' AND NOT EXISTS (SELECT FROM twinshell.element e JOIN twinshell.submodel s ON s.key = e.submodel
	WHERE e.class = 'File' AND b.name = 'submodel/' || octet_length(s.id) || '/' || s.id || e.value)`;
// what files hold is kept once, and goes with the last that names it: a file, or the history of one
const miscounted = `SELECT count(*) FROM twinshell.content c LEFT JOIN (SELECT hash, count(*) AS n FROM (SELECT hash FROM twinshell.blob UNION ALL
	SELECT twinshell.file_hash(document) FROM twinshell.history WHERE kind = 7) named GROUP BY hash) u USING (hash) WHERE refs <> coalesce(n, 0)`;
const strayParts = `SELECT count(*) FROM twinshell.content_part p WHERE NOT EXISTS (SELECT FROM twinshell.content c WHERE c.hash = p.hash AND c.copy = p.copy)`;
const missingParts = `SELECT count(*) FROM twinshell.content c WHERE size <> (SELECT coalesce(sum(length(bytes)), 0) FROM twinshell.content_part p
	WHERE p.hash = c.hash AND p.copy = c.copy)`;

function database(site) {
	const faults = [];
	for (const words of [['db', 'verify'], ['audit', 'verify']]) {
		const r = cli([...words, '--database', site.database]);
		if (r.code !== 0)
			faults.push(`${words.join(' ')}: ${r.code} ${r.out}${r.err}`);
	}
	for (const [what, query] of Object.entries({ 'gaps in the versions': gaps, 'documents of another version than history': latest, 'attachments of nobody': strayBlobs,
		'contents with a wrong count': miscounted, 'parts of no content': strayParts, 'contents without all parts': missingParts })) {
		const n = site.sql(query);
		if (n !== '0')
			faults.push(`${n} ${what}`);
	}
	return faults;
}

async function oneRound(number, site, load, telemetry, death) {
	const faults = await storm(site, load, telemetry, death);
	faults.push(...await load.settle());
	if (!await until(30, () => site.sql('SELECT count(*) FROM twinshell.outbox') === '0'))
		faults.push('changes do not get their place in the feed');
	faults.push(...load.count(new Map(site.sql('SELECT id, count(*) FROM twinshell.history GROUP BY id').split('\n').map(l => [l.slice(0, l.lastIndexOf('|')), Number(l.slice(l.lastIndexOf('|') + 1))]))));
	faults.push(...database(site), ...await telemetry.check(q => site.sql(q)), ...load.strange.splice(0));
	kills[death] = (kills[death] ?? 0) + 1;
	return ok(!faults.length, `round ${number}, ${site.name}: ${death} killed, nothing lost, nothing torn`, faults.join('\n'));
}

async function series(name, standalone, first, last, order) {
	if (first > last)
		return;
	const site = new Site(name, standalone);
	const broker = await Broker.create(site.dir);
	const load = new Load(seed + first, () => site.api);
	try {
		await site.open(broker);
		for (const s of [load.shared, counter, twin])
			equal((await load.call('POST', '/submodels', s)).status, 201, `${name}: ${s.id}`);
		const telemetry = new Telemetry(broker);
		ok(await telemetry.arrives(q => site.sql(q)), `${name}: telemetry comes in`);
		for (let i = first; i <= last; i++)
			if (!await oneRound(i, site, load, telemetry, order[(i - 1) % order.length]) && process.env.TWINSHELL_STOP)
				break;
		telemetry.pub.stdin.end();
		const { code } = await telemetry.pub.done;
		equal(code, 0, `${name}: the broker has acknowledged every sample`);
		note(`${name}: ${Object.entries(load.counts).map(([k, v]) => `${v} ${k}`).join(', ')}, ${telemetry.n} samples`);
	} finally {
		await site.close();
		broker.stop();
	}
}

note(`TWINSHELL_SEED=${seed} TWINSHELL_ROUNDS=${rounds}`);
const order = Object.keys(deaths).map(d => [chance.below(1 << 30), d]).sort((a, b) => a[0] - b[0]).map(([, d]) => d);
const split = rounds - Math.max(1, Math.floor(rounds / 4));
try {
	await series('database', false, 1, split, order);
	await series('standalone', true, split + 1, rounds, order);
	note(`killed: ${Object.entries(kills).map(([k, v]) => `${k} ${v}`).join(', ')}`);
} catch (e) {
	ok(false, 'the rounds are played to their end', e.stack);
}
await finish(dir);
