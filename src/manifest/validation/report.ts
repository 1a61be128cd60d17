import { at } from '../guards.ts';
import type { Diagnostic, Resource } from '../types.ts';
import type { Path } from '../yaml.ts';

/** Istio's code for what its admission refuses. */
const refused = 'IST0106';
/** Istio's code for what its admission accepts with a warning. */
const doubted = 'IST0133';

/** Gathers findings about one resource; {@link Report.at} gives the same report for a field further in. */
export class Report {
  readonly #resource: Resource;
  readonly #path: Path;
  readonly #found: Diagnostic[];

  constructor(resource: Resource, path: Path = ['spec'], found: Diagnostic[] = []) {
    this.#resource = resource;
    this.#path = path;
    this.#found = found;
  }

  /** What was found so far, in the order in which it was found. */
  get found(): readonly Diagnostic[] {
    return this.#found;
  }

  /** The namespace of the resource. */
  get namespace(): string {
    return this.#resource.metadata.namespace;
  }

  /** The same report, for a field below this one. */
  at(...steps: Path): Report {
    return new Report(this.#resource, [...this.#path, ...steps], this.#found);
  }

  /** Istio would refuse the resource. */
  error(message: string, help?: string): void {
    this.say({ code: refused, level: 'error', message, ...(help !== undefined && { help }) });
  }

  /** Istio would accept the resource, with a warning. */
  warning(message: string, help?: string): void {
    this.say({ code: doubted, level: 'warning', message, ...(help !== undefined && { help }) });
  }

  /** Any other finding at this field. */
  say(finding: Pick<Diagnostic, 'code' | 'level' | 'message' | 'help'>): void {
    this.#found.push({ ...finding, ...at(this.#resource, this.#path) });
  }
}

/** Runs a check on each item of a list, with the report at its place. */
export function each<Item>(items: readonly Item[], report: Report, check: (item: Item, report: Report, index: number) => void): void {
  items.forEach((item, index) => check(item, report.at(index), index));
}
