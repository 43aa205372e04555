import assert from 'node:assert/strict';
import { type Command, readCommand, writeCommand } from '#imap/wire/command';
import { command, outcome, spelled } from './octets.js';

/** A command, which is written as it was spelled, and means the same when written anew. */
export function read(text: string): Command {
  const value = readCommand(command(`${text}\r\n`));
  assert.equal(spelled(writeCommand(value)), `${text}\r\n`);
  const anew = spelled(writeCommand({ ...value }));
  assert.deepEqual(readCommand(command(anew)), value, anew);
  return value;
}

/** Commands that are malformed. */
export function refused(...texts: readonly string[]): void {
  for (const text of texts)
    assert.equal(
      outcome(() => readCommand(command(`${text}\r\n`))),
      'syntax',
      text,
    );
}
