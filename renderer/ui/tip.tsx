import { Tooltip, type TooltipProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { keyLabel } from './keys.tsx';
import styles from './tip.module.css';

/** A tooltip that says what a thing does and which key does it too. */
export function Tip({ label, keys, children, ...rest }: { readonly label: ReactNode; readonly keys?: string; readonly children: ReactNode } & Omit<TooltipProps, 'label' | 'children'>): ReactNode {
  const content = keys === undefined ? label : <span className={styles.row}>{label}<Key name={keys} /></span>;
  return <Tooltip classNames={{ tooltip: styles.tip ?? '' }} label={content} {...rest}>{children as TooltipProps['children']}</Tooltip>;
}

/** One key as a cap. */
export function Key({ name }: { readonly name: string }): ReactNode {
  return <kbd className={styles.key}>{keyLabel(name)}</kbd>;
}
