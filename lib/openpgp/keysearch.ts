import { setImmediate } from 'node:timers/promises';
import { OpenPGPError } from './error.js';
import type { AnySecretKeyPacket, PrivateKey } from './library.js';
import type { Limits } from './limits.js';
import type { Offload } from './offload.js';
import { type EncryptedSessionKey, type SessionKey, openSessionKey } from './sessionkey.js';

/**
 * Finds the session key: first the packets that name one of our keys, then those that hide their recipient. `cipher` as in
 * `openSessionKey`. Throws OpenPGPError `no-key` where none is for us; otherwise what the last attempt ended in.
 */
export async function findSessionKey(
  encrypted: readonly EncryptedSessionKey[],
  keys: readonly PrivateKey[],
  cipher: number | undefined,
  limits: Limits,
  offload: Offload,
): Promise<SessionKey> {
  const ours = keys.flatMap(keyPackets);
  // Version 3 goes with SEIPDv1, version 6 with SEIPDv2; others do not count (RFC 9580 §10.3.2.1).
  const version = cipher === undefined ? 3 : 6;
  const fitting = encrypted.filter((packet) => packet.version === version);
  let failure: Error | undefined;
  let attempts = 0;
  const attempt = async (packet: EncryptedSessionKey, key: AnySecretKeyPacket, padding: 'lenient' | 'strict') => {
    if (++attempts > limits.keyAttempts) {
      throw new OpenPGPError('limit', `More than ${limits.keyAttempts} session keys would have to be tried.`);
    }
    // Each may take milliseconds.
    if (attempts > 1) await setImmediate();
    return openSessionKey(packet, key, cipher, offload, padding);
  };
  for (const packet of fitting) {
    if (packet.keyID === '') continue;
    for (const { keyID, key } of ours) {
      if (keyID !== packet.keyID) continue;
      try {
        return await attempt(packet, key, 'lenient');
      } catch (error) {
        if (error instanceof OpenPGPError && error.code === 'limit') throw error;
        failure = error as Error;
      }
    }
  }
  for (const packet of fitting) {
    if (packet.keyID !== '') continue;
    for (const { key } of ours) {
      if ((key.algorithm as number) !== packet.algorithm || !key.isDecrypted()) continue;
      try {
        return await attempt(packet, key, 'strict');
      } catch (error) {
        // Not for this key, which is what one expects; anything else than that is told.
        if (!(error instanceof OpenPGPError) || error.code === 'limit') throw error;
      }
    }
  }
  if (failure !== undefined) throw failure;
  throw new OpenPGPError('no-key', `None of the private keys at hand opens the message. ${recipientsOf(encrypted)}`);
}

function recipientsOf(encrypted: readonly EncryptedSessionKey[]): string {
  const shown = 10;
  if (encrypted.length === 0) return 'It is encrypted for a password only.';
  const names = encrypted.slice(0, shown).map(({ keyID }) => (keyID === '' ? 'a hidden recipient' : keyID));
  const more = encrypted.length > shown ? ` and ${encrypted.length - shown} more` : '';
  return `It is encrypted to ${names.join(', ')}${more}.`;
}

interface OwnKey {
  readonly keyID: string;
  readonly key: AnySecretKeyPacket;
}

const packetsOf = new WeakMap<PrivateKey, readonly OwnKey[]>();

/** The subkeys and the primary key, subkeys first: they are what one encrypts to. */
function keyPackets(privateKey: PrivateKey): readonly OwnKey[] {
  let packets = packetsOf.get(privateKey);
  if (packets === undefined) {
    packets = [...privateKey.subkeys.map(({ keyPacket }) => keyPacket), privateKey.keyPacket]
      .map((key) => key as AnySecretKeyPacket)
      .filter((key) => !key.isDummy())
      .map((key) => ({ keyID: key.getKeyID().toHex().toUpperCase(), key }));
    packetsOf.set(privateKey, packets);
  }
  return packets;
}
