import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import styles from './stage-view.module.css';

/** Two parts above each other with a line between them that can be dragged, or moved with the arrow keys. Remembers its place. */
export function Splitter({ name, label, initial, min, above, below }: { readonly name: string; readonly label: string; readonly initial: number; readonly min: number; readonly above: ReactNode; readonly below: ReactNode }): ReactNode {
  const key = `weft-height:${name}`;
  const [height, setHeight] = useState(() => Number(localStorage.getItem(key) ?? initial) || initial);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => localStorage.setItem(key, String(height)), [key, height]);
  const most = (): number => Math.max(min, (box.current?.clientHeight ?? 600) - 120);
  const set = (next: number): void => setHeight(Math.round(Math.max(min, Math.min(most(), next))));
  const onPointerMove = (event: PointerEvent): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    set((box.current?.getBoundingClientRect().bottom ?? 0) - event.clientY);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowUp' ? 28 : event.key === 'ArrowDown' ? -28 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    set(height + by);
  };
  return (
    <div ref={box} className={styles.split}>
      <div className={styles.above}>{above}</div>
      <div
        role="separator" aria-orientation="horizontal" aria-label={label} aria-valuenow={height} aria-valuemin={min} aria-valuemax={2000} tabIndex={0} className={styles.divider}
        onPointerDown={event => event.currentTarget.setPointerCapture(event.pointerId)} onPointerMove={onPointerMove} onKeyDown={onKeyDown} onDoubleClick={() => set(initial)}
      />
      <div className={styles.below} style={{ height }}>{below}</div>
    </div>
  );
}
