// SPDX-License-Identifier: Apache-2.0
// commands.tsx - the operations of the twin, each behind a confirmation, and what came of them.
import { useState } from 'preact/hooks';
import { Element, invoke, OperationResult, Submodel } from '../api';
import { Dialog } from './dialog';

interface Outcome { at: Date; name: string; state: string; why: string }

const why = (r: OperationResult) => (r.messages ?? []).map(m => m.text ?? '').filter(t => t).join('; ');
const unit = (e: Element) => e.qualifiers?.find(q => q.type === 'unit')?.value;
const text = (e: Element) => (e.description?.find(d => d.language.startsWith('en')) ?? e.description?.[0])?.text;
const spaced = (name: string) => name.replace(/([a-z])([A-Z])/g, '$1 $2');

export function Commands({ engine, operations, asset }: { engine: Submodel; operations: Element[]; asset: string }) {
	const [chosen, choose] = useState<Element>();
	const [inputs, setInputs] = useState<Record<string, string>>({});
	const [busy, setBusy] = useState(false);
	const [log, setLog] = useState<Outcome[]>([]);

	const open = (operation: Element) => {
		setInputs(Object.fromEntries((operation.inputVariables ?? []).map(v => [v.value.idShort ?? '', String(v.value.value ?? '')])));
		choose(operation);
	};
	const run = async () => {
		const name = chosen?.idShort ?? '';
		setBusy(true);
		let outcome: Outcome;
		try {
			const values = (chosen?.inputVariables ?? []).map(v => ({ ...v.value, value: inputs[v.value.idShort ?? ''] }));
			const result = await invoke(engine.id, name, values);
			outcome = { at: new Date(), name, state: result.executionState, why: why(result) };
		} catch (e) {
			outcome = { at: new Date(), name, state: 'Failed', why: String((e as Error).message) };
		}
		setLog([outcome, ...log].slice(0, 6));
		setBusy(false);
		choose(undefined);
	};

	return (
		<section class="card commands">
			<h3>Commands</h3>
			<p class="buttons">
				{operations.map(o => <button key={o.idShort} class={o.idShort === 'Stop' ? 'danger' : ''} onClick={() => open(o)}>{spaced(o.idShort ?? '')}</button>)}
			</p>
			{log.length === 0 && <p class="hint">Nothing sent yet.</p>}
			<ul class="log">
				{log.map(l => (
					<li key={l.at.getTime()} class={l.state === 'Completed' ? 'good' : 'bad'}>
						<time>{l.at.toLocaleTimeString()}</time> <strong>{spaced(l.name)}</strong> {l.state.toLowerCase()}
						{l.why && <small>{l.why}</small>}
					</li>
				))}
			</ul>
			{chosen && (
				<Dialog title={`${spaced(chosen.idShort ?? '')}: ${asset}`} action="Send to the asset" busy={busy} onConfirm={run} onCancel={() => choose(undefined)}>
					{chosen.description && <p>{text(chosen)}</p>}
					<p>This is sent to the real asset.</p>
					{(chosen.inputVariables ?? []).map(({ value }) => (
						<label key={value.idShort}>{value.idShort}{unit(value) && ` [${unit(value)}]`}
							<input required value={inputs[value.idShort ?? '']} inputMode={value.valueType === 'xs:double' ? 'decimal' : 'text'}
								onInput={e => setInputs({ ...inputs, [value.idShort ?? '']: e.currentTarget.value })} />
						</label>
					))}
				</Dialog>
			)}
		</section>
	);
}
