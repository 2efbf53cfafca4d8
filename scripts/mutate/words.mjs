// For Stryker's instrumenter: leaves alone what people read. No test should care how a message is worded, only which code it comes with.

/** Two words in a row: no code, ref, path or trailer looks like that. */
const PROSE = /[a-z,]{2,} [a-z'’]{2,}/;

const isText = (node) => node.type === 'StringLiteral' || node.type === 'TemplateLiteral';

const fixedText = (node) =>
  node.type === 'StringLiteral' ? node.value : node.quasis.map(({ value }) => value.cooked ?? value.raw).join(' ');

const isNamed = (property, ...names) => property?.type === 'ObjectProperty' && names.includes(property.key.name);

/** The message of an error: `new KvError(code, message, …)`. */
const isMessage = ({ node, parent }) =>
  parent?.type === 'NewExpression' && parent.callee.name === 'KvError' && parent.arguments[1] === node;

function shouldIgnore(path) {
  const { node, parent } = path;
  if (isMessage(path)) return 'the words of a message';
  if (isText(node) && (PROSE.test(fixedText(node)) || isNamed(parent, 'hint', 'message'))) return 'words for people';
  const onlyHint =
    node.type === 'ObjectExpression' && node.properties.length > 0 && node.properties.every((one) => isNamed(one, 'hint'));
  return onlyHint ? 'a hint' : undefined;
}

/** Which nodes are not mutated. */
export const WORDS = { shouldIgnore };
