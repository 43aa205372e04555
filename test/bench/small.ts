/**
 * Messages of 10 KB, one after another in one process. The rates are for a second of processor time, all threads of the process
 * counted: what one core does when nothing else wants it.
 */
import { gather, memorySource } from '#lib/bytes/source';
import { openMessage } from '#lib/openpgp/open';
import type { PrivateKey } from '#lib/openpgp/library';
import { type SealOptions, createSealer } from '#lib/openpgp/seal';
import { openpgp } from '#test/openpgpjs';
import { loadKey } from '#test/vectors/catalogue';
import { payloadOf } from '#test/vectors/payload';
import { keyFor, sealOptions } from './material.js';
import { type Result, atLeast, median, told } from './measure.js';

const PAYLOAD = payloadOf('mail', 10_000);
const ROUNDS = 7;
const WARM_UP = 20;

export async function small(): Promise<Result[]> {
  const x25519 = await keyFor('ocb');
  const legacy = await keyFor('v1');
  const rsa = await loadKey('gpg-rsa3072');
  const toX25519 = await sealOptions(x25519, 'ocb');
  const toLegacy = await sealOptions(legacy, 'v1');
  const toRSA = await sealOptions(rsa, 'v1');
  return [
    atLeast('opening 10 KB, X25519, SEIPDv2', await rate(300, await opener(x25519, toX25519)), 5000, '/s'),
    atLeast('opening 10 KB, Curve25519 of GnuPG, SEIPDv1', await rate(300, await opener(legacy, toLegacy)), 5000, '/s'),
    atLeast('sealing 10 KB, X25519, SEIPDv2', await rate(300, () => seal(toX25519)), 3000, '/s'),
    atLeast('sealing 10 KB, Curve25519 of GnuPG, SEIPDv1', await rate(300, () => seal(toLegacy)), 3000, '/s'),
    atLeast('opening 10 KB, RSA-3072, SEIPDv1', await rate(40, await opener(rsa, toRSA)), 400, '/s'),
    told('opening 10 KB, X25519, package openpgp', await rate(200, await packageOpener(x25519, toX25519), 1), '/s'),
    told('opening 10 KB, RSA-3072, package openpgp', await rate(10, await packageOpener(rsa, toRSA), 1), '/s'),
  ];
}

/** How often `run` is done in a second of processor time: the median of several rounds of `times`. */
async function rate(times: number, run: () => Promise<unknown>, warmUp = WARM_UP): Promise<number> {
  const rounds: number[] = [];
  // The optimiser is done with everything after some thousand messages, and its threads count as ours.
  for (let i = 0; i < warmUp * times; i++) await run();
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) await run();
    const { user, system } = process.cpuUsage(before);
    rounds.push((times * 1e6) / (user + system));
  }
  return median(rounds);
}

async function seal(options: SealOptions): Promise<Buffer> {
  const sealer = await createSealer(options, PAYLOAD.length);
  return gather(sealer.seal(memorySource(PAYLOAD).stream()));
}

async function opener(key: PrivateKey, options: SealOptions): Promise<() => Promise<void>> {
  const message = await seal(options);
  return async () => {
    const opened = await openMessage(memorySource(message).stream(), { keys: [key] });
    const payload = await gather(opened.payload);
    if (payload.length !== PAYLOAD.length) throw new Error('The payload is not whole.');
  };
}

async function packageOpener(key: PrivateKey, options: SealOptions): Promise<() => Promise<void>> {
  const armoredMessage = (await seal(options)).toString('latin1');
  return async () => {
    const message = await openpgp.readMessage({ armoredMessage });
    await openpgp.decrypt({ message, decryptionKeys: key, format: 'binary' });
  };
}
