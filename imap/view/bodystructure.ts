import type {
  BodyDisposition,
  BodyParameter,
  BodyStructure,
  MultipartBody,
  SinglePartBody,
} from '#imap/wire/bodystructure';
import { Header } from '#lib/mime/header';
import type { Part } from '#lib/mime/structure';
import { envelopeOf } from './envelope.js';
import { fieldText, octetsOf, unfoldedOctets } from './fieldvalue.js';
import { readParameters } from './parameters.js';
import { WordReader } from './words.js';

const US_ASCII: BodyParameter = { name: Buffer.from('charset'), value: Buffer.from('us-ascii') };
const APPLICATION = Buffer.from('application');
const OCTET_STREAM = Buffer.from('octet-stream');
const SEVEN_BIT = Buffer.from('7bit');

/** What IMAP is told where a multipart has no parts: it cannot say so. Dovecot does the same. */
const NO_PART: SinglePartBody = {
  kind: 'text',
  type: Buffer.from('text'),
  subtype: Buffer.from('plain'),
  parameters: [US_ASCII],
  id: undefined,
  description: undefined,
  encoding: SEVEN_BIT,
  octets: 0,
  lines: 0,
  message: undefined,
  extension: { md5: undefined, disposition: undefined, language: undefined, location: undefined, others: [] },
};

/** BODYSTRUCTURE of a message with CRLF only (RFC 9051 §7.5.2). */
export function bodyStructureOf(message: Part): BodyStructure {
  const { header } = message;
  const isMime = header.has('MIME-Version') || header.has('Content-Type');
  return describe(message, isMime ? header : NO_HEADER);
}

/** In what is no MIME message, fields of MIME mean nothing (RFC 2045 §4). */
const NO_HEADER = Header.parse(Buffer.alloc(0));

/** Of a part, with the header whose fields tell of it. */
function describe(part: Part, header: Header): BodyStructure {
  return isMultipart(part) ? multipart(part, header) : singlePart(part, header);
}

/** Whether a part is shown as a multipart. One that goes over a limit is not looked into. */
export function isMultipart({ contentType, limit }: Part): boolean {
  return limit === undefined && contentType.type.startsWith('multipart/');
}

function multipart(part: Part, header: Header): MultipartBody {
  const { subtype, parameters } = contentType(part);
  return {
    kind: 'multipart',
    parts: part.parts.length === 0 ? [NO_PART] : part.parts.map((child) => describe(child, child.header)),
    subtype,
    extension: { parameters, ...extension(header) },
  };
}

function singlePart(part: Part, header: Header): SinglePartBody {
  const { message } = part;
  const { type, subtype, parameters } = contentType(part);
  const isText = part.contentType.type.startsWith('text/');
  const hasCharset = parameters.some(({ name }) => name.toString('latin1').toLowerCase() === 'charset');
  return {
    kind: isText ? 'text' : message === undefined ? 'basic' : 'message',
    type,
    subtype,
    parameters: isText && !hasCharset ? [...parameters, US_ASCII] : parameters,
    id: unstructured(header, 'Content-ID'),
    description: unstructured(header, 'Content-Description'),
    encoding: transferEncoding(header) ?? SEVEN_BIT,
    octets: part.end - part.bodyStart,
    lines: isText || message !== undefined ? part.lines : undefined,
    message: message && { envelope: envelopeOf(message.header), body: bodyStructureOf(message) },
    extension: { md5: unstructured(header, 'Content-MD5'), ...extension(header) },
  };
}

function extension(header: Header): {
  disposition: BodyDisposition | undefined;
  language: readonly Buffer[] | undefined;
  location: Buffer | undefined;
  others: [];
} {
  return {
    disposition: disposition(header),
    language: languages(header),
    location: unstructured(header, 'Content-Location'),
    others: [],
  };
}

/** The type as it is spelled where the field can be read, with the parameters that stand behind it. */
function contentType(part: Part): {
  readonly type: Buffer;
  readonly subtype: Buffer;
  readonly parameters: readonly BodyParameter[];
} {
  const known = part.contentType.type;
  const reader = new WordReader(fieldText(part.header.get('Content-Type')));
  const spelled = readType(reader);
  const isRead = spelled?.type.toLowerCase() === known.slice(0, known.indexOf('/'));
  const parameters = isRead ? readParameters(reader) : [];
  // What cannot be looked into is shown as something that can be saved: readers want to know what is in a container.
  if (isClosed(part)) return { type: APPLICATION, subtype: OCTET_STREAM, parameters };
  const [type = '', subtype = ''] = known.split('/');
  if (!isRead || known === 'message/rfc822') return { type: octetsOf(type), subtype: octetsOf(subtype), parameters };
  return { type: octetsOf(spelled.type), subtype: octetsOf(spelled.subtype), parameters };
}

function readType(reader: WordReader): { readonly type: string; readonly subtype: string } | undefined {
  reader.space();
  reader.token();
  const type = reader.take();
  if (reader.peek() !== '/') return undefined;
  reader.at++;
  reader.space();
  reader.token();
  return { type, subtype: reader.take() };
}

/** A container that has not been looked into: because of a limit, or because what is in it is encoded. */
function isClosed(part: Part): boolean {
  const { type } = part.contentType;
  if (type.startsWith('multipart/')) return !isMultipart(part);
  return (type === 'message/rfc822' || type === 'message/global') && part.message === undefined;
}

/** The first Content-Transfer-Encoding that is a word and nothing else, as it is spelled. */
function transferEncoding(header: Header): Buffer | undefined {
  for (const field of header.all('Content-Transfer-Encoding')) {
    const reader = new WordReader(fieldText(field));
    reader.space();
    const outcome = reader.token();
    if (outcome === 'end' && reader.word !== '') return octetsOf(reader.word);
  }
  return undefined;
}

function disposition(header: Header): BodyDisposition | undefined {
  let found: BodyDisposition | undefined;
  for (const field of header.all('Content-Disposition')) {
    // One with parameters says more than one without.
    if (found?.parameters !== undefined && found.parameters.length > 0) break;
    const reader = new WordReader(fieldText(field));
    reader.space();
    if (reader.token() === 'broken') continue;
    found = { type: octetsOf(reader.take()), parameters: readParameters(reader) };
  }
  return found;
}

function languages(header: Header): readonly Buffer[] | undefined {
  for (const field of header.all('Content-Language')) {
    const languages: Buffer[] = [];
    const reader = new WordReader(fieldText(field));
    reader.space();
    while (reader.atom() !== 'broken') {
      languages.push(octetsOf(reader.take()));
      if (reader.peek() !== ',') break;
      reader.at++;
      reader.space();
    }
    if (languages.length > 0) return languages;
  }
  return undefined;
}

function unstructured(header: Header, name: string): Buffer | undefined {
  const field = header.get(name);
  return field && unfoldedOctets(fieldText(field));
}
