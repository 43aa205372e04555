/**
 * Stretching what a person can type. Argon2id (RFC 9106) runs on libuv's threads and takes 64 MiB each time, so that only a few
 * run at once, and not without end many wait.
 */
import type { Secret } from '#lib/keys/secret';
import { VaultError } from './error.js';
import { LIMITS } from './limits.js';

/** The cost of Argon2id: KiB of memory, passes, lanes. */
export interface Argon2Cost {
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
}

/** RFC 9106 §4, second recommended setting: 64 MiB, three passes, four lanes. */
export const STANDARD_COST: Argon2Cost = { memory: 64 * 1024, passes: 3, lanes: 4 };

/** Octets. */
export const SALT_SIZE = 16;
const OUTPUT_SIZE = 32;

const state = { running: 0 };
const waiting: (() => void)[] = [];

/**
 * Whether a file may ask for this: at least the standard, which every vault is made with, and not so much that a forged file could
 * take the machine down.
 */
export function isAcceptedCost({ memory, passes, lanes }: Argon2Cost): boolean {
  return (
    memory >= STANDARD_COST.memory &&
    memory <= LIMITS.argon2Memory &&
    passes >= STANDARD_COST.passes &&
    passes <= LIMITS.argon2Passes &&
    lanes >= 1 &&
    lanes <= LIMITS.argon2Lanes
  );
}

/**
 * 32 octets from a password and a salt. The text is taken in Unicode's composed form (RFC 8265 §4.2.2), so that it is one password
 * whatever keyboard it comes from. Rejects with VaultError `busy` where too many wait already, and `limit` for a cost that is
 * not accepted.
 */
export async function stretch(secret: Secret, salt: Uint8Array, cost: Argon2Cost): Promise<Buffer> {
  if (!isAcceptedCost(cost)) {
    throw new VaultError(
      'limit',
      'The vault asks for another cost of Argon2 than we accept; restore it from a backup.',
    );
  }
  const text = Buffer.from(secret.reveal().normalize('NFC'), 'utf8');
  await takeTurn();
  try {
    const { hashRaw } = await import('@node-rs/argon2');
    // The package's defaults are Argon2id and version 0x13; its enums cannot be named by a compiler that sees one file at a time.
    return await hashRaw(text, {
      salt,
      memoryCost: cost.memory,
      timeCost: cost.passes,
      parallelism: cost.lanes,
      outputLen: OUTPUT_SIZE,
    });
  } finally {
    text.fill(0);
    giveTurn();
  }
}

/** How many run and wait just now, for tests and metrics. */
export function argon2Load(): { readonly running: number; readonly waiting: number } {
  return { running: state.running, waiting: waiting.length };
}

async function takeTurn(): Promise<void> {
  if (state.running < LIMITS.argon2Running) {
    state.running += 1;
    return;
  }
  if (waiting.length >= LIMITS.argon2Waiting) {
    throw new VaultError('busy', 'Too many passwords are being checked at once. Try again in a minute.');
  }
  // Who gives the turn leaves it counted as running.
  await new Promise<void>((resolve) => waiting.push(resolve));
}

function giveTurn(): void {
  const next = waiting.shift();
  if (next === undefined) state.running -= 1;
  else next();
}
