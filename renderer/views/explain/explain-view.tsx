import { ActionIcon, Button, Select, TextInput } from '@mantine/core';
import { IconPlus, IconRoute2, IconX } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import type { Call, Explanation } from '../../../src/contract/index.ts';
import { useApi, useLab, useLabName } from '../../lab/index.ts';
import { EmptyState, FailedState, format, LoadingRows, Section, useAsync } from '../../ui/index.ts';
import { Decision } from '../stage/inspector/decision.tsx';
import { callFor, callProblem, type CallForm } from './call.ts';
import styles from './explain.module.css';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

/** What would happen to a call, by the very code that carries the traffic: no request is sent. */
export function ExplainView(): ReactNode {
  const ingressPath = useLab(state => state.status?.ingressPath ?? '/');
  const [form, setForm] = useState<CallForm>({ from: 'ingress', method: 'GET', url: ingressPath, headers: [] });
  const [call, setCall] = useState<Call>();
  const ingressUrl = useLab(state => state.status?.ingressUrl ?? '');
  const problem = callProblem(form);
  return (
    <div className={styles.page}>
      <form className={styles.form} aria-label="Call" onSubmit={event => { event.preventDefault(); if (problem === undefined) setCall(callFor(form, ingressUrl)); }}>
        <Fields form={form} change={setForm} />
        <Headers headers={form.headers} change={headers => setForm({ ...form, headers })} />
        <Button type="submit" disabled={problem !== undefined} leftSection={<IconRoute2 size={14} aria-hidden />}>Explain</Button>
        {problem !== undefined && <p className={styles.note}>{problem}</p>}
      </form>
      <div className={styles.answer} aria-live="polite">
        {call === undefined
          ? <EmptyState icon={IconRoute2} title="Ask what would happen">Every listener, route and cluster that decides is named with its line of YAML, and so is every rule that lost. Nothing is sent.</EmptyState>
          : <Answer call={call} />}
      </div>
    </div>
  );
}

function Fields({ form, change }: { readonly form: CallForm; readonly change: (form: CallForm) => void }): ReactNode {
  const pods = useLab(state => state.status?.pods ?? []);
  const services = useLab(state => state.status?.services ?? []);
  const from = [{ value: 'ingress', label: 'ingress gateway' }, ...pods.filter(pod => pod.kind === 'workload').map(pod => ({ value: `${pod.namespace}/${pod.name}`, label: pod.name }))];
  const examples = services.flatMap(service => service.ports.slice(0, 1).map(port => `http://${service.name}:${port.port}/`));
  return (
    <>
      <Select label="From" data={from} value={form.from} onChange={value => change({ ...form, from: value ?? 'ingress' })} allowDeselect={false} searchable />
      <Select label="Method" data={methods} value={form.method} onChange={value => change({ ...form, method: value ?? 'GET' })} allowDeselect={false} />
      <TextInput label="URL" description={form.from === 'ingress' ? 'A path on the ingress, or a full URL' : 'As the pod would call it'} value={form.url} onChange={event => change({ ...form, url: event.currentTarget.value })} list="explain-urls" spellCheck={false} />
      <datalist id="explain-urls">{examples.map(url => <option key={url} value={url} />)}</datalist>
    </>
  );
}

function Headers({ headers, change }: { readonly headers: CallForm['headers']; readonly change: (headers: CallForm['headers']) => void }): ReactNode {
  const set = (index: number, header: readonly [string, string]): void => change(headers.map((each, at) => (at === index ? header : each)));
  return (
    <fieldset className={styles.headers}>
      <legend>Headers</legend>
      {headers.map(([name, value], index) => (
        <div key={index}>
          <TextInput aria-label="Header name" placeholder="end-user" value={name} onChange={event => set(index, [event.currentTarget.value, value])} />
          <TextInput aria-label="Header value" placeholder="jason" value={value} onChange={event => set(index, [name, event.currentTarget.value])} />
          <ActionIcon aria-label="Remove this header" onClick={() => change(headers.filter((_, at) => at !== index))}><IconX size={14} aria-hidden /></ActionIcon>
        </div>
      ))}
      <Button variant="subtle" color="gray" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => change([...headers, ['', '']])}>Add a header</Button>
    </fieldset>
  );
}

function Answer({ call }: { readonly call: Call }): ReactNode {
  const api = useApi();
  const lab = useLabName();
  // A new version of the config may decide otherwise: what is shown is always by the rules in force.
  const version = useLab(state => state.status?.version ?? '');
  const asked = useAsync(() => api.explain({ lab, call }), JSON.stringify([lab, version, call]));
  if (asked.state === 'failed') return <FailedState error={asked.error} retry={asked.again} />;
  if (asked.value === undefined) return <LoadingRows rows={8} label="Working it out" />;
  return <Explained explanation={asked.value} stale={asked.state === 'loading'} />;
}

function Explained({ explanation, stale }: { readonly explanation: Explanation; readonly stale: boolean }): ReactNode {
  const { summary, status, flags, clusters, steps, call } = explanation;
  return (
    <div data-stale={stale || undefined} className={styles.explained}>
      <header className={styles.summary}>
        <p className="mono">{call.method} {call.url} <span>from {call.from}</span></p>
        <h2>{summary}</h2>
        <p className={styles.result}>
          {status !== undefined && <b data-bad={status >= 400 || undefined}>{status}</b>}
          {flags.map(flag => <code key={flag}>{flag}</code>)}
        </p>
      </header>
      {clusters.length > 0 && (
        <Section title="Where it may go">
          <ul className={styles.shares}>
            {clusters.map(({ cluster, share, status: ends, flags: said }) => (
              <li key={cluster}><i style={{ width: `${share * 100}%` }} /><span className="mono">{cluster}</span><span>{[ends, ...said].join(' ')}</span><span>{format.share(share)}</span></li>
            ))}
          </ul>
        </Section>
      )}
      <Section title="How it was decided"><Decision steps={steps} /></Section>
    </div>
  );
}
