import { Tooltip, type TooltipProps } from '@mantine/core';
import { cloneElement, useState, type PointerEvent, type ReactElement, type ReactNode } from 'react';
import { keyLabel } from './keys.tsx';
import styles from './tip.module.css';

/** A tooltip that says what a thing does and which key does it too. */
export function Tip({ label, keys, children, ...rest }: { readonly label: ReactNode; readonly keys?: string; readonly children: ReactNode } & Omit<TooltipProps, 'label' | 'children'>): ReactNode {
  const content = keys === undefined ? label : <span className={styles.row}>{label}<Key name={keys} /></span>;
  const { disabled = false, ...others } = rest;
  // Who has pressed a thing knows what it does: the words would only lie over what it brings.
  const [pressed, setPressed] = useState(false);
  const child = children as ReactElement<Handlers>;
  const heard = cloneElement(child, {
    onPointerDown: event => { setPressed(true); child.props.onPointerDown?.(event); },
    onPointerLeave: event => { setPressed(false); child.props.onPointerLeave?.(event); },
  });
  return <Tooltip classNames={{ tooltip: styles.tip ?? '' }} label={content} disabled={disabled || pressed} {...others}>{heard as TooltipProps['children']}</Tooltip>;
}

interface Handlers {
  readonly onPointerDown?: (event: PointerEvent) => void;
  readonly onPointerLeave?: (event: PointerEvent) => void;
}

/** One key as a cap. */
export function Key({ name }: { readonly name: string }): ReactNode {
  return <kbd className={styles.key}>{keyLabel(name)}</kbd>;
}
