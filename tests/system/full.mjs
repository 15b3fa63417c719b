// SPDX-License-Identifier: Apache-2.0
// full.mjs - the disk of the database becomes full under load, and has room again; a limit to the size of files (ulimit -f) keeps the spool
// from growing.  Writes are refused with 503, what was acknowledged is there, and the server goes on by itself.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { alive, Broker, cli, equal, finish, freePort, installed, note, ok, pg, postgres, program, run, sleep, start, stop, until, workspace } from './lib.mjs';
import { Load } from './crash_load.mjs';
import { counter, Telemetry, twin } from './crash_telemetry.mjs';

if (!postgres() || !installed('mosquitto') || !installed('mosquitto_pub')) {
	console.log('1..0 # SKIP PostgreSQL or mosquitto is not installed');
	process.exit(0);
}
const dir = workspace();
const disk = join(dir, 'disk');
mkdirSync(disk);
if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=220m,mode=755', 'tmpfs', disk]).status !== 0) {
	rmSync(dir, { recursive: true });
	console.log('1..0 # SKIP a small file system cannot be mounted here');
	process.exit(0);
}
const database = pg('start', join(disk, 'pg'), 'durable');
const sql = query => run('psql', [database, '-XAtqc', query]).trim();
const filler = join(disk, 'filler');
const fill = () => spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k', 'status=none']);
const broker = await Broker.create(dir);
const port = await freePort();
const api = `http://127.0.0.1:${port}/api/v3.0`;
const args = ['serve', '--database', database, '--broker', broker.uri, '--listen', `127.0.0.1:${port}`];
const server = start(program, [...args, '--data', join(dir, 'data')], { log: join(dir, 'server.log') });

/** No file may become so large as a segment of the spool: that is an error to be told of, not the end of the program by a signal. */
async function limited() {
	const log = join(dir, 'limited.log');
	const child = start('sh', ['-c', 'ulimit -f 2048; exec "$@"', 'sh', program, ...args, '--data', join(dir, 'limited')], { log });
	const end = await until(30, () => child.exitCode !== null || child.signalCode !== null || child.lines.length);
	await stop(child);
	const text = readFileSync(log, 'utf8');
	ok(end && child.signalCode === null, 'a limit to the size of files does not kill the server', `${child.signalCode} ${text}`);
	ok(/spool|segment/.test(text), 'it says what it cannot write', text);
}

async function becomesFull(load, telemetry) {
	load.begin();
	telemetry.begin();
	ok(await until(20, () => load.counts.acknowledged > 100), 'writes go on');
	fill();
	const refused = load.counts.refused;
	ok(await until(60, () => load.counts.refused > refused + 5), 'on a full disk writes are refused');
	ok(alive(server.pid), 'and the server runs on');
	equal((await load.call('GET', '/submodels?limit=1')).status, 200, 'reads go on');
	await sleep(1000);
	rmSync(filler);
	if (!await until(5, () => sql('SELECT 1') === '1')) {	/* without room for its log PostgreSQL may end; it is the operator's to start it */
		note('PostgreSQL has ended');
		pg('restart', join(disk, 'pg'));
	}
	const written = load.counts.acknowledged;
	ok(await until(60, () => load.counts.acknowledged > written + 50), 'with room again writes go on');
	await load.end();
	telemetry.end();
	note(Object.entries(load.counts).map(([k, v]) => `${v} ${k}`).join(', '));
	equal([...await load.settle(), ...load.strange, ...await telemetry.check(sql)], [], 'nothing that was acknowledged is lost, nobody saw anything but 503');
	ok(await until(30, () => sql('SELECT count(*) FROM twinshell.outbox') === '0'), 'every change gets its place in the feed');
	for (const words of [['db', 'verify'], ['audit', 'verify']]) {
		const r = cli([...words, '--database', database]);
		ok(r.code === 0, words.join(' '), r.out + r.err);
	}
}

try {
	ok(await until(60, () => server.lines.find(l => l.startsWith('twinshell: ready '))), 'the server is ready');
	const load = new Load(Number(process.env.TWINSHELL_SEED || 3), () => api, 4, 5);
	for (const s of [load.shared, counter, twin])
		equal((await load.call('POST', '/submodels', s)).status, 201, s.id);
	const telemetry = new Telemetry(broker);
	ok(await telemetry.arrives(sql), 'telemetry comes in');
	await becomesFull(load, telemetry);
	telemetry.pub.stdin.end();
	await telemetry.pub.done;
	await stop(server);
	equal(server.exitCode, 0, 'it ends well');
	await limited();
} catch (e) {
	ok(false, 'it is played to its end', e.stack);
} finally {
	await stop(server);
	pg('remove', join(disk, 'pg'));
	broker.stop();
	spawnSync('umount', ['-l', disk]);
}
await finish(dir);
