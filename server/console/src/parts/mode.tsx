// SPDX-License-Identifier: Apache-2.0
// mode.tsx - what the twin is allowed to do.
import { useState } from 'preact/hooks';
import { setValue, Submodel } from '../api';
import { text } from '../twin';
import { Dialog } from './dialog';

const MODES: [string, string][] = [
	['shadow', 'The twin only reads; nothing is ever sent to the asset.'],
	['advise', 'The twin recommends; nothing is sent to the asset.'],
	['approve', 'Commands are sent after a person has agreed.'],
	['act', 'The twin may act by itself within its guard rails.'],
];

export function Mode({ engine }: { engine: Submodel }) {
	const [mode, setMode] = useState(text(engine.submodelElements, 'Mode') || 'shadow');
	const [asked, ask] = useState('');
	const [fault, setFault] = useState('');
	const change = async () => {
		try {
			await setValue(engine.id, 'Mode', asked);
			setMode(asked);
			ask('');
		} catch (e) {
			setFault(String((e as Error).message));
		}
	};
	return (
		<div class="mode" role="radiogroup" aria-label="Mode">
			{MODES.map(([m, why]) => (
				<button key={m} role="radio" aria-checked={m === mode} title={why} onClick={() => { setFault(''); if (m !== mode) ask(m); }}>{m}</button>
			))}
			{asked && (
				<Dialog title={`Set the mode to “${asked}”?`} action="Set the mode" onConfirm={change} onCancel={() => ask('')}>
					<p>{MODES.find(m => m[0] === asked)?.[1]}</p>
					{fault && <p class="fault">{fault}</p>}
				</Dialog>
			)}
		</div>
	);
}
