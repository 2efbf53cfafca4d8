const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 0x3d;
const CODES = /* @__PURE__ */ Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0));
const VALUES = /* @__PURE__ */ Uint8Array.from({ length: 128 }, (_, code) => {
  const at = ALPHABET.indexOf(String.fromCharCode(code));
  return at < 0 ? 64 : at;
});

/** Padded base64 (RFC 4648, section 4) as ASCII bytes. */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out[at++] = CODES[bits >> 18] as number;
    out[at++] = CODES[(bits >> 12) & 63] as number;
    out[at++] = i + 1 < bytes.length ? (CODES[(bits >> 6) & 63] as number) : PAD;
    out[at++] = i + 2 < bytes.length ? (CODES[bits & 63] as number) : PAD;
  }
  return out;
}

/** The bytes of padded base64 in its one canonical form; undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length - padding; i++) {
    bits = (bits << 6) | (VALUES[text.charCodeAt(i)] as number);
    const full = (i & 3) * 6 + 6; // bits of this group so far
    if (full >= 8) out[at++] = (bits >> ((4 - (i & 3) - 1) * 2)) & 0xff;
  }
  const spare = padding === 2 ? bits & 0xf : padding === 1 ? bits & 0x3 : 0;
  return spare === 0 ? out : undefined;
}
