/** Responses as the way to a session needs them: status responses, continuation requests, and the names of the others. */

export type Status = 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH';

/** RFC 9051 §7.1. */
export interface StatusAnswer {
  readonly kind: 'status';
  /** Undefined for an untagged one. */
  readonly tag: string | undefined;
  readonly status: Status;
  /** In upper case. */
  readonly code: string | undefined;
  readonly argument: string | undefined;
  /** Octets as latin1. */
  readonly text: string;
}

/** RFC 9051 §7.6. */
export interface ContinuationAnswer {
  readonly kind: 'continuation';
  readonly text: string;
}

/** Untagged data. */
export interface DataAnswer {
  readonly kind: 'data';
  /** In upper case. */
  readonly name: string;
  /** What follows the name, literals in place, as latin1. */
  readonly rest: string;
}

export type Answer = StatusAnswer | ContinuationAnswer | DataAnswer;

// One pass, no nested repetition: a hostile line costs no more than its length.
const STATUS = /^(\*|[!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+) (OK|NO|BAD|BYE|PREAUTH)(?: ([^]*))?$/i;
const CODE = /^\[([A-Za-z0-9-]+)(?: ([^\]]*))?\] ?([^]*)$/;
const DATA = /^\* ([A-Za-z][A-Za-z0-9.-]*)(?: ([^]*))?$/;

/** Reads a response, without its line end, or gives undefined where it is none. */
export function readAnswer(response: string): Answer | undefined {
  if (response.startsWith('+')) return { kind: 'continuation', text: response.slice(1).replace(/^ /, '') };
  const [, tag, word, rest = ''] = STATUS.exec(response) ?? [];
  const status = word?.toUpperCase();
  if (tag !== undefined && isStatus(status)) {
    const [, code, argument, text = rest] = CODE.exec(rest) ?? [];
    return { kind: 'status', tag: tag === '*' ? undefined : tag, status, code: code?.toUpperCase(), argument, text };
  }
  const [, name, data = ''] = DATA.exec(response) ?? [];
  return name === undefined ? undefined : { kind: 'data', name: name.toUpperCase(), rest: data };
}

/** Capabilities (RFC 9051 §7.2.2) in upper case, from a CAPABILITY response or code; undefined for other answers. */
export function capabilitiesOf(answer: Answer): readonly string[] | undefined {
  if (answer.kind === 'data' && answer.name === 'CAPABILITY') return words(answer.rest);
  if (answer.kind === 'status' && answer.code === 'CAPABILITY') return words(answer.argument ?? '');
  return undefined;
}

function words(text: string): readonly string[] {
  return text
    .toUpperCase()
    .split(' ')
    .filter((word) => /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`|}~]+$/.test(word));
}

function isStatus(word: string | undefined): word is Status {
  return word === 'OK' || word === 'NO' || word === 'BAD' || word === 'BYE' || word === 'PREAUTH';
}
