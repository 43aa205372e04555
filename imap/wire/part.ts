import { WireError } from './error.js';
import type { Fragment, LiteralMark } from './framer.js';
import { LIMITS } from './limits.js';

/** A literal, between the line whose end announces it and the line that goes on behind it. */
export interface Literal extends LiteralMark {
  /** Missing where the literal is streamed elsewhere, and only its place is known. */
  readonly bytes?: Buffer | undefined;
}

/**
 * A command or response, or a piece of one, is a list of parts: lines and literals by turns. A line holds its octets as they
 * came, literal mark and line end included, so that the octets of all parts, one after another, are what was sent.
 */
export type Part = Buffer | Literal;

export interface GatherLimits {
  /** Octets, all lines and literals that are held together. */
  readonly octets: number;
  /** Literals, held or not. */
  readonly literals: number;
}

const GATHER_LIMITS: GatherLimits = { octets: LIMITS.gatheredOctets, literals: LIMITS.gatheredLiterals };

/** Whether a part is a literal. */
export function isLiteral(part: Part | undefined): part is Literal {
  return part !== undefined && !Buffer.isBuffer(part);
}

/** Pieces as one. A single one, the usual case, is not copied. */
export function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

/** The octets of parts. Throws WireError (`unwritable`) where a literal is not at hand. */
export function joinParts(parts: readonly Part[]): Buffer {
  return Buffer.concat(parts.map((part) => (isLiteral(part) ? literalBytes(part) : part)));
}

/** The octets of a literal. Throws WireError (`unwritable`) where it is streamed elsewhere. */
export function literalBytes(literal: Literal): Buffer {
  if (literal.bytes === undefined) throw new WireError('unwritable', 'The octets of a literal are not at hand.');
  return literal.bytes;
}

/**
 * Makes parts of the fragments of one command or response. A literal is held if its fragments are pushed. If they are not,
 * because it is streamed elsewhere, its part has no bytes.
 */
export class Gatherer {
  readonly #limits: GatherLimits;
  #parts: Part[] = [];
  /** The pieces of a line or literal that has not ended. */
  #pieces: Buffer[] = [];
  #octets = 0;
  #literals = 0;

  constructor(limits: Partial<GatherLimits> = {}) {
    this.#limits = { ...GATHER_LIMITS, ...limits };
  }

  /** What has come so far: whole lines, and after a line that announces a literal that literal, without bytes until it has ended. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  /** Whether a literal can be held. Ask before the client is told to send it. */
  takes(literal: LiteralMark): boolean {
    return this.#octets + literal.size <= this.#limits.octets;
  }

  /** Takes the next fragment. Returns all parts when the last has come. Throws WireError (`limit`). */
  push(fragment: Fragment): readonly Part[] | undefined {
    if (fragment.kind === 'overlong') throw new WireError('limit', 'A line is too long.');
    this.#octets += fragment.bytes.length;
    if (this.#octets > this.#limits.octets) {
      throw new WireError('limit', `There are more than ${this.#limits.octets} octets.`);
    }
    this.#pieces.push(fragment.bytes);
    if (fragment.kind === 'literal') {
      const literal = this.#parts.at(-1);
      if (fragment.last && isLiteral(literal))
        this.#parts[this.#parts.length - 1] = { ...literal, bytes: this.#take() };
      return undefined;
    }
    if (fragment.lineEnd === 0) return undefined;
    this.#parts.push(this.#take());
    if (fragment.literal !== undefined) {
      this.#literals += 1;
      if (this.#literals > this.#limits.literals) {
        throw new WireError('limit', `There are more than ${this.#limits.literals} literals.`);
      }
      this.#parts.push(fragment.literal);
    }
    return fragment.last ? this.#parts : undefined;
  }

  #take(): Buffer {
    const pieces = this.#pieces;
    this.#pieces = [];
    return joined(pieces);
  }
}

/** Makes parts of the fragments of one command or response, all literals held. Throws WireError. */
export function gather(fragments: Iterable<Fragment>, limits: Partial<GatherLimits> = {}): readonly Part[] {
  const gatherer = new Gatherer(limits);
  for (const fragment of fragments) {
    const parts = gatherer.push(fragment);
    if (parts !== undefined) return parts;
  }
  throw new WireError('syntax', 'The end is missing.');
}
