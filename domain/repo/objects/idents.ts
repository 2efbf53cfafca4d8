import { KvError } from '../../../ports/error.js';
import type { Person, Signature } from '../types.js';
import { shown } from './paths.js';

/** What git takes off both ends of a name or an address (ident.c, `crud`). */
const CRUD = /^[\0-\x20.,:;<>"\\']+|[\0-\x20.,:;<>"\\']+$/g;
/** Of which nothing would be taken off. */
const CLEAN = /^[A-Za-z0-9](?:[ \w@.-]*[A-Za-z0-9])?$/;
const ZONE = /^[+-](?:0\d|1[0-4])[0-5]\d$/;
const IDENT = /^(.*?) ?<([^>]*)> ?(-?\d*) ?([+-]\d+)?/s;
/** The last second of the year 9999. */
const LATEST = 253_402_300_799_999;

/** A person as a commit has it, cleaned as git does it. Throws `INPUT_INVALID` for a name or an address of which nothing is left. */
export function signatureOf(person: Person, now: number): Signature {
  const [name, email] = [cleaned(person.name), cleaned(person.email)];
  if (name === '') throw new KvError('INPUT_INVALID', `'${shown(person.name)}' is no author's name`, { hint: 'give a name' });
  if (email === '' && person.email !== '')
    throw new KvError('INPUT_INVALID', `'${shown(person.email)}' is no address`, { hint: 'give an address' });
  const { time = now, zone = '+0000' } = person;
  if (!Number.isFinite(time) || time < 0 || time > LATEST)
    throw new KvError('INPUT_INVALID', 'a time is before 1970 or after 9999', { hint: 'give milliseconds since the epoch' });
  if (zone !== '+0000' && !ZONE.test(zone))
    throw new KvError('INPUT_INVALID', `'${shown(zone)}' is no time zone`, { hint: 'give one such as +0200' });
  return { name, email, time: Math.floor(time / 1000) * 1000, zone };
}

function cleaned(text: string): string {
  if (text.length > 1000) throw new KvError('INPUT_INVALID', 'a name or an address has more than 1000 characters');
  return CLEAN.test(text) ? text : text.replace(CRUD, '').replace(/[<>\n\0]/g, '');
}

/** The value of an `author`, `committer` or `tagger` line. */
export function identLine({ name, email, time, zone }: Signature): string {
  return `${name} <${email}> ${Math.floor(time / 1000)} ${zone}`;
}

/** Reads such a line of any commit; what is malformed becomes empty, or the epoch. */
export function readIdent(line: string): Signature {
  const [, name = '', email = '', seconds = '', zone = '+0000'] = IDENT.exec(line) ?? [];
  const time = Number(seconds) * 1000;
  return { name, email, time: Number.isSafeInteger(time) ? time : 0, zone };
}
