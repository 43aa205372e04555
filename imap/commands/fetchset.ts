import type { Numbering } from '../numbering.js';
import type { Located } from '../messages/located.js';
import { type SequenceSet, contains, normalise } from '../wire/sequenceset.js';

/**
 * The messages of a set, in order, as far as responses have told which UIDs they have. Undefined where that does not settle it, or
 * where the set names numbers that there are not: then the provider has to be asked.
 */
export function locate(set: SequenceSet, byUID: boolean, numbering: Numbering): readonly Located[] | undefined {
  const { count } = numbering;
  if (set === '$' || count === 0) return undefined;
  return byUID ? locateUIDs(set, numbering) : locateNumbers(set, numbering);
}

/** Whether a set has a message, as far as that is known here: of a saved result of SEARCH it is not. */
export function isIn(set: SequenceSet, byUID: boolean, message: Located, numbering: Numbering): boolean {
  if (set === '$') return true;
  const largest = byUID ? (numbering.uid(numbering.count) ?? Infinity) : numbering.count;
  return contains(set, byUID ? message.uid : message.number, largest);
}

function locateNumbers(set: Exclude<SequenceSet, '$'>, numbering: Numbering): readonly Located[] | undefined {
  const located: Located[] = [];
  for (const { first, last } of normalise(set, numbering.count)) {
    if (last > numbering.count) return undefined;
    for (let number = first; number <= last; number++) {
      const uid = numbering.uid(number);
      if (uid === undefined) return undefined;
      located.push({ number, uid });
    }
  }
  return located;
}

/** All UIDs have to be known: another one could be in the set. */
function locateUIDs(set: Exclude<SequenceSet, '$'>, numbering: Numbering): readonly Located[] | undefined {
  const largest = numbering.uid(numbering.count);
  if (largest === undefined) return undefined;
  const ranges = normalise(set, largest);
  const located: Located[] = [];
  let at = 0;
  for (let number = 1; number <= numbering.count; number++) {
    const uid = numbering.uid(number);
    if (uid === undefined) return undefined;
    while ((ranges[at]?.last ?? Infinity) < uid) at++;
    if ((ranges[at]?.first ?? Infinity) <= uid) located.push({ number, uid });
  }
  return located;
}
