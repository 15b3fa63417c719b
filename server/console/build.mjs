// SPDX-License-Identifier: Apache-2.0
// build.mjs [OUT] - bundle the console into OUT (default dist): index.html, app.js, app.css and the same of docs.  Nothing is loaded from elsewhere at run time.
import { build } from 'esbuild';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'dist');
await mkdir(out, { recursive: true });
await build({
	entryPoints: { app: join(here, 'src/main.tsx'), docs: join(here, 'src/docs.tsx') },
	bundle: true,
	minify: true,
	outdir: out,
	target: 'es2021',
	format: 'iife',
	jsx: 'automatic',
	jsxImportSource: 'preact',
	legalComments: 'eof',
	logLevel: 'warning',
});
for (const page of ['index.html', 'docs.html'])
	await copyFile(join(here, 'src', page), join(out, page));
