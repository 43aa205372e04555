/**
 * The package openpgp whole, as a peer of lib/openpgp. It is the very instance that lib/openpgp/library.ts loads, so that keys
 * can go back and forth.
 */
import { createRequire } from 'node:module';
import type * as OpenPGP from 'openpgp';

export const openpgp = createRequire(import.meta.url)('openpgp') as typeof OpenPGP;
export type { PartialConfig } from 'openpgp';
