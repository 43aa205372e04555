import { parseContentType } from '#lib/mime/contenttype';
import { type Header, type HeaderField, unfold } from '#lib/mime/header';
import {
  type LineEnd,
  copyField,
  isClaim,
  isFieldName,
  isStructural,
  lineEndOf,
  tameField,
  writeField,
} from './field.js';
import { withParameter } from './parameters.js';
import { HIDDEN_SUBJECT } from './policy.js';

/** A message for others, as RFC 9788 §5.2 composes it. The body goes between `before` and `after`. */
export interface ProtectedMessage {
  /** Fields of the outer header, MIME's apart, lines ended by CRLF. */
  readonly outer: Buffer;
  readonly before: Buffer;
  readonly after: Buffer;
}

/** Fields that others never see: for whom a blind copy is, what claims to be Postern's, records of another protection. */
function isPrivate(field: HeaderField): boolean {
  return isBlind(field) || /^hp-outer$/i.test(field.name) || isClaim(field);
}

/** Whether a field names recipients whom the others must not see. */
export function isBlind(field: HeaderField): boolean {
  return /^(?:(?:resent-|x-)?bcc|apparently-to)$/i.test(field.name);
}

/**
 * Protects a header: the payload gets all of its fields, `hp="cipher"`, and `HP-Outer` for each field that stays outside. Outside,
 * Subject is hidden, Comments, Keywords (hcp_baseline) and Thread-Topic are not there, the others are as they were. Fields outside that could
 * not be well-formed are left out.
 *
 * `boundary` is for a body that is a cryptographic layer of its own (RFC 9787 §3.1): a signature covers it as it is, so it
 * becomes the one part of a multipart/mixed that carries the protected fields.
 */
export function protectHeader(original: Header, boundary: string): ProtectedMessage {
  const eol = lineEndOf(original);
  const fields = original.fields.filter((field) => isFieldName(field.name) && !isPrivate(field));
  const visible = fields.filter((field) => !isStructural(field.name));
  const outer: Buffer[] = [];
  const record: Buffer[] = [];
  let hasSubject = false;
  for (const field of visible) {
    switch (field.name.toLowerCase()) {
      // Outlook's copy of the Subject.
      case 'thread-topic':
      case 'comments':
      case 'keywords':
        break;
      case 'subject':
        if (hasSubject) break;
        hasSubject = true;
        outer.push(writeField('Subject', HIDDEN_SUBJECT));
        record.push(writeField('HP-Outer', `Subject: ${HIDDEN_SUBJECT}`, eol));
        break;
      default: {
        const copy = copyField(field);
        const recorded = copyField(field, 'HP-Outer: ', eol);
        if (copy === undefined || recorded === undefined) break;
        outer.push(copy);
        record.push(recorded);
      }
    }
  }
  const structural = fields.filter((field) => isStructural(field.name));
  const root = markedRoot(structural, eol) ?? wrapped(structural, boundary, eol);
  return {
    outer: Buffer.concat(outer),
    before: Buffer.concat([
      ...visible.map(({ raw }) => tameField(raw, eol)),
      ...root.fields,
      ...record,
      Buffer.from(eol),
      ...root.inside,
    ]),
    after: root.after,
  };
}

interface Root {
  readonly fields: readonly Buffer[];
  /** What of the payload's body comes before and after the original's. */
  readonly inside: readonly Buffer[];
  readonly after: Buffer;
}

/** The structural fields with `hp` in Content-Type; undefined where that cannot be, or must not. */
function markedRoot(structural: readonly HeaderField[], eol: LineEnd): Root | undefined {
  const version = structural.some(({ name }) => /^mime-version$/i.test(name))
    ? []
    : [writeField('MIME-Version', '1.0', eol)];
  const types = structural.filter(({ name }) => /^content-type$/i.test(name));
  const [type, ...more] = types;
  if (type === undefined) {
    const added = writeField('Content-Type', 'text/plain; charset=us-ascii; hp="cipher"', eol);
    return {
      fields: [...version, ...structural.map(({ raw }) => tameField(raw, eol)), added],
      inside: [],
      after: EMPTY,
    };
  }
  if (more.length > 0 || isCryptographicLayer(type)) return undefined;
  const marked = tameField(withParameter(type, 'hp', 'cipher', eol), eol);
  // A comment or a string that is not closed would swallow the parameter.
  const [, body = ''] = /^[^:]*:([^]*)$/.exec(marked.toString('latin1')) ?? [];
  if (parseContentType(unfold(Buffer.from(body, 'latin1')))?.parameters.get('hp') !== 'cipher') return undefined;
  return {
    fields: [...version, ...structural.map((field) => (field === type ? marked : tameField(field.raw, eol)))],
    inside: [],
    after: EMPTY,
  };
}

function wrapped(structural: readonly HeaderField[], boundary: string, eol: LineEnd): Root {
  const inner = structural.filter(({ name }) => !/^mime-version$/i.test(name));
  return {
    fields: [
      writeField('MIME-Version', '1.0', eol),
      writeField('Content-Type', `multipart/mixed; boundary="${boundary}"; hp="cipher"`, eol),
    ],
    inside: [Buffer.from(`--${boundary}${eol}`), ...inner.map(({ raw }) => tameField(raw, eol)), Buffer.from(eol)],
    after: Buffer.from(`${eol}--${boundary}--${eol}`),
  };
}

function isCryptographicLayer(contentType: HeaderField): boolean {
  const type = parseContentType(unfold(contentType.body))?.type;
  return type !== undefined && /^(?:multipart\/(?:signed|encrypted)|application\/(?:x-)?pkcs7-mime)$/.test(type);
}

const EMPTY = Buffer.alloc(0);
