// SPDX-License-Identifier: Apache-2.0
// data.mjs - the parts of `make bench` that need much data: 10,000 submodels of 100 elements, and a million of 10.
//
// Every figure stands beside a baseline that was measured in turns with it, in rounds; medians are shown, and what the ratio ought to be.  The machine
// runs the load, the server and the database: figures are to be compared within a row.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { b64, program, run, sleep, start, stop, until } from '../system/lib.mjs';

const median = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
export const BIG_CACHE = 1 << 29;
const API = '/api/v3.0';
const SMALL = { prefix: 'urn:bench:sm', n: 10000, groups: 10, per: 9 };
const LARGE = { prefix: 'urn:bench:many', n: Number(process.env.BENCH_MANY ?? 1000000), groups: 2, per: 4 };

export class Data {
	static parts = ['documents', 'loops', 'durable', 'create', 'lists', 'queries', 'coherent', 'million'];

	constructor({ dir, here, server, rounds, seconds }) {
		Object.assign(this, { dir, here, rounds, seconds, database: server.endpoints.database, large: server });
		this.servers = [];
		this.hellos = [];
		this.made = { n: 0 };
	}

	// -- what it runs ------------------------------------------------------------------------------------------------------
	/** One more server on the same database, without telemetry. */
	async serve(...args) {
		const home = join(this.dir, `bench-${++this.made.n}`);
		mkdirSync(home);
		const child = start(program, ['serve', '--database', this.database, '--data', home, '--listen', '127.0.0.1:0', '--client-id', `bench${this.made.n}`, ...args],
			{ log: join(this.dir, 'server.log') });
		this.servers.push(child);
		const ready = await until(60, () => child.lines.find(l => l.startsWith('twinshell: ready ')));
		if (!ready)
			throw new Error('a server did not become ready');
		return { child, url: ready.split(' ').pop(), port: Number(new URL(ready.split(' ').pop()).port) };
	}
	/** A program of this folder that prints its port, and ends with this. */
	async baseline(name, ...args) {
		const child = spawn(join(this.here, name), args, { stdio: ['pipe', 'pipe', 'inherit'] });
		this.hellos.push(child);
		return Number(await new Promise(done => child.stdout.once('data', d => done(String(d)))));
	}
	hello(body) {
		return this.baseline('hello', this.file(`hello-${++this.made.n}`, body), '2');
	}
	file(name, text) {
		const path = join(this.dir, name);
		writeFileSync(path, text);
		return path;
	}
	load(port, connections, method, path, body) {
		const args = ['127.0.0.1', String(port), String(connections), String(this.seconds), method, path];
		const [rate, p50, p99, bad] = run(join(this.here, 'load'), body === undefined ? args : [...args, body]).trim().split(' ').map(Number);
		if (bad)
			throw new Error(`${bad} replies of ${method} ${path} were not 2xx`);
		return { rate, p50, p99 };
	}
	sql(connections, statement, ...params) {
		const [rate, rows] = run(join(this.here, 'statement'), [this.database, String(connections), String(this.seconds), statement, ...params])
			.trim().split(' ').map(Number);
		return { rate, rows };
	}
	fill({ prefix, n, groups, per }) {
		const from = performance.now();
		run(join(this.here, 'fill'), [this.database, prefix, String(n), String(groups), String(per)], { timeout: 3600000 });
		console.log(`\n${n} submodels of ${groups * per + groups} elements were made in ${((performance.now() - from) / 1000).toFixed(0)} s`);
	}
	/** Paths of some submodels, a line each. */
	paths(name, { prefix }, n, below = '') {
		return this.file(name, Array.from({ length: n }, (_, i) => `${API}/submodels/${b64(`${prefix}/${String(i).padStart(7, '0')}`)}${below}\n`).join(''));
	}
	/** Rounds of all of them in turns; `theirs` of a row may be the name of another row. */
	compare(rows) {
		const got = rows.map(() => ({ ours: [], theirs: [] }));
		for (let i = 0; i < this.rounds; i++)
			rows.forEach((row, k) => {
				if (typeof row.theirs === 'function')
					got[k].theirs.push(row.theirs());
				got[k].ours.push(row.ours());
			});
		return rows.map((row, k) => {
			const ours = median(got[k].ours.map(r => r.rate));
			const base = typeof row.theirs === 'function' ? got[k].theirs : got[rows.findIndex(r => r.name === row.theirs)].ours;
			const theirs = median(base.map(r => r.rate));
			this.print(row.name, ours, theirs, row.goal, `p99 ${Math.round(median(got[k].ours.map(r => r.p99 ?? 0)))} us`);
			return ours;
		});
	}
	print(name, ours, theirs, goal, extra = '') {
		const ratio = ours / theirs;
		console.log(`${name.padEnd(62)} ${ours.toFixed(0).padStart(8)}/s  baseline ${theirs.toFixed(0).padStart(8)}/s  ratio ${ratio.toFixed(2).padStart(5)}` +
			`  goal ${goal === undefined ? '   -' : goal.toFixed(2)}${goal === undefined || ratio >= goal ? ' ' : '!'} ${extra}`);
	}

