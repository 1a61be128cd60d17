import { createHash } from 'node:crypto';

/** Docker labels of what the lab keeps on purpose. */
export const imageLabel = 'dev.weft.image';
/** What a base or runtime image was made from, in full. */
export const contentLabel = 'dev.weft.content';

/** How a base image is made: from a public image, or from Debian packages and npm's Node. */
export type BaseKind = 'pulled' | 'assembled';

/** The public image that a pulled base starts from. */
export const publicBase = 'node:24-bookworm-slim';

/** Node of an assembled base. */
export const nodeVersion = '24.21.0';

/** Packages that the lab's own roles and a person at a shell need. Their dependencies come along. */
export const debianPackages = ['base-files', 'busybox', 'ca-certificates', 'curl', 'iptables', 'libstdc++6', 'netbase'] as const;

/** Of the dependencies, those that only install or explain something. */
export const unwantedPackages = ['debconf', 'gcc-12-base', 'gcc-13-base', 'gcc-14-base', 'mawk'] as const;

/** busybox stands in for coreutils and friends, so that `sh`, `ls`, `ps` … work in any container of ours. */
export const applets = [
  'ash', 'awk', 'base64', 'basename', 'cat', 'chmod', 'chown', 'clear', 'cmp', 'cp', 'cut', 'date', 'dd', 'df', 'diff', 'dirname', 'dmesg', 'du', 'echo', 'ed', 'egrep', 'env', 'expr',
  'false', 'fgrep', 'find', 'free', 'grep', 'gunzip', 'gzip', 'head', 'hexdump', 'hostname', 'id', 'ip', 'kill', 'killall', 'less', 'ln', 'ls', 'md5sum', 'mkdir', 'mktemp', 'more',
  'mv', 'nc', 'netstat', 'nslookup', 'od', 'pgrep', 'pidof', 'ping', 'pkill', 'printenv', 'printf', 'ps', 'pwd', 'readlink', 'realpath', 'rm', 'rmdir', 'sed', 'seq', 'sh', 'sha256sum',
  'sleep', 'sort', 'stat', 'strings', 'stty', 'tail', 'tar', 'tee', 'telnet', 'test', 'time', 'timeout', 'top', 'touch', 'tr', 'true', 'tty', 'uname', 'uniq', 'uptime', 'vi', 'watch',
  'wc', 'wget', 'which', 'whoami', 'xargs', 'yes', 'zcat',
] as const;

/** The Dockerfile of a pulled base. */
export const dockerfile = `FROM ${publicBase}
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends busybox ca-certificates curl iptables netbase >/dev/null \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc /usr/share/man \\
 && for applet in ${applets.join(' ')}; do command -v $applet >/dev/null || ln -s busybox /usr/bin/$applet; done
`;

/** Raised when the way of assembling changes, so that older bases are made anew. */
const assembly = 4;

/** Names the content of a base: the same recipe gives the same tag. */
export function baseReference(kind: BaseKind, architecture: string): string {
  const recipe = kind === 'pulled' ? [dockerfile] : [String(assembly), nodeVersion, ...debianPackages, ...unwantedPackages, ...applets];
  return `weft/base:${digest([kind, architecture, ...recipe].join('\n'))}`;
}

/** The first 12 hexadecimal digits of SHA-256: enough to tell contents apart, short enough to read. */
export function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
