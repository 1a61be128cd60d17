/**
 * Compiles a URI template: `*` is one segment that is not empty, `**` any number of characters, slashes included, perhaps none; `{name}` and
 * `{name=*}` are `*`, `{name=**}` is `**`. Operators are whole segments, `**` comes at most once and no operator follows it.
 * Throws on anything else. Envoy leaves characters out that RFC 3986 allows in a segment, such as `=`; here they count, or a rule that denies would miss them.
 * Matching takes time in proportion to the path. Source: Envoy, path.match.uri_template.v3.UriTemplateMatchConfig.
 */
export function compileTemplate(template: string): (path: string) => boolean {
  if (!template.startsWith('/')) throw new Error(`the path template ${template} does not begin with /`);
  const parts = template.slice(1).split('/').map(operator);
  const wild = parts.indexOf('**');
  if (wild >= 0 && parts.slice(wild + 1).some((part) => part === '*' || part === '**')) throw new Error(`the path template ${template} has an operator after **`);
  const literal = (part: string | undefined, found: string | undefined): boolean => (part === '*' ? found !== undefined && found !== '' : part === found);
  if (wild < 0) {
    return (path) => {
      const segments = path.slice(1).split('/');
      return path.startsWith('/') && segments.length === parts.length && parts.every((part, at) => literal(part, segments[at]));
    };
  }
  const before = parts.slice(0, wild);
  const after = parts.slice(wild + 1);
  const suffix = after.length === 0 ? '' : `/${after.join('/')}`;
  return (path) => {
    if (!path.startsWith('/') || !path.endsWith(suffix)) return false;
    const segments = path.slice(1).split('/');
    if (segments.length <= wild || !before.every((part, at) => literal(part, segments[at]))) return false;
    const start = 1 + segments.slice(0, wild).reduce((length, one) => length + one.length + 1, 0);
    return start <= path.length - suffix.length;
  };
}

function operator(part: string): string {
  const named = /^\{[A-Za-z_][A-Za-z0-9_]*(?:=(\*\*?))?\}$/.exec(part);
  if (named !== null) return named[1] ?? '*';
  if (part === '*' || part === '**') return part;
  if (/[*{}]/.test(part)) throw new Error(`the path template’s segment ${part} mixes text and operators`);
  return part;
}
