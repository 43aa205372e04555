import type { LineEnds } from './lineends.js';

/**
 * What is known of a message's plaintext view when the view itself is not at hand: all that a listing asks for, and where its
 * parts are. All offsets are octets of the view with CRLF.
 */
export interface ViewRecord {
  /** RFC822.SIZE. */
  readonly size: number;
  /** The value of ENVELOPE as it is sent, literals with their marks inside. */
  readonly envelope: Buffer;
  /** The value of BODYSTRUCTURE as it is sent. That of BODY is a part of it: see `bodyText`. */
  readonly bodyStructure: Buffer;
  /** PREVIEW (RFC 8970), in UTF-8; of no length where there is no text near the beginning. */
  readonly preview: Buffer;
  /** The root header with its blank line, where it has at most `VIEW_LIMITS.headerOctets`. */
  readonly header: Buffer | undefined;
  /** Where that is not known: the fields of it that mail programs list messages by, if they have at most as many octets. */
  readonly listed: Buffer | undefined;
  /** Whether there is NUL in the view. */
  readonly hasNul: boolean;
  readonly root: PartRecord;
  /** Where the payload had bare line feeds, so that its offsets are others. Undefined where it had none. */
  readonly lineEnds: LineEnds | undefined;
}

/** A part: where it is, and what is to be known of it to answer for one of its sections. */
export interface PartRecord {
  /** `multipart` where Content-Type says so, `message` where its body is a message that has been looked into. */
  readonly kind: 'leaf' | 'multipart' | 'message';
  /** Of its header. */
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
  /** Of Content-Transfer-Encoding; `unknown` where that is none that can be undone. */
  readonly encoding: TransferEncoding;
  /** Of a multipart; may be none. Of a message: the one that it is. */
  readonly parts: readonly PartRecord[];
}

export type TransferEncoding = 'identity' | 'base64' | 'quoted-printable' | 'unknown';
