// SPDX-License-Identifier: Apache-2.0
// docs.tsx - the page at /api-docs: the operations that this server offers, from its own description, each to be tried.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { b64 } from './api';
import './style.css';
import './docs.css';

interface Schema { type?: string; enum?: string[]; default?: unknown; items?: Schema; $ref?: string }
interface Parameter { name: string; in: 'path' | 'query' | 'header'; required?: boolean; description?: string; schema: Schema; $ref?: string }
interface Answer { description?: string; $ref?: string }
interface Operation {
	tags: string[];
	operationId: string;
	parameters?: Parameter[];
	requestBody?: { content: Record<string, { schema: Schema }> };
	responses: Record<string, Answer>;
}
interface Api { servers: { url: string }[]; paths: Record<string, Record<string, Operation> & { servers?: { url: string }[] }>; components: unknown }
interface Row { path: string; method: string; base: string; operation: Operation }

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function resolve<T extends { $ref?: string }>(api: Api, x: T): T {
	if (!x.$ref)
		return x;
	return x.$ref.split('/').slice(1).reduce((at: unknown, step) => (at as Record<string, unknown>)[step], api) as T;
}

function rows(api: Api): Row[] {
	return Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter(m => item[m]).map(method => ({
		path, method, operation: item[method], base: (item.servers ?? api.servers)[0].url.replace(/\/$/, ''),
	})));
}

/* Ids are typed as they are, and encoded as the API wants them. */
function encoded(p: Parameter, text: string): string {
	return /base64url/.test(p.description ?? '') && p.in === 'path' ? b64(text) : encodeURIComponent(text);
}

interface Reply { status: string; headers: string; body: string }

async function send(row: Row, parameters: Parameter[], values: Record<string, string>, body: string, file?: File): Promise<Reply> {
	let path = row.path;
	const query: string[] = [];
	const headers: Record<string, string> = {};
	for (const p of parameters) {
		const value = values[p.name] ?? '';
		if (p.in === 'path')
			path = path.replace(`{${p.name}}`, encoded(p, value));
		else if (value && p.in === 'query')
			query.push(`${p.name}=${/base64url/.test(p.description ?? '') ? b64(value) : encodeURIComponent(value)}`);
		else if (value)
			headers[p.name] = value;
	}
	let data: BodyInit | undefined;
	if (file) {
		data = new FormData();
		data.append('fileName', file.name);
		data.append('file', file);
	} else if (body) {
		headers['Content-Type'] = 'application/json';
		data = body;
	}
	const reply = await fetch(`${row.base}${path}${query.length ? `?${query.join('&')}` : ''}`, { method: row.method.toUpperCase(), headers, body: data, cache: 'no-store' });
	const type = reply.headers.get('Content-Type') ?? '';
	let text: string;
	if (/event-stream/.test(type)) {
		text = '(a stream that does not end)';
		await reply.body?.cancel();
	} else if (type && !/json|text|xml/.test(type)) {
		text = `(${(await reply.blob()).size} bytes of ${type})`;
	} else {
		text = await reply.text();
		if (/json/.test(type))
			text = JSON.stringify(JSON.parse(text), null, 2);
	}
	return { status: `${reply.status} ${reply.statusText}`, headers: [...reply.headers].map(([k, v]) => `${k}: ${v}`).join('\n'), body: text };
}

function Field({ p, value, set }: { p: Parameter; value: string; set: (v: string) => void }) {
	return (
		<label>
			<span>{p.name}{p.required ? ' *' : ''}</span>
			{p.schema.enum ? (
				<select value={value} onChange={e => set(e.currentTarget.value)}>
					<option value="" />
					{p.schema.enum.map(v => <option key={v}>{v}</option>)}
				</select>
			) : <input value={value} required={p.required} onInput={e => set(e.currentTarget.value)} />}
			{p.description && <small>{p.description.replace(/,? in base64url( without padding)?/, '')}</small>}
		</label>
	);
}

