// SPDX-License-Identifier: Apache-2.0
// packages.mjs - what some tests need from npm, installed from the lockfile of tests/npm into the build directory when it is first asked for.
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { note, program, source } from './lib.mjs';

const from = join(source, 'tests/npm');
const to = resolve(dirname(program), 'tests/npm-work');

function current() {
	const lock = join(to, 'package-lock.json');
	return existsSync(join(to, 'node_modules')) && existsSync(lock) && readFileSync(lock, 'utf8') === readFileSync(join(from, 'package-lock.json'), 'utf8');
}

/** A `require` that finds the packages; undefined when npm cannot install them (no npm, no network). */
export async function packages() {
	if (!current()) {
		mkdirSync(dirname(to), { recursive: true });
		const work = mkdtempSync(`${to}-`);
		try {
			for (const file of ['package.json', 'package-lock.json'])
				copyFileSync(join(from, file), join(work, file));
			await promisify(execFile)(process.env.NPM || 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=1'],
				{ cwd: work, timeout: 120000 });
			if (!current()) {	// another test may have been faster
				rmSync(to, { recursive: true, force: true });
				renameSync(work, to);
			}
		} catch (e) {
			note(`npm: ${String(e.stderr || e.message).trim().slice(0, 500)}`);
		} finally {
			rmSync(work, { recursive: true, force: true });
		}
	}
	return current() ? createRequire(join(to, 'package.json')) : undefined;
}
