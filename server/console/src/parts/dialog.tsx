// SPDX-License-Identifier: Apache-2.0
// dialog.tsx - a question before something is done to an asset.
import { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Props { title: string; action: string; busy?: boolean; onConfirm: () => void; onCancel: () => void; children?: ComponentChildren }

export function Dialog({ title, action, busy, onConfirm, onCancel, children }: Props) {
	const box = useRef<HTMLDialogElement>(null);
	useEffect(() => box.current?.showModal(), []);
	return (
		<dialog ref={box} onCancel={e => { e.preventDefault(); onCancel(); }} aria-label={title}>
			<form onSubmit={e => { e.preventDefault(); onConfirm(); }}>
				<h3>{title}</h3>
				{children}
				<p class="buttons">
					<button type="button" onClick={onCancel}>Cancel</button>
					<button type="submit" class="primary" disabled={busy}>{busy ? 'Sent, waiting …' : action}</button>
				</p>
			</form>
		</dialog>
	);
}