	async open() {
		this.fill(SMALL);
		this.large.port = Number(new URL(this.large.url).port);
		this.body = await (await fetch(`${this.large.url}${API}/submodels/${b64(`${SMALL.prefix}/0000000`)}`)).text();
		return this;
	}
	async close() {
		for (const child of this.hellos)
			child.stdin.end();
		for (const child of this.servers)
			await stop(child);
	}

	// -- parts ---------------------------------------------------------------------------------------------------------------
	async documents() {
		const none = await this.serve('--cache', '1');
		const hello = await this.hello(this.body);
		const hello200 = await this.hello('"1234567.5"'.repeat(18));
		const hot = this.paths('hot', SMALL, 200), all = this.paths('all', SMALL, SMALL.n);
		const value = this.paths('value', SMALL, 200, '/submodel-elements/Group3.Value4/$value');
		const element = this.paths('element', SMALL, 200, '/submodel-elements/Group3.Value4');
		this.load(this.large.port, 16, 'GET', `@@${all}`);	// so that it is there
		for (const n of [1, 16, 64, 256])
			this.compare([
				{ name: `GET submodel of ${this.body.length} bytes, hot, ${n} connections`, goal: n === 64 ? 0.9 : undefined,
					ours: () => this.load(this.large.port, n, 'GET', `@@${hot}`), theirs: () => this.load(hello, n, 'GET', `@@${hot}`) },
				{ name: `  one of ${SMALL.n}, ${n} connections`, goal: n === 64 ? 0.7 : undefined,
					ours: () => this.load(this.large.port, n, 'GET', `@@${all}`), theirs: () => this.load(hello, n, 'GET', `@@${all}`) },
				{ name: `  from the database, ${n} connections`, goal: n === 64 ? 0.35 : undefined,
					ours: () => this.load(none.port, n, 'GET', `@@${all}`), theirs: () => this.load(hello, n, 'GET', `@@${all}`) },
				{ name: `GET element, ${n} connections`, goal: n === 64 ? 0.8 : undefined,
					ours: () => this.load(this.large.port, n, 'GET', `@@${element}`), theirs: () => this.load(hello200, n, 'GET', `@@${element}`) },
				{ name: `GET $value, ${n} connections`, goal: n === 64 ? 0.8 : undefined,
					ours: () => this.load(this.large.port, n, 'GET', `@@${value}`), theirs: () => this.load(hello200, n, 'GET', `@@${value}`) },
			]);
		await stop(none.child);
	}
	async loops() {
		const one = await this.serve('--loops', '1');
		const hot = this.paths('hot', SMALL, 200);
		const row = (n, goal) => ({ name: `${n} connections on one loop`, goal, theirs: '64 connections on one loop', ours: () => this.load(one.port, n, 'GET', `@@${hot}`) });
		this.compare([row(64), ...[128, 160, 256, 512].map(n => row(n, 0.6))]);
		await stop(one.child);
	}
	/** From now on a commit waits so long before it is written, as if the disk took that time; others join it. */
	async delayCommits(us) {
		for (const sql of [`ALTER SYSTEM SET commit_delay = ${us}`, 'ALTER SYSTEM SET commit_siblings = 0', 'SELECT pg_reload_conf()'])
			run('psql', [this.database, '-XAtqc', sql]);
		await sleep(300);
	}
	async durable() {
		const value = this.paths('value64', SMALL, 64, '/submodel-elements/Group3.Value4/$value');
		/* commits each request on its own, on 8 connections */
		const port = await this.baseline('patch_base', `${this.database} options='-c client_min_messages=warning'`, '8', 'row');
		const rows = this.file('rows', Array.from({ length: 64 }, (_, i) => `/${i}\n`).join(''));
		const row = (how, to) => ({ name: `PATCH $value, 64 connections, durable${how}`, goal: 3, ours: () => this.load(to.port, 64, 'PATCH', `@${value}`, '%.25'),
			theirs: () => this.load(port, 64, 'PATCH', `@${rows}`, '%.25') });
		const quiet = await (await this.elsewhere(SMALL, 'durable', 64)).serve();
		this.compare([row('', this.large), row(', no broker', quiet)]);
		await this.delayCommits(1000);
		this.compare([row(', 1 ms each', this.large), row(', 1 ms each, no broker', quiet)]);
		await this.delayCommits(0);
		await stop(quiet.child);
	}
	/** What storing a copy of a submodel inserts, bare. */
	insert(id) {
		const like = `twinshell.key_of('${id}')`;
		return 'WITH n AS (SELECT $1::text AS id), s AS (INSERT INTO twinshell.submodel (key, id, id_short, version, doc_version, semantic_id, header, doc)' +
			' SELECT twinshell.key_of(n.id), n.id, id_short, 1, 1, semantic_id, header, $2 FROM n, twinshell.submodel WHERE key = ' + like + ' RETURNING key, id),' +
			' h AS (INSERT INTO twinshell.history (key, kind, version, operation, id) SELECT key, 1, 1, \'create\', id FROM s' +
			' RETURNING recorded_at, key, kind, version),' +
			' o AS (INSERT INTO twinshell.outbox (recorded_at, key, kind, version) SELECT recorded_at, key, kind, version FROM h),' +
			' l AS (INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id) SELECT s.key, l.kind, l.field, l.hash, l.name, l.value, s.id' +
			' FROM s, twinshell.lookup l WHERE l.key = ' + like + ' AND l.kind = 1)' +
			' INSERT INTO twinshell.element (submodel, version, position, class, value_type, value_group, semantic, num, path, value, found_key, found_num)' +
			' SELECT s.key, 1, e.position, e.class, e.value_type, e.value_group, e.semantic, e.num, e.path, e.value, e.found_key, e.found_num FROM s, twinshell.element e WHERE e.submodel = ' + like;
	}
	async create() {
		const body = this.file('create', this.body.replace('"id":"urn:bench:sm/0000000"', '"id":"urn:bench:new/%"'));
		this.compare([
			{ name: 'POST submodel of 100 elements, 16 connections', goal: 0.5, ours: () => this.load(this.large.port, 16, 'POST', `${API}/submodels`, `@${body}`),
				theirs: () => this.sql(8, this.insert(`${SMALL.prefix}/0000000`), 'urn:bench:bare/%', this.body) },
		]);
		run('psql', [this.database, '-XAtqc', 'DELETE FROM twinshell.element e USING twinshell.submodel s WHERE e.submodel = s.key AND (s.id LIKE \'urn:bench:new/%\'' +
			' OR s.id LIKE \'urn:bench:bare/%\'); DELETE FROM twinshell.lookup WHERE id LIKE \'urn:bench:new/%\' OR id LIKE \'urn:bench:bare/%\';' +
			' DELETE FROM twinshell.submodel WHERE id LIKE \'urn:bench:new/%\' OR id LIKE \'urn:bench:bare/%\'']);
	}
	/** The cursor of the last page. */
	async deepest(path, limit = 100) {
		let cursor = '', last = '';
		for (;;) {
			const page = await (await fetch(`${this.large.url}${path}?limit=${limit}${cursor && `&cursor=${cursor}`}`)).text();
			const next = /"cursor":"([^"]+)"/.exec(page.slice(-4000));
			if (!next)
				return last;
			last = cursor;
			cursor = next[1];
		}
	}
	listed(set, cursor) {
		const after = set.after ?? `${set.prefix}/${String(set.n - 201).padStart(7, '0')}`;
		const bare = (columns, ...id) => this.sql(8, `SELECT ${columns} FROM twinshell.submodel s WHERE ("left"(s.id, 512), s.id) > ("left"($1::text, 512), $1::text)` +
			' ORDER BY "left"(s.id, 512), s.id LIMIT 101', ...id);
		const get = query => this.load(this.large.port, 16, 'GET', `${API}/submodels${query}`);
		return [
			{ name: `list, first 100 of ${set.n}`, goal: 0.6, ours: () => get('?limit=100'), theirs: () => bare('s.id, s.version, s.doc', `${set.prefix}/`) },
			{ name: `  the deepest 100`, goal: 1 / 1.2, ours: () => get(`?limit=100&cursor=${cursor}`), theirs: `list, first 100 of ${set.n}` },
			{ name: `$metadata, first 100 of ${set.n}`, goal: 0.6, ours: () => this.load(this.large.port, 16, 'GET', `${API}/submodels/$metadata?limit=100`),
				theirs: () => bare('s.id, s.version, coalesce(s.header, s.doc)', `${set.prefix}/`) },
			{ name: `  bare SQL, the deepest 100`, theirs: () => bare('s.id, s.version, s.doc', `${set.prefix}/`), ours: () => bare('s.id, s.version, s.doc', after) },
		];
	}
	async lists() {
		return this.compare(this.listed(SMALL, await this.deepest(`${API}/submodels`)));
	}
	queried(set) {
		const ask = condition => this.load(this.large.port, 16, 'POST', '/api/v3.0/query/submodels?limit=100', JSON.stringify({ $condition: condition }));
		const value = { $field: '$sme.Group0.Value0#value' };
		const named = 'SELECT s.id, s.version, s.doc FROM twinshell.element e JOIN twinshell.submodel s ON s.key = e.submodel WHERE ' +
			'twinshell.key_of(twinshell.name_of(e.path)) = twinshell.key_of(\'Value0\') AND e.path = \'Group0.Value0\' AND ';
		const order = ' ORDER BY "left"(s.id, 512), s.id LIMIT 101';
		const middle = Math.floor(set.n / 2);
		return [
			{ name: `query by semanticId, 100 of ${set.n / 100} of ${set.n}`, goal: 0.5, ours: () => ask({ $eq: [{ $field: '$sm#semanticId' }, { $strVal: 'urn:bench:type:7' }] }),
				theirs: () => this.sql(8, 'SELECT s.id, s.version, s.doc FROM twinshell.lookup l JOIN twinshell.submodel s ON s.key = l.key AND s.id = l.id WHERE' +
					' l.kind = 1 AND l.field = 7 AND l.hash = twinshell.key_of(\'0\' || E\'\\n\' || $1::text) AND l.name = \'0\' AND l.value = $1::text' +
					' ORDER BY "left"(l.id, 512), l.id LIMIT 101', 'urn:bench:type:7') },
			{ name: `query by value, one of ${set.n}`, goal: 0.5, ours: () => ask({ $eq: [value, { $strVal: `${middle}.0` }] }),
				theirs: () => this.sql(8, 'SELECT s.id, s.version, s.doc FROM twinshell.element e JOIN twinshell.submodel s ON s.key = e.submodel WHERE' +
					' e.found_key = twinshell.key_of($1::text) AND e.value = $1::text AND e.path = \'Group0.Value0\'' + order, `${middle}.0`) },
			{ name: `query by range, 50 of ${set.n}`, goal: 0.5, ours: () => ask({ $and: [{ $ge: [value, { $numVal: middle }] }, { $lt: [value, { $numVal: middle + 50 }] }] }),
				theirs: () => this.sql(8, `${named} e.num >= $1::float8 AND e.num < $1::float8 + 50${order}`, String(middle)) },
		];
	}
	async queries() {
		return this.compare(this.queried(SMALL));
	}

	/** Writes of one server while another one listens; and how long it takes until the other one shows them. */
	async coherent() {
		const value = this.paths('value64', SMALL, 64, '/submodel-elements/Group3.Value4/$value');
		const write = port => this.load(port, 64, 'PATCH', `@${value}`, '%.5');
		const rates = { alone: [], told: [] };
		const p99 = [];
		const writer = this.large;
		for (let i = 0; i < this.rounds; i++) {
			await sleep(1500);	// until the writer has noticed that it is alone
			rates.alone.push(write(writer.port).rate);
			const reader = await this.serve();
			await this.lag(writer, reader, 1);
			rates.told.push(write(writer.port).rate);
			p99.push(await this.lag(writer, reader, 300));
			await stop(reader.child);
		}
		this.print('PATCH $value, told to another process', median(rates.told), median(rates.alone), 0.8);
		const ms = median(p99.map(p => p.p99));
		console.log(`${'  until the other process shows it'.padEnd(62)} p50 ${median(p99.map(p => p.p50)).toFixed(2)} ms  p99 ${ms.toFixed(2)} ms  goal p99 under 10 ms${ms < 10 ? '' : ' !'}`);
	}
	async lag(writer, reader, n) {
		const path = `${API}/submodels/${b64(`${SMALL.prefix}/0000100`)}/submodel-elements/Group1.Value1/$value`;
		const seen = [];
		for (let i = 0; i < n; i++) {
			const text = `${performance.now().toFixed(3)}`;
			const r = await fetch(writer.url + path, { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: text });
			if (r.status !== 204)
				throw new Error(`PATCH: ${r.status}`);
			const from = performance.now();
			while (Number(await (await fetch(reader.url + path)).text()) !== Number(text))
				if (performance.now() - from > 5000)
					throw new Error('the other process does not see a change');
			seen.push(performance.now() - from);
		}
		seen.sort((x, y) => x - y);
		return { p50: median(seen), p99: seen[Math.floor(seen.length * 0.99)] };
	}

	/** Measures while nobody else does who locks the file BENCH_LOCK, if there is one. */
	async alone(measure) {
		const lock = process.env.BENCH_LOCK && spawn('flock', [process.env.BENCH_LOCK, 'sh', '-c', 'echo; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
		if (lock)
			await new Promise(done => lock.stdout.once('data', done));
		measure();
		lock?.stdin.end();
	}
	/** The same with another database, which has the first n of the set, and of which no server with a broker knows. */
	async elsewhere(set, name, n = set.n) {
		const database = this.database.replace(/dbname=\w+/, `dbname=${name}`);
		run('psql', [this.database, '-XAtqc', `CREATE DATABASE ${name} TEMPLATE template0`]);
		run(program, ['db', 'migrate', '--database', database], { stdio: ['ignore', 'pipe', 'ignore'] });
		const on = Object.assign(Object.create(this), { database, set });
		on.fill({ ...set, n });
		return on;
	}
	/** The same with another database, and two servers on it. */
	async on(set) {
		const on = await this.elsewhere(set, set.database);
		const { database } = on;
		run('psql', [database, '-XAtqc', 'VACUUM ANALYZE'], { timeout: 600000 });
		on.printSizes();
		const from = performance.now();
		on.large = await on.serve('--cache', String(BIG_CACHE));
		on.none = await on.serve('--cache', '1');
		console.log(`two servers were ready after ${((performance.now() - from) / 1000).toFixed(1)} s; memory of one ${on.memory()} MB`);
		on.cursor = await on.deepest(`${API}/submodels`, 1000);
		on.some = on.paths(`some-${set.database}`, set, SMALL.n);
		on.hot = on.paths(`hot-${set.database}`, set, 200);
		on.value = on.paths(`value-${set.database}`, set, 200, '/submodel-elements/Group1.Value1/$value');
		on.value64 = on.paths(`value64-${set.database}`, set, 64, '/submodel-elements/Group1.Value1/$value');
		on.body = await (await fetch(`${on.large.url}${API}/submodels/${b64(`${set.prefix}/0000000`)}`)).text();
		on.helloDoc = await this.hello(on.body);
		on.helloValue = await this.hello('"1.5"');
		on.load(on.large.port, 16, 'GET', `@@${on.some}`);	// so that they are there
		return on;
	}
	memory() {
		return (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.large.child.pid}/status`, 'utf8'))[1]) / 1024).toFixed(0);
	}
	printSizes() {
		const relations = run('psql', [this.database, '-XAtq', '-F', ' ', '-c', "SELECT regexp_replace(c.relname, '_[0-9]{6}', ''), pg_table_size(c.oid)," +
			" coalesce((SELECT string_agg(regexp_replace(i.indexrelid::regclass::text, '^twinshell[.]|_[0-9]{6}', '', 'g') || '=' || pg_relation_size(i.indexrelid), ',')" +
			' FROM pg_index i WHERE i.indrelid = c.oid), \'-\') FROM pg_class c WHERE c.relnamespace = \'twinshell\'::regnamespace AND c.relkind = \'r\'' +
			' AND pg_total_relation_size(c.oid) > 1000000 ORDER BY pg_total_relation_size(c.oid) DESC']).trim().split('\n').map(l => l.split(' '));
		const each = bytes => (bytes / this.set.n).toFixed(0);
		let sum = 0;
		console.log(`Bytes of one submodel in the database, ${this.set.n} of them:`);
		for (const [name, size, list] of relations) {
			const indexes = list === '-' ? [] : list.split(',').map(i => i.split('='));
			sum += Number(size) + indexes.reduce((a, [, n]) => a + Number(n), 0);
			console.log(`  ${name.padEnd(12)} ${each(size).padStart(6)}   ${indexes.map(([index, n]) => `${index} ${each(n)}`).join(', ')}`);
		}
		console.log(`  ${'sum'.padEnd(12)} ${each(sum).padStart(6)}`);
	}
	/** What is measured of a set: rows as those of compare(), and on how many connections. */
	measured() {
		const { set, large, none, helloDoc: doc, helloValue: value } = this;
		const get = (name, server, file, hello, goals) => [1, 16, 64, 256].map(n => ({ name, n, goal: n === 64 ? goals : undefined,
			ours: () => this.load(server.port, n, 'GET', `@@${file}`), theirs: () => this.load(hello, n, 'GET', `@@${file}`) }));
		const update = () => ({ rate: Number(run(join(this.here, 'update'), [this.database, '64', String(this.seconds)])) });
		const rest = [...this.listed(set, this.cursor), ...this.queried(set)].filter(row => !row.name.includes('bare')).map(row => ({ ...row, n: 16 }));
		const first = rest[0].theirs;
		return [
			...get('GET submodel, hot', large, this.hot, doc, 0.9), ...get(`GET submodel, one of ${SMALL.n}`, large, this.some, doc, 0.7),
			...get('GET submodel, from the database', none, this.all ??= this.paths(`all-${set.database}`, set, set.n), doc, 0.35),
			...get('GET $value', large, this.value, value, 0.8),
			{ name: 'PATCH $value', n: 64, ours: () => this.load(large.port, 64, 'PATCH', `@${this.value64}`, '%.25'), theirs: update },
			{ name: 'POST submodel', n: 16, goal: 0.5, ours: () => this.load(large.port, 16, 'POST', `${API}/submodels`, `@${this.fresh()}`),
				theirs: () => this.sql(8, this.insert(`${set.prefix}/0000000`), 'urn:bench:bare/%', this.body) },
			{ name: '$recent-changes, first 100', n: 16, ours: () => this.load(large.port, 16, 'GET', `${API}/submodels/$recent-changes?limit=100`), theirs: first },
			{ name: 'submodel descriptors, first 100', n: 16, ours: () => this.load(large.port, 16, 'GET', `${API}/submodel-descriptors?limit=100`), theirs: first },
			// those that may take long are the last: what nobody waits for any more is still worked on
			...rest.map(row => typeof row.theirs === 'function' ? row : { ...row, theirs: first, goal: 0.6 }),
		];
	}
	fresh() {
		return this.file('create', this.body.replace(`"id":"${this.set.prefix}/0000000"`, '"id":"urn:bench:new/%"'));
	}

	/** A million submodels of 10 elements beside ten thousand of the same, each in a database of its own; rounds of both in turns. */
	async million() {
		const ten = await this.on({ ...LARGE, n: SMALL.n, database: 'bench_ten' }), many = await this.on({ ...LARGE, database: 'bench_many' });
		const rows = many.measured(), few = ten.measured();
		const middle = list => median(list.map(r => r.rate));
		console.log(`\n${'a million, per second'.padEnd(46)} conns     ours baseline  ratio  goal | ten thousand: ours baseline  ratio | of rates  of ratios  goal`);
		for (const [k, row] of rows.entries()) {
			const got = { ours: [], theirs: [], few: [], fewTheirs: [] };
			await this.alone(() => {
				for (let i = 0; i < this.rounds; i++) {
					got.theirs.push(row.theirs());
					got.ours.push(row.ours());
					got.few.push(few[k].ours());
					got.fewTheirs.push(few[k].theirs());
				}
			});
			const [ours, theirs, small, base] = [got.ours, got.theirs, got.few, got.fewTheirs].map(middle);
			const ratios = ours / theirs / (small / base);
			const cell = (x, n, digits = 0) => (x === undefined ? '-' : x.toFixed(digits)).padStart(n);
			console.log(`${row.name.trim().padEnd(46)} ${cell(row.n, 5)} ${cell(ours, 8)} ${cell(theirs, 8)} ${cell(ours / theirs, 6, 2)} ${cell(row.goal, 5, 2)} |` +
				` ${cell(small, 18)} ${cell(base, 8)} ${cell(small / base, 6, 2)} | ${cell(ours / small, 8, 2)} ${cell(ratios, 10, 2)}  0.77${Math.max(ratios, ours / small) < 1 / 1.3 ? ' !' : ''}`);
		}
		console.log(`memory of the server of the million: ${many.memory()} MB`);
	}
}
