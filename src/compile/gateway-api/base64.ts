const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 to text of one byte per character, without Node's or the browser's own: compile is pure. */
export function decodeBase64(text: string): string {
  const parts: string[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    if (value < 0) continue;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    parts.push(String.fromCharCode((held >> bits) & 0xff));
  }
  return parts.join('');
}
