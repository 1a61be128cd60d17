import { SegmentedControl, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import type { ProxyConfigSection } from '../../../src/contract/index.ts';
import { useApi, useLab, useLabName } from '../../lab/index.ts';
import { CopyButton, FailedState, FileLink, LoadingRows, useAsync } from '../../ui/index.ts';
import styles from './pods.module.css';
import { originOf, summaryOf, titleOf } from './proxy-config.ts';

const sections: readonly ProxyConfigSection[] = ['listeners', 'routes', 'clusters', 'endpoints', 'secrets'];

/** What a proxy was told, in Envoy's own terms. */
export function ProxyConfigPanel({ proxy }: { readonly proxy: string }): ReactNode {
  const api = useApi();
  const lab = useLabName();
  const acknowledged = useLab(state => state.status?.proxies.find(each => each.proxy === proxy)?.acknowledged ?? '');
  const [section, setSection] = useState<ProxyConfigSection>('listeners');
  const [search, setSearch] = useState('');
  const asked = useAsync(() => api.proxyConfig({ lab, proxy, section }), [lab, proxy, section, acknowledged].join('\n'));
  const resources = useMemo(() => (asked.value ?? []).map(resource => ({ resource, text: JSON.stringify(resource, undefined, 2) })), [asked.value]);
  const word = search.toLowerCase();
  const shown = resources.filter(({ text }) => text.toLowerCase().includes(word));
  return (
    <div className={styles.panel}>
      <div className={styles.tools}>
        <SegmentedControl aria-label="Section" data={[...sections]} value={section} onChange={value => setSection(value as ProxyConfigSection)} />
        <TextInput aria-label="Search" placeholder="Search" leftSection={<IconSearch size={14} aria-hidden />} value={search} onChange={event => setSearch(event.currentTarget.value)} className={styles.grow ?? ''} />
        <span className={styles.muted}>{shown.length === resources.length ? resources.length : `${shown.length} of ${resources.length}`}</span>
      </div>
      <div className={styles.configs}>
        {asked.state === 'failed' && <FailedState error={asked.error} retry={asked.again} />}
        {asked.state === 'loading' && asked.value === undefined && <LoadingRows rows={8} />}
        {asked.value !== undefined && shown.length === 0 && <p className={styles.none}>{search === '' ? `This proxy has no ${section}.` : `No ${section.slice(0, -1)} has “${search}”.`}</p>}
        {shown.map(({ resource, text }, index) => <Resource key={`${titleOf(resource)} ${index}`} resource={resource} text={text} open={shown.length === 1} />)}
      </div>
    </div>
  );
}

function Resource({ resource, text, open }: { readonly resource: unknown; readonly text: string; readonly open: boolean }): ReactNode {
  const origin = originOf(resource);
  const [shown, setShown] = useState(open);
  return (
    <details className={styles.config} open={shown} onToggle={event => setShown(event.currentTarget.open)}>
      <summary><span className="mono">{titleOf(resource)}</span><span className={styles.muted}>{summaryOf(resource)}</span></summary>
      {shown && (
        <div>
          <div className={styles.configTools}>{origin !== undefined && <FileLink file={origin.file} line={origin.line} />}<CopyButton text={text} what="the JSON" /></div>
          <pre tabIndex={0} aria-label={`JSON of ${titleOf(resource)}`}>{text}</pre>
        </div>
      )}
    </details>
  );
}
