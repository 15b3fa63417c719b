// SPDX-License-Identifier: Apache-2.0
// tile.tsx - one live value: name, value, unit, quality.
import { useLive } from '../live';
import { show, Signal } from '../twin';

export function Tile({ signal, chosen, choose }: { signal: Signal; chosen: boolean; choose: () => void }) {
	const live = useLive(signal.submodel, signal.path);
	const quality = live?.quality ?? 'none';
	const isText = signal.type === 'xs:boolean' || signal.type === 'xs:string';
	return (
		<button class={`tile ${quality}`} aria-pressed={chosen} onClick={choose} disabled={isText}
			title={live?.time ? `${quality}, ${new Date(live.time).toLocaleTimeString()}` : 'nothing received yet'}>
			<span class="name">{signal.name}</span>
			<span class="value">{show(live?.text)}<small>{signal.unit}</small></span>
			{quality !== 'good' && <span class="quality">{quality === 'none' ? 'no data' : quality}</span>}
		</button>
	);
}
