import { type Part, parseStructure, StructureParser } from '#lib/mime/structure';
import { bodyStructureOf, isMultipart } from './bodystructure.js';
import { encodingOf } from './encoding.js';
import { envelopeOf } from './envelope.js';
import { VIEW_LIMITS } from './limits.js';
import { listedFields } from './listed.js';
import { LineEndConverter } from './lineends.js';
import { previewOf } from './preview.js';
import type { PartRecord, ViewRecord } from './record.js';
import { envelopeText, structureText } from './text.js';

/**
 * Takes the octets of a payload, without the fields that are not shown, in chunks of any length, and makes the view and its record of them. Holds
 * what lib/mime holds, and a first piece for the preview: no body.
 */
export class ViewBuilder {
  readonly #lineEnds = new LineEndConverter();
  readonly #structure = new StructureParser();
  /** The first octets of the view, of which the preview is made. */
  #beginning: Buffer[] = [];
  #size = 0;
  #hasNul = false;

  /** Gives the chunk back with CRLF: itself, where it has no bare line feed. Nothing is held back. */
  push(chunk: Buffer): Buffer {
    const view = this.#lineEnds.push(chunk);
    this.#structure.push(view);
    if (this.#size < VIEW_LIMITS.previewOctets)
      this.#beginning.push(Buffer.from(view.subarray(0, VIEW_LIMITS.previewOctets - this.#size)));
    this.#size += view.length;
    this.#hasNul ||= view.includes(0);
    return view;
  }

  /** The message is over. To be called once. */
  end(): ViewRecord {
    const root = this.#structure.end();
    const header = root.header.raw;
    const isHeld = header.length <= VIEW_LIMITS.headerOctets;
    const listed = isHeld ? undefined : listedFields(header);
    return {
      size: this.#size,
      envelope: envelopeText(envelopeOf(root.header)),
      bodyStructure: structureText(bodyStructureOf(root)),
      preview: this.#preview(root),
      header: isHeld ? header : undefined,
      listed: listed !== undefined && listed.length <= VIEW_LIMITS.headerOctets ? listed : undefined,
      hasNul: this.#hasNul,
      root: partRecord(root),
      lineEnds: this.#lineEnds.end(),
    };
  }

  #preview(root: Part): Buffer {
    const beginning = Buffer.concat(this.#beginning);
    return previewOf(this.#size > beginning.length ? parseStructure(beginning) : root, beginning);
  }
}

function partRecord(part: Part): PartRecord {
  const { start, bodyStart, end, parts, message } = part;
  const encoding = encodingOf(part.header);
  const place = { start, bodyStart, end, encoding };
  if (message !== undefined) return { kind: 'message', ...place, parts: [partRecord(message)] };
  return { kind: isMultipart(part) ? 'multipart' : 'leaf', ...place, parts: parts.map(partRecord) };
}
