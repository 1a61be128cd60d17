/** A stand-in for a well-known sample image: a small server with the same HTTP face, in our own image. */
export interface StandIn {
  /** What `StandInSettings.name` says. */
  readonly name: string;
  /** The uid of the original's `USER`, when it has one. */
  readonly uid?: number;
  /** The original is a box of tools: a `command` in the manifest is run as it stands (our image has `curl` and `sh`). For the others the server runs instead. */
  readonly runsCommand: boolean;
  /** Ports on which it listens without arguments. */
  readonly ports: readonly number[];
}

interface Rule {
  /** Matches the repository's last path segments, without registry, tag and digest. */
  readonly repository: RegExp;
  readonly standIn: (name: string) => StandIn;
}

const server = (name: string, ports: readonly number[], uid?: number): StandIn => ({ name, ports, runsCommand: false, ...(uid === undefined ? {} : { uid }) });
const last = (repository: string): string => repository.slice(repository.lastIndexOf('/') + 1);

const rules: readonly Rule[] = [
  { repository: /(^|\/)examples-bookinfo-(productpage|details|reviews|ratings)-v[\w.-]*$/, standIn: (repository) => server(last(repository).replace('examples-', ''), [9080]) },
  { repository: /(^|\/)examples-helloworld-v[12]$/, standIn: (repository) => server(last(repository).replace('examples-', ''), [5000]) },
  { repository: /(^|\/)tcp-echo-server$/, standIn: () => server('tcp-echo-server', [9000]) },
  { repository: /(^|\/)mccutchen\/go-httpbin$/, standIn: () => server('go-httpbin', [8080]) },
  { repository: /(^|\/)(kennethreitz\/httpbin|kong\/httpbin|httpbin)$/, standIn: () => server('httpbin', [80, 8080]) },
  { repository: /(^|\/)(curlimages\/curl|governmentpaas\/curl-ssl|pstauffer\/curl)$/, standIn: () => ({ name: 'curl', uid: 100, runsCommand: true, ports: [] }) },
  { repository: /(^|\/)moul\/grpcbin$/, standIn: () => server('grpcbin', [9000]) },
  { repository: /(^|\/)jmalloc\/echo-server$/, standIn: () => server('websocket-echo', [8080]) },
  { repository: /(^|\/)(istio(-testing|-release)?|release)\/ext-authz$/, standIn: () => server('ext-authz', [8000, 9000]) },
  { repository: /(^|\/)fortio\/fortio$/, standIn: () => server('fortio', [8080, 8078]) },
  { repository: /(^|\/)(gateway-api\/conformance|gateway-api-conformance|ingressconformance)\/echo-basic$|(^|\/)echo-basic$/, standIn: () => server('echo-basic', [3000, 8443]) },
  { repository: /(^|\/)(istio(-testing|-release)?\/app|echo-advanced)$/, standIn: () => server('istio-echo', [8080]) },
];

/** The repository of an image reference: no tag, no digest, no registry host. */
function repositoryOf(image: string): string {
  const untagged = image.replace(/@[^/]*$/, '').replace(/:[^/:]*$/, '');
  const [first = '', ...rest] = untagged.split('/');
  const isHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? rest.join('/') : untagged;
}

/** The stand-in that has the same HTTP face as an image, if there is one. Tags and registries do not matter. */
export function standInFor(image: string): StandIn | undefined {
  const repository = repositoryOf(image);
  return rules.find((rule) => rule.repository.test(repository))?.standIn(repository);
}
