// SPDX-License-Identifier: Apache-2.0
// main.tsx - the frame: the list of shells on the left, the chosen one on the right.  The address is #/shell/<base64url id>.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { b64, Shell, shells } from './api';
import { connect, useConnected } from './live';
import { label } from './twin';
import { ShellView } from './views/shell';
import './style.css';
import 'uplot/dist/uPlot.min.css';

function useRoute(): string {
	const [hash, set] = useState(location.hash);
	useEffect(() => {
		const f = () => set(location.hash);
		addEventListener('hashchange', f);
		return () => removeEventListener('hashchange', f);
	}, []);
	return hash.startsWith('#/shell/') ? hash.slice('#/shell/'.length) : '';
}

function App() {
	const [list, setList] = useState<Shell[]>();
	const [fault, setFault] = useState('');
	const route = useRoute();
	const connected = useConnected();

	useEffect(() => {
		const load = () => shells().then(s => { setList(s); setFault(''); }, e => setFault(String(e.message ?? e)));
		load();
		const timer = setInterval(load, 10000);
		return () => clearInterval(timer);
	}, [connected]);

	const shell = list?.find(s => b64(s.id) === route) ?? (route ? undefined : list?.[0]);
	return (
		<div class="frame">
			<nav>
				<h1><span class="mark" aria-hidden="true" />Twinshell</h1>
				<ul>
					{list?.map(s => (
						<li key={s.id}>
							<a href={`#/shell/${b64(s.id)}`} aria-current={s === shell ? 'page' : undefined}>
								<strong>{label(s)}</strong>
								<small>{s.description?.[0]?.text ?? s.assetInformation.globalAssetId ?? s.id}</small>
							</a>
						</li>
					))}
				</ul>
				<p class={`link ${connected ? 'good' : 'bad'}`}>{connected ? 'live' : 'reconnecting …'}</p>
			</nav>
			<main>
				{fault && <p class="banner" role="alert">{fault}</p>}
				{!list && !fault && <p class="hint">Loading …</p>}
				{list?.length === 0 && (
					<p class="hint">No shell yet. Start with an example plant (<code>--plant examples/plant</code>), or load a package:
						<code>twinshell import FILE.aasx</code></p>
				)}
				{list && list.length > 0 && !shell && <p class="hint">There is no such shell.</p>}
				{shell && <ShellView key={shell.id} shell={shell} />}
			</main>
		</div>
	);
}

connect();
render(<App />, document.getElementById('app') as HTMLElement);
