import { type BodyStructure, writeBodyStructure } from '#imap/wire/bodystructure';
import { type Envelope, writeEnvelope } from '#imap/wire/envelope';
import { joinParts, type Part } from '#imap/wire/part';
import { Writer } from '#imap/wire/writer';

const LF = 10;
const CR = 13;

/** The value of ENVELOPE as it is sent. */
export function envelopeText(envelope: Envelope): Buffer {
  const writer = new Writer();
  writeEnvelope(writer, envelope);
  return joinParts(writer.parts);
}

/** The value of BODY or BODYSTRUCTURE as it is sent. */
export function structureText(body: BodyStructure): Buffer {
  const writer = new Writer();
  writeBodyStructure(writer, body);
  return joinParts(writer.parts);
}

/** A value and what stands before it, as lines and literals. Undefined where it is none: there is nothing in it but what a writer makes. */
export function partsOf(value: Buffer): readonly Part[] | undefined {
  const parts: Part[] = [];
  let from = 0;
  for (;;) {
    const lineEnd = value.indexOf(CR, from);
    if (lineEnd < 0) return [...parts, value.subarray(from)];
    const mark = /\{(\d{1,10})\}$/.exec(value.toString('latin1', Math.max(from, lineEnd - 12), lineEnd));
    const start = lineEnd + 2;
    const size = Number(mark?.[1] ?? NaN);
    if (value[lineEnd + 1] !== LF || !(start + size <= value.length)) return undefined;
    const bytes = value.subarray(start, start + size);
    parts.push(value.subarray(from, start), { size, nonSynchronizing: false, binary: false, bytes });
    from = start + size;
  }
}
