import { parseAllDocuments } from 'yaml';

/** The documents of a YAML text, each with what is wrong with it. */
export const documentsOf = (text: string): ReturnType<typeof parseAllDocuments> =>
  parseAllDocuments(text, { prettyErrors: false, logLevel: 'silent' });
