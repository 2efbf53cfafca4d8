// In a module of its own: bundled, a CommonJS package that is imported dynamically loses its named exports.
export { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
