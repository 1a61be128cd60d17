/** Who calls and is called by nobody stands at the left, with the ingress: whom it calls next never lies to the left of it. */
export function onlyCallers(edges: readonly { readonly source: string; readonly target: string }[]): ReadonlySet<string> {
  const called = new Set(edges.map(({ target }) => target));
  return new Set(edges.map(({ source }) => source).filter(id => !called.has(id)));
}
