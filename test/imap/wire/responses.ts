import assert from 'node:assert/strict';
import { readResponse, type Response, writeResponse } from '#imap/wire/response';
import { response, spelled } from './octets.js';

/** A response, which is written as it was spelled, and means the same when written anew. */
export function read(text: string): Response {
  const value = readResponse(response(`${text}\r\n`));
  assert.equal(spelled(writeResponse(value)), `${text}\r\n`);
  const anew = spelled(writeResponse({ ...value }));
  assert.deepEqual(readResponse(response(anew)), value, anew);
  return value;
}
