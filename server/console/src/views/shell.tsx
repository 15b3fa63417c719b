// SPDX-License-Identifier: Apache-2.0
// shell.tsx - one asset: live values, trend, health, mode and commands.
import { useEffect, useState } from 'preact/hooks';
import { Shell } from '../api';
import { useLive } from '../live';
import { Commands } from '../parts/commands';
import { Health } from '../parts/health';
import { Mode } from '../parts/mode';
import { Tile } from '../parts/tile';
import { TrendChart } from '../parts/trend';
import { label, loadTwin, show, Signal, Twin } from '../twin';

function Connection({ engine }: { engine: string }) {
	const state = useLive(engine, 'Connection.State')?.text ?? 'unknown';
	const rate = useLive(engine, 'Connection.MessageRate')?.text;
	const fault = useLive(engine, 'Connection.LastError')?.text;
	return (
		<span class="connection">
			<span class={`dot ${state === 'connected' ? 'good' : 'bad'}`} />
			{state}{rate && ` · ${show(rate)} messages/s`}
			{fault && <span class="fault" title={fault}> · {fault}</span>}
		</span>
	);
}

function Submodels({ twin }: { twin: Twin }) {
	return (
		<section class="card wide">
			<h3>Submodels</h3>
			<ul class="submodels">
				{twin.submodels.map(s => (
					<li key={s.id}><strong>{s.idShort ?? 'Submodel'}</strong> <code>{s.id}</code>
						<small>{s.submodelElements?.length ?? 0} {s.submodelElements?.length === 1 ? 'element' : 'elements'}</small></li>
				))}
				{twin.missing.map(id => <li key={id} class="fault">not found: <code>{id}</code></li>)}
			</ul>
		</section>
	);
}

export function ShellView({ shell }: { shell: Shell }) {
	const [twin, setTwin] = useState<Twin>();
	const [fault, setFault] = useState('');
	const [chosen, choose] = useState<Signal>();

	useEffect(() => {
		let gone = false;
		loadTwin(shell).then(
			t => { if (!gone) { setTwin(t); choose(t.signals.find(s => s.type === 'xs:double')); } },
			e => { if (!gone) setFault(String(e.message ?? e)); });
		return () => { gone = true; };
	}, [shell.id, JSON.stringify(shell.submodels)]);

	if (fault)
		return <p class="banner" role="alert">{fault}</p>;
	if (!twin)
		return <p class="hint">Loading …</p>;
	return (
		<>
			<header>
				<div>
					<h2>{label(shell)}</h2>
					<p class="sub">{shell.description?.[0]?.text}</p>
				</div>
				{twin.engine && <Connection engine={twin.engine.id} />}
				{twin.engine && <Mode engine={twin.engine} />}
			</header>
			{twin.signals.length > 0 && (
				<section class="tiles" aria-label="Live values">
					{twin.signals.map(s => (
						<Tile key={s.link} signal={s} chosen={s === chosen} choose={() => choose(s)} />
					))}
				</section>
			)}
			<div class="cards">
				{chosen && <TrendChart key={`${chosen.submodel}/${chosen.path}`} signal={chosen} />}
				{twin.prediction && twin.engine && <Health engine={twin.engine.id} prediction={twin.prediction} />}
				{twin.engine && twin.operations.length > 0 && (
					<Commands engine={twin.engine} operations={twin.operations} asset={label(shell)} />
				)}
				<Submodels twin={twin} />
			</div>
		</>
	);
}
