import type { ByteStream } from '#lib/bytes/source';

/** The octets of a view. Nothing is opened before a stream is read. */
export interface ViewContent {
  /** The octets `start` up to but not including `end`, with CRLF. */
  read(start: number, end: number): ByteStream;
}
