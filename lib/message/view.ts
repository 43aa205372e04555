import { parseContentType } from '#lib/mime/contenttype';
import { type Header, type HeaderField, unfold } from '#lib/mime/header';
import { type LineEnd, isClaim, isFieldName, isStructural, lineEndOf, tameField } from './field.js';
import { withoutParameters } from './parameters.js';
import type { Sender } from './sender.js';
import { statusField } from './status.js';

/**
 * What the header of a sender's payload is.
 * - `protected`: RFC 9788. It is the whole header; of the outer one only what transport has added counts.
 * - `whole`: a message with an author of its own (gpgmymail, jnphilipp/gpgmail, p≡p's inner message). Likewise.
 * - `part`: a body part (RFC 3156), or one with some fields (protected-headers="v1"): these win, the outer others stay.
 */
export interface PayloadForm {
  readonly kind: 'protected' | 'whole' | 'part';
  /** RFC 9788: the message was sealed with this header protection, and may have legacy display elements. */
  readonly cipher: boolean;
  /** The drafts before RFC 9788. */
  readonly v1: boolean;
}

export function payloadForm(payload: Header): PayloadForm {
  const field = payload.get('content-type');
  // With two of them readers differ in which one counts.
  const single = payload.all('content-type').length === 1 && field !== undefined;
  const parameters = single ? parseContentType(unfold(field.body))?.parameters : undefined;
  const hp = parameters?.get('hp')?.toLowerCase();
  const v1 = parameters?.get('protected-headers')?.toLowerCase() === 'v1';
  if (hp === 'cipher' || hp === 'clear') return { kind: 'protected', cipher: hp === 'cipher', v1: false };
  return { kind: !v1 && payload.has('from') ? 'whole' : 'part', cipher: false, v1 };
}

/** What transport adds to a message, and a payload has no say in. */
function isTrace(name: string): boolean {
  return /^(?:received|return-path|dkim-signature|authentication-results|list-.+)$/i.test(name);
}

/** Parameters of Content-Type that speak of the encryption that is gone. */
const PROTECTION_PARAMETERS = ['hp', 'hp-legacy-display', 'protected-headers'];

export interface ViewParts {
  readonly outer: Header;
  readonly payload: Header;
  readonly form: PayloadForm;
  readonly sender: Sender;
}

/**
 * The header of the plaintext view of a sender's message, blank line included: our status, the outer trace fields, the outer
 * fields that still count, the payload's own. Nothing in it claims to be ours but the status, and every line ends as the
 * payload's first one does.
 */
export function viewHeader({ outer, payload, form, sender }: ViewParts): Buffer {
  const eol = lineEndOf(payload);
  const shown = payload.fields.filter((field) => isShown(field, outer));
  const names = new Set(shown.map(({ name }) => name.toLowerCase()));
  const kept = outer.fields.filter(isHarmless);
  const trace = kept.filter(({ name }) => isTrace(name));
  const others =
    form.kind === 'part'
      ? kept.filter(({ name }) => !isTrace(name) && !isStructural(name) && !names.has(name.toLowerCase()))
      : [];
  const own = withSender(shown, sender, form.kind !== 'part');
  return Buffer.concat([
    statusField(sender.status, eol),
    ...[...trace, ...others].map(({ raw }) => tameField(raw, eol)),
    ...own.map((field) => tameField(withoutProtection(field), eol)),
    ...(names.has('mime-version') || !shown.some(({ name }) => isStructural(name)) ? [] : [mimeVersion(eol)]),
    Buffer.from(eol),
  ]);
}

/** As `viewHeader`, for a text body that was one armored block: the outer header stays, but for what described the armor. */
export function inlineHeader(outer: Header, sender: Sender, eol: LineEnd): Buffer {
  const kept = outer.fields.filter(
    (field) => isHarmless(field) && !/^(?:content-(?:type|transfer-encoding|length)|mime-version)$/i.test(field.name),
  );
  const charset = parseContentType(outer.unfolded('content-type') ?? '')
    ?.parameters.get('charset')
    ?.toLowerCase();
  const known = charset !== undefined && /^[a-z0-9_.:-]+$/.test(charset) && charset !== 'us-ascii';
  return Buffer.concat([
    statusField(sender.status, eol),
    ...kept.map(({ raw }) => tameField(raw, eol)),
    mimeVersion(eol),
    // OpenPGP text is UTF-8 where nobody says otherwise (RFC 9580 §5.9).
    Buffer.from(`Content-Type: text/plain; charset=${known ? charset : 'utf-8'}${eol}`),
    Buffer.from(`Content-Transfer-Encoding: 8bit${eol}${eol}`),
  ]);
}

function mimeVersion(eol: LineEnd): Buffer {
  return Buffer.from(`MIME-Version: 1.0${eol}`);
}

/** Fields, and not claims to be ours nor records of a header protection that is not there. */
function isHarmless(field: HeaderField): boolean {
  return isFieldName(field.name) && !isClaim(field) && !/^hp-outer$/i.test(field.name);
}

/** Of the payload's fields. What transport adds comes from outside: inside it is a copy, or a forged verdict. */
function isShown(field: HeaderField, outer: Header): boolean {
  if (!isHarmless(field)) return false;
  if (!isTrace(field.name)) return true;
  const text = unfold(field.body);
  if (outer.all(field.name).some((other) => unfold(other.body) === text)) return false;
  return field.name.toLowerCase() !== 'authentication-results';
}

/** The fields with From and Sender as they have been settled, in their place; at the top where `needsFrom` and there is none. */
function withSender(fields: readonly HeaderField[], sender: Sender, needsFrom: boolean): readonly HeaderField[] {
  const settled = new Map([
    ['from', sender.from],
    ['sender', sender.sender],
  ]);
  const out: HeaderField[] = [];
  let hasFrom = false;
  for (const field of fields) {
    const name = field.name.toLowerCase();
    const replacement = settled.get(name);
    settled.set(name, []);
    hasFrom ||= name === 'from';
    if (replacement === undefined) out.push(field);
    else out.push(...replacement.filter((other) => isHarmless(other)));
  }
  return needsFrom && !hasFrom ? [...sender.from.filter((other) => isHarmless(other)), ...out] : out;
}

function withoutProtection(field: HeaderField): Buffer {
  return field.name.toLowerCase() === 'content-type' ? withoutParameters(field, PROTECTION_PARAMETERS) : field.raw;
}
