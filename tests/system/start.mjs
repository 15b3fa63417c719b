// SPDX-License-Identifier: Apache-2.0
// start.mjs - ./start as people use it: in a tree that is built already, so that only running is left to it.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { alive, children, equal, finish, installed, ok, postgres, program, run, sleep, source, start, until, workspace } from './lib.mjs';

if (!postgres() || !installed('mosquitto') || !installed('mosquitto_pub') || !installed('curl')) {
	console.log('1..0 # SKIP PostgreSQL, mosquitto, its clients or curl are not installed');
	process.exit(0);
}

const dir = workspace();
const tree = join(dir, "it's \"a\" tree");
mkdirSync(join(tree, 'tools'), { recursive: true });
mkdirSync(join(tree, 'build'));
copyFileSync(join(source, 'start'), join(tree, 'start'));
writeFileSync(join(tree, 'tools/setup'), '#!/bin/sh\n', { mode: 0o755 });	// installed and built it is
symlinkSync(program, join(tree, 'build/twinshell'));
symlinkSync(join(source, 'examples'), join(tree, 'examples'));

/** Like a terminal: a session of its own whose foreground group gets the Ctrl-C. */
function launch(log, ...args) {
	return start('setsid', ['sh', join(tree, 'start'), ...args], { log: join(dir, log) });
}
const text = child => child.lines.join('\n');
const running = child => until(90, () => child.lines.some(l => l.includes('Ctrl-C stops everything')) || !alive(child.pid));
const descendants = pid => children(pid).flatMap(c => [c, ...descendants(c.pid)]);

/** Every line to paste between two comments works as it is printed. */
function paste(child, pattern) {
	const line = child.lines.findIndex(l => pattern.test(l));
	let command = child.lines[line] ?? 'false';
	for (let i = line; command.endsWith('\\'); i++)
		command = command.slice(0, -1) + child.lines[i + 1];
	try {
		return run('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
	} catch (e) {
		return `${command}: ${e.stderr}`;
	}
}

async function first() {
	const child = launch('start.log', '--listen', '127.0.0.1:0');
	ok(await running(child) && alive(child.pid), 'the plant runs', text(child) + readFileSync(join(dir, 'start.log'), 'utf8'));
	ok(/"result":\[\{/.test(paste(child, /curl .*\/shells$/)), 'the line for the shells');
	ok(await until(30, () => Number(paste(child, /Flow\/\$value/)) > 0), 'the line for a live value', paste(child, /Flow\/\$value/));
	ok(/"executionState":"Completed"/.test(paste(child, /SetSpeed\/invoke/)), 'the line for a command', paste(child, /SetSpeed\/invoke/));
	equal(paste(child, /mosquitto_pub/), '', 'the line for the wear');
	for (const view of ['latest', 'sample', 'command'])
		ok(await until(20, () => /\(\d+ rows?\)/.test(paste(child, new RegExp(`report\\.${view}`)))), `the line for report.${view}`, paste(child, new RegExp(`report\\.${view}`)));
	return child;
}

async function second() {
	const child = launch('second.log', '--listen', '127.0.0.1:0');
	await child.done;
	equal(child.exitCode, 1, 'a second ./start in the same tree ends');
	ok(/in use by another server \(process \d+\)/.test(readFileSync(join(dir, 'second.log'), 'utf8')), 'and says why', readFileSync(join(dir, 'second.log'), 'utf8'));
	ok(existsSync(join(tree, 'var/endpoints.json')), 'and leaves the first one alone');
}

async function interrupt(child) {
	const pids = descendants(child.pid).map(c => c.pid);
	ok(pids.length >= 3, 'server, broker and asset run', JSON.stringify(descendants(child.pid)));
	process.kill(-child.pid, 'SIGINT');
	await Promise.race([child.done, sleep(30000)]);
	equal([child.exitCode, pids.filter(alive)], [0, []], 'Ctrl-C stops everything');
	equal(readdirSync(join(tree, 'var')).filter(n => /^ready|endpoints/.test(n)), [], 'and takes the announcement away');
}

/** The default port belongs to somebody else, perhaps to another program on this machine. */
async function taken() {
	const other = createServer(s => s.on('error', () => {}).end()).on('error', () => {}).listen(8080, '127.0.0.1');
	const child = launch('taken.log');
	ok(await running(child) && alive(child.pid), 'when port 8080 is taken and var/ is there already, it runs too', text(child) + readFileSync(join(dir, 'taken.log'), 'utf8'));
	ok(text(child).includes('port 8080 is taken') && !/Console +http:\/\/127\.0\.0\.1:8080\//.test(text(child)), 'on a free port, and says so', text(child));
	other.close();
	const server = descendants(child.pid).find(c => readFileSync(`/proc/${c.pid}/cmdline`, 'utf8').includes('\0serve\0'));
	process.kill(server.pid, 'SIGKILL');
	await child.done;
	equal(child.exitCode, 1, 'when the server dies, it ends');
	ok(/the server ended with status 137/.test(readFileSync(join(dir, 'taken.log'), 'utf8')), 'and says so');
}

try {
	const child = await first();
	await second();
	await interrupt(child);
	await taken();
} catch (e) {
	ok(false, 'the story is told to its end', e.stack);
}
await finish(dir);
