import type { Header } from '#lib/mime/header';
import { parseContentTransferEncoding } from '#lib/mime/contenttype';
import { type Part, StructureParser } from '#lib/mime/structure';
import { bodyStructureOf, isMultipart } from './bodystructure.js';
import { envelopeOf } from './envelope.js';
import { VIEW_LIMITS } from './limits.js';
import { LineEndConverter } from './lineends.js';
import type { PartRecord, TransferEncoding, ViewRecord } from './record.js';
import { envelopeText, structureText } from './text.js';

/**
 * Takes the octets of a payload, without the fields that are not shown, in chunks of any length, and makes the view and its record of them. Holds
 * what lib/mime holds, and a first piece for the preview: no body.
 */
export class ViewBuilder {
  readonly #lineEnds = new LineEndConverter();
  readonly #structure = new StructureParser();
  #size = 0;
  #hasNul = false;

  /** Gives the chunk back with CRLF: itself, where it has no bare line feed. Nothing is held back. */
  push(chunk: Buffer): Buffer {
    const view = this.#lineEnds.push(chunk);
    this.#structure.push(view);
    this.#size += view.length;
    this.#hasNul ||= view.includes(0);
    return view;
  }

  /** The message is over. To be called once. */
  end(): ViewRecord {
    const root = this.#structure.end();
    const header = root.header.raw;
    return {
      size: this.#size,
      envelope: envelopeText(envelopeOf(root.header)),
      bodyStructure: structureText(bodyStructureOf(root)),
      preview: undefined,
      header: header.length <= VIEW_LIMITS.headerOctets ? header : undefined,
      hasNul: this.#hasNul,
      root: partRecord(root),
      lineEnds: this.#lineEnds.end(),
    };
  }
}

function partRecord(part: Part): PartRecord {
  const { start, bodyStart, end, parts, message } = part;
  const encoding = encodingOf(part.header);
  const place = { start, bodyStart, end, encoding };
  if (message !== undefined) return { kind: 'message', ...place, parts: [partRecord(message)] };
  return { kind: isMultipart(part) ? 'multipart' : 'leaf', ...place, parts: parts.map(partRecord) };
}

function encodingOf(header: Header): TransferEncoding {
  const field = header.unfolded('Content-Transfer-Encoding');
  if (field === undefined) return 'identity';
  const encoding = parseContentTransferEncoding(field);
  if (encoding === '7bit' || encoding === '8bit' || encoding === 'binary') return 'identity';
  return encoding === 'base64' || encoding === 'quoted-printable' ? encoding : 'unknown';
}
