import DOMPurify from 'dompurify';
import { marked } from 'marked';
import { useMemo, type MouseEvent, type ReactNode } from 'react';
import { useUiActions, type ViewId } from '../../lab/index.ts';
import styles from './tutorials.module.css';

const views: readonly string[] = ['stage', 'traffic', 'manifests', 'explain', 'pods', 'tutorials', 'settings'];
const tags = ['p', 'a', 'em', 'strong', 'code', 'pre', 'ul', 'ol', 'li', 'h4', 'blockquote', 'br', 'hr', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'del', 'kbd'];

/** A tutorial's Markdown as HTML, with nothing in it that can run. `view:stage` links open a view. Pure but for the DOM. */
export function toHtml(text: string): string {
  return DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true }), { ALLOWED_TAGS: tags, ALLOWED_ATTR: ['href'], ALLOWED_URI_REGEXP: /^(https:\/\/|view:[a-z]+$)/ });
}

/** Shows Markdown; links to views stay in the window, others ask for a window, which the host allows for documentation only. */
export function Markdown({ text }: { readonly text: string }): ReactNode {
  const { show } = useUiActions();
  const html = useMemo(() => ({ __html: toHtml(text) }), [text]);
  const onClick = (event: MouseEvent): void => {
    const href = event.target instanceof Element ? event.target.closest('a')?.getAttribute('href') : undefined;
    if (href === undefined || href === null) return;
    event.preventDefault();
    const view = /^view:([a-z]+)$/.exec(href)?.[1];
    if (view !== undefined && views.includes(view)) show(view as ViewId);
    else if (href.startsWith('https://')) window.open(href, '_blank', 'noopener,noreferrer');
  };
  return <div className={styles.markdown} onClick={onClick} dangerouslySetInnerHTML={html} />;
}
