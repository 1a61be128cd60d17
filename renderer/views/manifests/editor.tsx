import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics, type Diagnostic as EditorDiagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Text } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef, type ReactNode } from 'react';
import type { Diagnostic } from '../../../src/manifest/index.ts';
import styles from './manifests.module.css';

interface Props {
  readonly path: string;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
  /** A line to show, once for each `at`. */
  readonly target: { readonly line: number; readonly at: number } | undefined;
  readonly onChange: (text: string) => void;
  readonly onApply: () => void;
}

/** A YAML file, with what was found about it at its lines. One editor for each path: its history stays its own. */
export function Editor({ path, text, diagnostics, target, onChange, onApply }: Props): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef({ text, onChange, onApply });
  useEffect(() => { latest.current = { text, onChange, onApply }; });
  useEffect(() => {
    if (box.current === null) return undefined;
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: latest.current.text,
        extensions: [
          extensions, EditorView.contentAttributes.of({ 'aria-label': `Text of ${path}` }),
          keymap.of([{ key: 'Mod-s', run: () => { latest.current.onApply(); return true; } }]),
          EditorView.updateListener.of(update => { if (update.docChanged) latest.current.onChange(update.state.doc.toString()); }),
        ],
      }),
    });
    view.current = editor;
    return () => { editor.destroy(); view.current = undefined; };
  }, [path]);
  // A text that comes from elsewhere (reverted, switched) replaces what is there; one's own typing comes back equal.
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || editor.state.doc.toString() === text) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }, [text, path]);
  useEffect(() => {
    const editor = view.current;
    if (editor !== undefined) editor.dispatch(setDiagnostics(editor.state, diagnostics.map(each => atLine(editor.state.doc, each))));
  }, [diagnostics, path, text]);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || target === undefined) return;
    const line = editor.state.doc.line(Math.min(Math.max(target.line, 1), editor.state.doc.lines));
    editor.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: 'center' }) });
    editor.focus();
  }, [target, path]);
  return <div ref={box} className={styles.editor} />;
}

/** From the column to the end of the line, so that there is something to point at. */
function atLine(text: Text, { line, column, level, message, help, code }: Diagnostic): EditorDiagnostic {
  const where = text.line(Math.min(Math.max(line, 1), text.lines));
  const from = Math.min(where.from + Math.max(column, 1) - 1, where.to);
  return { from, to: Math.max(from, where.to), severity: level, source: code, message: help === undefined ? message : `${message}\n${help}` };
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--retry)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.meta, tags.punctuation, tags.separator], color: 'var(--muted)' },
]);

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--ground)', fontSize: '12.5px' },
  '.cm-content': { fontFamily: 'var(--mono)', caretColor: 'var(--accent)', padding: '8px 0' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-gutters': { backgroundColor: 'var(--ground)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 25%, transparent)' },
  '.cm-panels': { backgroundColor: 'var(--surface)', color: 'var(--text)', borderColor: 'var(--line)' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line-strong)', borderRadius: '6px', maxWidth: '480px' },
  '.cm-diagnostic': { padding: '6px 10px', whiteSpace: 'pre-wrap' },
  '.cm-textfield': { backgroundColor: 'var(--ground)', border: '1px solid var(--line-strong)', color: 'var(--text)' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--hover)', border: '1px solid var(--line-strong)', color: 'var(--text)' },
});

const extensions = [
  lineNumbers(), foldGutter(), highlightActiveLine(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(),
  highlightSelectionMatches(), search({ top: true }), lintGutter(), yaml(), indentUnit.of('  '), syntaxHighlighting(colours), look,
  keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
];
