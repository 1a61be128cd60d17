/** What the first bytes of a connection say about TLS: a ClientHello with its names, no TLS, or not enough bytes yet. */
export type ClientHello =
  | { readonly state: 'hello'; readonly serverName?: string; readonly applicationProtocols: readonly string[] }
  | { readonly state: 'more' | 'no' };

const handshakeRecord = 22;
const clientHello = 1;
const limit = 16 * 1024;
const extension = { serverName: 0, applicationProtocols: 16 } as const;

/** Reads a ClientHello (RFC 8446, section 4.1.2) without consuming it, at most 16 KiB, from one or more records. */
export function readClientHello(bytes: Buffer): ClientHello {
  if (bytes.length > 0 && bytes[0] !== handshakeRecord) return { state: 'no' };
  if (bytes.length > 1 && bytes[1] !== 3) return { state: 'no' };
  try {
    const message = handshake(bytes);
    return message === 'more' ? { state: bytes.length > limit ? 'no' : 'more' } : read(new Cursor(message));
  } catch (error) {
    if (error instanceof RangeError) return { state: 'no' };
    throw error;
  }
}

/** The body of the first handshake message, put together from the records that carry it. */
function handshake(bytes: Buffer): Buffer | 'more' {
  const parts: Buffer[] = [];
  let have = 0;
  for (let at = 0; at + 5 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== handshakeRecord || length === 0 || length > limit) throw new RangeError('no handshake record');
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    have += part.length;
    at += 5 + length;
    const start = parts.length === 1 ? part : Buffer.concat(parts);
    parts.splice(0, parts.length, start);
    if (start.length > 0 && start[0] !== clientHello) throw new RangeError('no ClientHello');
    if (start.length >= 4) {
      const size = start.readUIntBE(1, 3);
      if (size > limit) throw new RangeError('ClientHello too long');
      if (have >= 4 + size) return start.subarray(4, 4 + size);
    }
  }
  return 'more';
}

function read(hello: Cursor): ClientHello {
  hello.skip(2 + 32);
  hello.skip(hello.uint8());
  hello.skip(hello.uint16());
  hello.skip(hello.uint8());
  let serverName: string | undefined;
  let applicationProtocols: readonly string[] = [];
  const extensions = hello.left === 0 ? hello : hello.take(hello.uint16());
  while (extensions.left > 0) {
    const type = extensions.uint16();
    const body = extensions.take(extensions.uint16());
    if (type === extension.serverName && body.left > 0) serverName = hostName(body);
    if (type === extension.applicationProtocols) applicationProtocols = protocols(body);
  }
  return { state: 'hello', ...(serverName === undefined ? {} : { serverName }), applicationProtocols };
}

function hostName(body: Cursor): string | undefined {
  const list = body.take(body.uint16());
  while (list.left > 0) {
    const type = list.uint8();
    const name = list.take(list.uint16()).text();
    if (type === 0) return name.toLowerCase();
  }
  return undefined;
}

function protocols(body: Cursor): readonly string[] {
  const list = body.take(body.uint16());
  const found: string[] = [];
  while (list.left > 0) found.push(list.take(list.uint8()).text());
  return found;
}

/** Reads on in bytes that must not end too early: a RangeError otherwise. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number { return this.#bytes.length - this.#at; }

  uint8(): number {
    this.skip(1);
    return this.#bytes.readUInt8(this.#at - 1);
  }

  uint16(): number {
    this.skip(2);
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  skip(count: number): void {
    if (count > this.left) throw new RangeError('the message ends too early');
    this.#at += count;
  }

  take(count: number): Cursor {
    this.skip(count);
    return new Cursor(this.#bytes.subarray(this.#at - count, this.#at));
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at);
  }
}
