import { ofKind, type TypedResource } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

type Gateway = TypedResource<'Gateway'>;

/** Gateways on the same pods that share a certificate: a browser sends requests for one host over its connection to the other. */
export const duplicateCertificates: Analyzer = {
  name: 'gateway.CertificateAnalyzer',
  codes: ['IST0138'],
  run: ({ resources }) => {
    const gateways = ofKind(resources, 'Gateway');
    return gateways.flatMap((gateway) => {
      const mine = certificates(gateway);
      const others = gateways.filter((other) => other !== gateway && samePods(gateway, other) && [...certificates(other)].some((one) => mine.has(one)));
      if (others.length === 0) return [];
      const names = others.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ');
      return [finding(gateway, ['spec', 'servers'], { code: 'IST0138', level: 'warning', message: `The Gateway ${names} shows the same certificate, so clients that reuse an HTTP/2 connection for another host get 404.`, help: 'Put the hosts of one certificate into one Gateway.' })];
    });
  },
};

function certificates({ spec, metadata }: Gateway): ReadonlySet<string> {
  return new Set(spec.servers.flatMap(({ tls }) => {
    if (tls === undefined) return [];
    if (tls.credentialName !== '') return [`secret ${tls.credentialName.includes('/') ? '' : `${metadata.namespace}/`}${tls.credentialName}`];
    return tls.serverCertificate === '' ? [] : [`file ${tls.serverCertificate} ${tls.privateKey}`];
  }));
}

/** Whether one selector asks for no more than the other. */
function samePods(one: Gateway, other: Gateway): boolean {
  const within = (less: Gateway, more: Gateway): boolean => Object.entries(less.spec.selector).every(([label, value]) => more.spec.selector[label] === value);
  return within(one, other) || within(other, one);
}
