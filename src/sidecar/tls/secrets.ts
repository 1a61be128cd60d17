import type { Secret } from '../../xds/index.ts';

/** What a secret holds, PEM. A proxy's own certificate is `default`, the mesh's trust bundle `ROOTCA`. */
export interface SecretMaterial {
  readonly chain?: string;
  readonly key?: string;
  readonly roots?: string;
  /** Certificates of these roots that count no more. */
  readonly crl?: string;
}

/** The secrets in force. Those of the workload come from signing requests, the others (gateway credentials) from the control plane. */
export interface SecretStore {
  get(name: string): SecretMaterial | undefined;
  /** The workload's own; they win over secrets of the same name that were pushed. */
  setOwn(name: string, material: SecretMaterial): void;
  /** Replaces all that were pushed. */
  setPushed(secrets: ReadonlyMap<string, SecretMaterial>): void;
  /** Changes whenever something is set, so that contexts made of secrets know when they are old. */
  readonly generation: number;
  names(): readonly string[];
}

/** Makes an empty store. */
export function createSecretStore(): SecretStore {
  const own = new Map<string, SecretMaterial>();
  let pushed: ReadonlyMap<string, SecretMaterial> = new Map();
  let generation = 0;
  return {
    get: (name) => own.get(name) ?? pushed.get(name),
    setOwn: (name, material) => { own.set(name, material); generation += 1; },
    setPushed: (secrets) => { pushed = secrets; generation += 1; },
    get generation() { return generation; },
    names: () => [...new Set([...own.keys(), ...pushed.keys()])],
  };
}

/** Reads pushed secrets. Throws when one cannot be used, and then none is. */
export function parseSecrets(secrets: readonly Secret[]): ReadonlyMap<string, SecretMaterial> {
  return new Map(secrets.map((secret) => {
    const name = secret.name ?? '';
    if (name === '') throw new Error('A secret has no name.');
    const { certificateChain, privateKey } = secret.tlsCertificate ?? {};
    const material = {
      ...optional('chain', readDataSource(certificateChain)), ...optional('key', readDataSource(privateKey)), ...optional('roots', readDataSource(secret.validationContext?.trustedCa)),
      ...optional('crl', readDataSource(secret.validationContext?.crl)),
    };
    if (Object.keys(material).length === 0) throw new Error(`The secret ${name} holds neither a certificate nor a trust bundle.`);
    return [name, material];
  }));
}

/** The text of a data source that is inline. */
export function readDataSource(source: { inlineBytes?: string; inlineString?: string } | undefined): string | undefined {
  if (source?.inlineBytes !== undefined) return Buffer.from(source.inlineBytes, 'base64').toString('latin1');
  return source?.inlineString;
}

function optional<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  return value === undefined ? {} : { [key]: value } as Record<Key, string>;
}
