import type { BodyParameter, BodyStructure, MultipartBody, SinglePartBody } from '#imap/wire/bodystructure';
import { Header } from '#lib/mime/header';
import type { Part } from '#lib/mime/structure';
import { Allowance } from './allowance.js';
import { envelopeOf } from './envelope.js';
import { octetsOf } from './fieldvalue.js';
import { disposition, languages, spelledEncoding, spelledType, unstructured } from './mimefields.js';

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

const NO_HEADER = Header.parse(Buffer.alloc(0));

/** BODYSTRUCTURE of a message with CRLF only (RFC 9051 §7.5.2). */
export function bodyStructureOf(message: Part): BodyStructure {
  return new Describer().message(message);
}

/** Whether a part is shown as a multipart. One that goes over a limit is not looked into. */
export function isMultipart({ contentType, limit }: Part): boolean {
  return limit === undefined && contentType.type.startsWith('multipart/');
}

class Describer {
  /** For the whole text. */
  readonly #allowance = new Allowance();

  message(message: Part): BodyStructure {
    const { header } = message;
    // In what is no MIME message, fields of MIME mean nothing (RFC 2045 §4).
    const isMime = header.has('MIME-Version') || header.has('Content-Type');
    return this.#part(message, isMime ? header : NO_HEADER);
  }

  /** Of a part, with the header whose fields tell of it. */
  #part(part: Part, header: Header): BodyStructure {
    return isMultipart(part) ? this.#multipart(part, header) : this.#singlePart(part, header);
  }

  #multipart(part: Part, header: Header): MultipartBody {
    const parts = part.parts.map((child) => this.#part(child, child.header));
    const { subtype, parameters } = this.#type(part);
    return {
      kind: 'multipart',
      parts: parts.length === 0 ? [NO_PART] : parts,
      subtype,
      extension: { parameters, ...this.#extension(header) },
    };
  }

  #singlePart(part: Part, header: Header): SinglePartBody {
    const { message } = part;
    const { type, subtype, parameters } = this.#type(part);
    const isText = part.contentType.type.startsWith('text/');
    const hasCharset = parameters.some(({ name }) => name.toString('latin1').toLowerCase() === 'charset');
    return {
      kind: isText ? 'text' : message === undefined ? 'basic' : 'message',
      type,
      subtype,
      parameters: isText && !hasCharset ? [...parameters, US_ASCII] : parameters,
      id: unstructured(header, 'Content-ID'),
      description: unstructured(header, 'Content-Description'),
      encoding: spelledEncoding(header) ?? SEVEN_BIT,
      octets: part.end - part.bodyStart,
      lines: isText || message !== undefined ? part.lines : undefined,
      message: message && { envelope: envelopeOf(message.header, this.#allowance), body: this.message(message) },
      extension: { md5: unstructured(header, 'Content-MD5'), ...this.#extension(header) },
    };
  }

  /** As it is spelled where that can be read. */
  #type(part: Part): Pick<SinglePartBody, 'type' | 'subtype'> & { readonly parameters: readonly BodyParameter[] } {
    const [type = '', subtype = ''] = part.contentType.type.split('/');
    const spelled = spelledType(part.header, this.#allowance);
    const isRead = spelled?.type.toLowerCase() === type;
    const parameters = isRead ? spelled.parameters : [];
    // What cannot be looked into is shown as something that can be saved: readers want to know what is in a container.
    if (isClosed(part)) return { type: APPLICATION, subtype: OCTET_STREAM, parameters };
    if (!isRead || part.message !== undefined) return { type: octetsOf(type), subtype: octetsOf(subtype), parameters };
    return { type: octetsOf(spelled.type), subtype: octetsOf(spelled.subtype), parameters };
  }

  #extension(header: Header): Omit<NonNullable<MultipartBody['extension']>, 'parameters'> {
    return {
      disposition: disposition(header, this.#allowance),
      language: languages(header, this.#allowance),
      location: unstructured(header, 'Content-Location'),
      others: [],
    };
  }
}

/** A container that has not been looked into: because of a limit, or because what is in it is encoded. */
function isClosed(part: Part): boolean {
  const { type } = part.contentType;
  if (type.startsWith('multipart/')) return !isMultipart(part);
  return (type === 'message/rfc822' || type === 'message/global') && part.message === undefined;
}
