/** Messages with odd PKESK packets. */
import type { OpenPGPErrorCode } from '#lib/openpgp/error';
import { OWN, OWN_V6, RSA, KEY, MAIL, OCTET, bad, fine } from './handmade.js';
import type { Made } from './makepeers.js';
import { seededBytes } from './payload.js';
import {
  type TestSubkey,
  Aead,
  Tag,
  checkedSessionKey,
  literal,
  packet,
  pkcs1,
  pkeskHead,
  pkeskRSA,
  pkeskX25519,
  seipd1Body,
  seipd2Body,
  seipd2Parts,
  testSessionKey,
} from './writer.js';

export function makeSessionKeys(own: TestSubkey, ownV6: TestSubkey, rsa: TestSubkey): Made[] {
  const content = literal(MAIL);
  const seipd1 = packet(Tag.seipd, seipd1Body(KEY, content));
  const seipd2 = packet(Tag.seipd, seipd2Body(seipd2Parts(KEY, content, Aead.ocb, OCTET)));
  const x25519 = (fields: Buffer): Buffer =>
    packet(
      Tag.pkesk,
      Buffer.concat([pkeskHead(3, own), Buffer.of(25), seededBytes('ephemeral', 32), Buffer.of(fields.length), fields]),
    );
  const withRSA = (name: string, error: OpenPGPErrorCode, block: (size: number) => Buffer): Made =>
    bad(name, error, Buffer.concat([pkeskRSA(rsa, KEY, block), seipd1]), { keys: [RSA] });
  const changed = (change: (block: Buffer) => unknown) => (size: number) => {
    const block = pkcs1(checkedSessionKey(KEY), size);
    change(block);
    return block;
  };
  const own6 = pkeskX25519(6, own, KEY);
  const own3 = pkeskX25519(3, own, KEY);
  const small: Buffer = Buffer.concat([Buffer.of(9), seededBytes('garbage', 40)]);
  return [
    fine('session-key-v6', Buffer.concat([pkeskX25519(6, ownV6, KEY), seipd2]), { seipd: 2 }, [OWN_V6]),
    fine('session-key-v3-for-v6-key', Buffer.concat([pkeskX25519(3, ownV6, KEY), seipd1]), {}, [OWN_V6]),
    fine('session-key-hidden-v3', Buffer.concat([pkeskX25519(3, own, KEY, true), seipd1]), {}, [OWN_V6, OWN]),
    fine('session-key-hidden-v6', Buffer.concat([pkeskX25519(6, own, KEY, true), seipd2]), { seipd: 2 }, [OWN_V6, OWN]),
    fine('session-key-rsa', Buffer.concat([pkeskRSA(rsa, KEY), seipd1]), {}, [RSA]),
    fine('session-key-aes128', shortKey(own, 7)),
    fine('session-key-aes192', shortKey(own, 8)),
    // One that cannot be opened, and one that can, for the same subkey.
    fine('session-key-second-try', Buffer.concat([x25519(small), own3, seipd1])),
    // RFC 9580 §10.3.2.1: a PKESK whose version does not fit the SEIPD's is discarded.
    bad('session-key-v6-for-seipd1', 'no-key', Buffer.concat([own6, seipd1])),
    bad('session-key-v3-for-seipd2', 'no-key', Buffer.concat([own3, seipd2])),
    fine('session-key-mixed-versions', Buffer.concat([own6, own3, seipd1])),
    fine('session-key-mixed-versions-2', Buffer.concat([own3, own6, seipd2]), { seipd: 2 }),
    bad('session-key-none', 'no-key', seipd1),
    bad('session-key-of-stranger', 'no-key', Buffer.concat([pkeskX25519(3, ownV6, KEY), seipd1])),
    bad('session-key-unknown-version', 'no-key', Buffer.concat([packet(Tag.pkesk, Buffer.of(9, 1, 2, 3)), seipd1])),
    bad('session-key-unknown-algorithm', 'session-key', Buffer.concat([unknownAlgorithm(own), seipd1])),
    bad('session-key-garbage', 'session-key', Buffer.concat([x25519(small), seipd1])),
    bad('session-key-wrapped-empty', 'session-key', Buffer.concat([x25519(Buffer.of(9)), seipd1])),
    bad('session-key-cut', 'session-key', Buffer.concat([packet(Tag.pkesk, own3.subarray(2, 40)), seipd1])),
    bad('session-key-too-short', 'session-key', wrongSize(own, seipd1, 24)),
    bad('session-key-too-long', 'session-key', wrongSize(own, seipd1, 40)),
    bad('session-key-low-order', 'session-key', Buffer.concat([lowOrder(own), seipd1])),
    // The answers to wrong RSA padding are alike, so that nobody learns anything from them (Bleichenbacher).
    withRSA(
      'session-key-rsa-padding',
      'mdc-missing',
      changed((block) => block.writeUInt8(1, 1)),
    ),
    withRSA(
      'session-key-rsa-first-octet',
      'mdc-missing',
      changed((block) => block.writeUInt8(1, 0)),
    ),
    withRSA(
      'session-key-rsa-checksum',
      'mdc-missing',
      changed((block) => block.writeUInt8(block.readUInt8(block.length - 1) ^ 1, block.length - 1)),
    ),
    withRSA(
      'session-key-rsa-no-separator',
      'mdc-missing',
      changed((block) => block.fill(1, 2)),
    ),
    withRSA(
      'session-key-rsa-short-filler',
      'mdc-missing',
      changed((block) => block.writeUInt8(0, 5)),
    ),
    withRSA('session-key-rsa-short-key', 'mdc-missing', (size) =>
      pkcs1(checkedSessionKey(testSessionKey('short', 7)).fill(9, 0, 1), size),
    ),
  ];
}

function shortKey(own: TestSubkey, algorithm: 7 | 8): Buffer {
  const key = testSessionKey('short', algorithm);
  return Buffer.concat([pkeskX25519(3, own, key), packet(Tag.seipd, seipd1Body(key, literal(MAIL)))]);
}

/** A session key that says AES-256 and has another size. */
function wrongSize(own: TestSubkey, seipd: Buffer, size: number): Buffer {
  return Buffer.concat([pkeskX25519(3, own, { algorithm: 9, key: seededBytes('wrong size', size) }), seipd]);
}

function unknownAlgorithm(own: TestSubkey): Buffer {
  return packet(Tag.pkesk, Buffer.concat([pkeskHead(3, own), Buffer.of(99), seededBytes('unknown', 50)]));
}

/** An ephemeral point of low order, which makes the shared secret zero (RFC 7748 §6.1). */
function lowOrder(own: TestSubkey): Buffer {
  const fields = Buffer.concat([Buffer.of(9), seededBytes('wrapped', 40)]);
  const body = [pkeskHead(3, own), Buffer.of(25), Buffer.alloc(32), Buffer.of(fields.length), fields];
  return packet(Tag.pkesk, Buffer.concat(body));
}