function Try({ api, row }: { api: Api; row: Row }) {
	const [values, setValues] = useState<Record<string, string>>({});
	const [body, setBody] = useState('');
	const [file, setFile] = useState<File>();
	const [reply, setReply] = useState<Reply>();
	const [fault, setFault] = useState('');
	const parameters = (row.operation.parameters ?? []).map(p => resolve(api, p));
	const upload = row.operation.requestBody && 'multipart/form-data' in row.operation.requestBody.content;
	const go = () => {
		setFault('');
		send(row, parameters, values, body, file).then(setReply, e => setFault(String(e.message ?? e)));
	};
	return (
		<form class="try" onSubmit={e => { e.preventDefault(); go(); }}>
			{parameters.map(p => <Field key={p.name} p={p} value={values[p.name] ?? ''} set={v => setValues({ ...values, [p.name]: v })} />)}
			{upload && <label><span>file *</span><input type="file" required onChange={e => setFile(e.currentTarget.files?.[0])} /></label>}
			{row.operation.requestBody && !upload && (
				<label><span>body *</span><textarea required spellcheck={false} value={body} onInput={e => setBody(e.currentTarget.value)} /></label>
			)}
			<p class="buttons"><button class="primary" type="submit">Send</button></p>
			{fault && <p class="fault" role="alert">{fault}</p>}
			{reply && <div aria-live="polite"><h4>{reply.status}</h4><pre>{reply.headers}</pre>{reply.body && <pre>{reply.body}</pre>}</div>}
			<p class="answers">
				{Object.entries(row.operation.responses).map(([status, a]) => <span key={status}><b>{status}</b> {resolve(api, a).description}</span>)}
			</p>
		</form>
	);
}

function Item({ api, row }: { api: Api; row: Row }) {
	const [open, setOpen] = useState(false);
	return (
		<details onToggle={e => setOpen(e.currentTarget.open)}>
			<summary><span class={`method ${row.method}`}>{row.method.toUpperCase()}</span><code>{row.path}</code><small>{row.operation.operationId}</small></summary>
			{open && <Try api={api} row={row} />}
		</details>
	);
}

function App() {
	const [api, setApi] = useState<Api>();
	const [fault, setFault] = useState('');
	const [find, setFind] = useState('');
	useEffect(() => {
		fetch('openapi.json').then(r => r.json()).then(setApi, e => setFault(String(e.message ?? e)));
	}, []);
	const all = api ? rows(api) : [];
	const words = find.toLowerCase().split(/\s+/);
	const shown = all.filter(r => words.every(w => `${r.method} ${r.path} ${r.operation.operationId}`.toLowerCase().includes(w)));
	const tags = [...new Set(shown.map(r => r.operation.tags[0]))];
	const anchor = (tag: string) => tag.toLowerCase().replaceAll(' ', '-');
	return (
		<div class="frame">
			<nav>
				<h1><span class="mark" aria-hidden="true" />Twinshell</h1>
				<ul>
					{tags.map(tag => <li key={tag}><a href={`#${anchor(tag)}`}><strong>{tag}</strong></a></li>)}
				</ul>
				<p class="hint"><a href="./">Console</a><a href="openapi.json">openapi.json</a></p>
			</nav>
			<main>
				<header><div><h2>The API</h2><p class="sub">{all.length} operations of this server. Ids are typed as they are, and encoded when they are sent.</p></div></header>
				{fault && <p class="banner" role="alert">{fault}</p>}
				<input class="find" type="search" placeholder="Find: get $value" aria-label="Find" value={find} onInput={e => setFind(e.currentTarget.value)} />
				{api && tags.map(tag => (
					<section key={tag} id={anchor(tag)}>
						<h3>{tag}</h3>
						{shown.filter(r => r.operation.tags[0] === tag).map(r => <Item key={`${r.method} ${r.path}`} api={api} row={r} />)}
					</section>
				))}
			</main>
		</div>
	);
}

render(<App />, document.getElementById('app') as HTMLElement);
