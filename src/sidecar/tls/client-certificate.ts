import type { X509Certificate } from 'node:crypto';
import { subjectAltNames, type AltName } from '../identity/extensions.ts';

/** Which facts of a certificate are passed on besides its hash. Source: Envoy, HttpConnectionManager.SetCurrentClientCertDetails. */
export interface CertificateDetails {
  readonly subject: boolean;
  readonly uri: boolean;
  readonly dns: boolean;
}

/** The certificate that a caller showed, for `x-forwarded-client-cert`. Read at most once a connection: what is wanted seldom changes. */
export class ClientCertificate {
  readonly #certificate: X509Certificate;
  #wanted: CertificateDetails | undefined;
  #element = '';

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate;
  }

  /** `Hash=…;Subject="…";URI=…;DNS=…`, with as many of the last two as the certificate has. Source: Envoy, "x-forwarded-client-cert". */
  element(wanted: CertificateDetails): string {
    if (this.#wanted !== wanted) {
      this.#wanted = wanted;
      this.#element = describe(this.#certificate, wanted);
    }
    return this.#element;
  }
}

function describe(certificate: X509Certificate, { subject, uri, dns }: CertificateDetails): string {
  const names = altNames(certificate.raw);
  const listed = (type: AltName['type'], key: string): readonly string[] => names.filter((name) => name.type === type).map(({ value }) => `${key}=${quoted(value)}`);
  return [
    `Hash=${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    ...(subject ? [`Subject="${subjectOf(certificate)}"`] : []),
    ...(uri ? listed('URI', 'URI') : []),
    ...(dns ? listed('DNS', 'DNS') : []),
  ].join(';');
}

/** The subject in one line, its last part first. Node has each part escaped, on a line of its own. Source: RFC 2253. */
function subjectOf({ subject }: X509Certificate): string {
  return ((subject as string | undefined) ?? '').split('\n').filter((part) => part !== '').reverse().join(',');
}

/** A value with characters that divide the header stands in quotes; what cannot be written in a header is left out. */
function quoted(value: string): string {
  const printable = value.replace(/[^\x20-\x7e]/g, '');
  return /[,;="]/.test(printable) ? `"${printable.replaceAll('"', '\\"')}"` : printable;
}

function altNames(certificate: Buffer): readonly AltName[] {
  try {
    return subjectAltNames(certificate);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}
