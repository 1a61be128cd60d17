/** One element of ASN.1 in DER: its tag byte and its content. */
export interface Der {
  readonly tag: number;
  readonly content: Buffer;
}

export const tag = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30, uri: 0x86, context0: 0xa0, context3: 0xa3 } as const;

/** The elements that follow one another in `bytes`. Throws a RangeError when they do not fill it exactly. */
export function readDer(bytes: Buffer): Der[] {
  const elements: Der[] = [];
  for (let at = 0; at < bytes.length;) {
    const { length, start } = readLength(bytes, at + 1);
    if (start + length > bytes.length) throw new RangeError('A DER element is longer than what holds it.');
    elements.push({ tag: bytes.readUInt8(at), content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}

/** The elements in the one SEQUENCE that `value` holds. */
export function inner(value: Buffer): Der[] {
  const [sequence] = readDer(value);
  return sequence === undefined ? [] : readDer(sequence.content);
}

/** Encodes one element from its parts. */
export function writeDer(tagByte: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tagByte, content.length]), content]);
  const length = content.length < 0x100 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tagByte, ...length]), content]);
}

function readLength(bytes: Buffer, at: number): { length: number; start: number } {
  const first = bytes.readUInt8(at);
  if (first < 0x80) return { length: first, start: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 3) throw new RangeError('A DER length is not definite or too long.');
  return { length: bytes.readUIntBE(at + 1, count), start: at + 1 + count };
}
