/** Names that become a part of a ref, `refs/kv/<ns>` and `refs/kv-chunks/<ns>@<epoch>`: docs/FORMAT.md, "Refs". */

const NAMESPACE = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const EPOCH_LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The rule for people who have broken it. */
export const NAMESPACE_RULE =
  "lower-case letters, digits, '.', '_', '-'; 1 to 63 of them; the first a letter or a digit; no '..', no '.' or '.lock' at the end";

/** True when `text` may name a namespace. */
export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text) && isRefPart(text);
}

/** True when `text` may label an epoch: as a namespace, and upper case too. */
export function isEpochLabel(text: string): boolean {
  return EPOCH_LABEL.test(text) && isRefPart(text);
}

/** False for what Git refuses in a ref name, though each character is fine. */
function isRefPart(text: string): boolean {
  return !text.includes('..') && !text.endsWith('.lock') && !text.endsWith('.');
}
