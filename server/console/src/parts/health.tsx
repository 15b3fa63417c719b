// SPDX-License-Identifier: Apache-2.0
// health.tsx - health index, remaining useful life with its interval, and the residuals they rest on.
import { useLive } from '../live';
import { Submodel } from '../api';
import { hours, show } from '../twin';

const PREDICTION = 'RemainingUsefulLifePrediction';
const OUTPUTS: [string, string, string][] = [['head', 'Head', 'm'], ['power', 'Power', 'kW'], ['bearing_temperature', 'Bearing temperature', '°C']];

function Gauge({ value }: { value: number | undefined }) {
	const length = Math.PI * 70;
	const part = value === undefined ? 0 : Math.max(0, Math.min(1, value));
	const tone = part > 0.6 ? 'good' : part > 0.3 ? 'warn' : 'bad';
	return (
		<svg class="gauge" viewBox="0 0 180 104" role="img" aria-label={value === undefined ? 'health unknown' : `health ${Math.round(part * 100)} %`}>
			<path d="M20 94 A70 70 0 0 1 160 94" class="track" />
			{value !== undefined && <path d="M20 94 A70 70 0 0 1 160 94" class={tone} stroke-dasharray={`${part * length} ${length}`} />}
			<text x="90" y="88">{value === undefined ? '?' : `${Math.round(part * 100)} %`}</text>
		</svg>
	);
}

function Interval({ low, mid, high }: { low: number; mid: number; high: number }) {
	const end = high * 1.08 || 1;
	const at = (v: number) => `${(100 * v) / end}%`;
	return (
		<div class="interval" title="5 % to 95 %">
			<div class="track" />
			<div class="range" style={{ left: at(low), right: `${100 - (100 * high) / end}%` }} />
			<div class="mid" style={{ left: at(mid) }} />
			<span style={{ left: at(low) }}>{hours(low)}</span>
			<span style={{ left: at(high) }}>{hours(high)}</span>
		</div>
	);
}

function Residual({ engine, output, name, unit }: { engine: string; output: string; name: string; unit: string }) {
	const residual = useLive(engine, `Model.Residuals.${output}`)?.text;
	const predicted = useLive(engine, `Model.Predicted.${output}`)?.text;
	return <tr><th>{name}</th><td>{show(predicted)} {unit}</td><td>{residual && Number(residual) > 0 ? '+' : ''}{show(residual)} {unit}</td></tr>;
}

const number = (text: string | null | undefined) => (text === null || text === undefined || text === '' ? undefined : Number(text));

export function Health({ engine, prediction }: { engine: string; prediction: Submodel }) {
	const health = number(useLive(engine, 'Model.HealthIndex')?.text);
	const state = useLive(engine, 'Model.State')?.text ?? 'not enough evidence';
	const life = number(useLive(prediction.id, `${PREDICTION}.RemainingUsefulLifetime.DurationValue`)?.text);
	const range = useLive(prediction.id, `${PREDICTION}.ConfidenceInterval`)?.text?.split(' ');	// a Range is told as "min max"
	const low = number(range?.[0]);
	const high = number(range?.[1]);
	return (
		<section class="card health">
			<h3>Health <small class={`state ${state.replace(/ /g, '-')}`}>{state}</small></h3>
			<Gauge value={health} />
			<h4>Remaining useful life</h4>
			{life === undefined
				? <p class="hint">No prediction yet: the twin says <em>{state}</em>.</p>
				: <><p class="life">{hours(life)}</p>
					{low !== undefined && high !== undefined && <Interval low={low} mid={life} high={high} />}</>}
			<table>
				<thead><tr><th>Model</th><td>predicted</td><td>residual</td></tr></thead>
				<tbody>{OUTPUTS.map(([o, n, u]) => <Residual key={o} engine={engine} output={o} name={n} unit={u} />)}</tbody>
			</table>
		</section>
	);
}
