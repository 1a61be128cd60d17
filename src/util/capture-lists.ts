const port = /^[1-9]\d{0,4}$/;
const range = /^\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?$/;

/** The items of a comma-separated list, without blanks: so Istio's capture annotations name ports and ranges. */
export function captureList(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim()).filter((item) => item !== '');
}

/** Whether a text is a port of TCP, 1 to 65535. */
export function isPort(text: string): boolean {
  return port.test(text) && Number(text) <= 65535;
}

/** Whether a text is an IPv4 address or a range of them, as `10.0.0.0/8`. */
export function isIpv4Range(text: string): boolean {
  if (!range.test(text)) return false;
  const [ip = '', bits = '32'] = text.split('/');
  return Number(bits) <= 32 && ip.split('.').every((part) => Number(part) <= 255);
}
