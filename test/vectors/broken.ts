/**
 * Messages made by hand: what must be refused, with the error and with the most that may come out before it, and what looks
 * strange and must open all the same. Every octet follows from seeds and from the keys in test/vectors/keys, so a run gives the
 * same files each time.
 */
import { makeArmor } from './armor.js';
import { makeCompressed, makeContent } from './content.js';
import { makeFraming } from './framing.js';
import { makeSessionKeys } from './sessionkeys.js';
import { loadSubkey } from './catalogue.js';
import {
  OWN,
  OWN_V6,
  RSA,
  KEY,
  MAIL,
  OCTET,
  CHUNK,
  LITERAL_HEAD,
  bad,
  fine,
  v1,
  v2,
  v2Packet,
  flipped,
} from './handmade.js';
import type { Made } from './makepeers.js';
import { payloadOf, seededBytes } from './payload.js';
import {
  type Seipd2Parts,
  type TestSubkey,
  Aead,
  Tag,
  cfb,
  compressed,
  literal,
  mdc,
  packet,
  partialPacket,
  pkeskX25519,
  seipd1Body,
  seipd2Parts,
} from './writer.js';

export async function makeBroken(): Promise<Made[]> {
  const own = await loadSubkey(OWN);
  const ownV6 = await loadSubkey(OWN_V6);
  const rsa = await loadSubkey(RSA);
  return [
    ...makeSeipd1(own),
    ...makeSeipd2(own),
    ...makeTruncated(own),
    ...makeContent(own),
    ...makeCompressed(own),
    ...makeFraming(own),
    ...makeSessionKeys(own, ownV6, rsa),
    ...makeArmor(own),
  ];
}

function makeSeipd1(own: TestSubkey): Made[] {
  const content = literal(MAIL);
  const right = v1(own, content);
  const sed = packet(Tag.sed, cfb(KEY, content));
  return [
    fine('seipd1-plain', right),
    bad('seipd1-mdc-wrong', 'mdc-mismatch', flipped(right, -1)),
    bad('seipd1-mdc-of-other', 'mdc-mismatch', v1(own, content, mdc(Buffer.from('other')))),
    bad('seipd1-payload-changed', 'mdc-mismatch', flipped(right, -700)),
    bad('seipd1-mdc-missing', 'mdc-missing', v1(own, content, Buffer.alloc(0))),
    bad('seipd1-mdc-header-changed', 'mdc-missing', flipped(right, -22)),
    bad('seipd1-shorter-than-mdc', 'truncated', v1(own, Buffer.alloc(0), Buffer.of(0xd3, 0x14))),
    bad('seipd1-empty', 'malformed', v1(own, Buffer.alloc(0))),
    bad('sed', 'no-integrity', Buffer.concat([pkeskX25519(3, own, KEY), sed])),
    bad('sed-with-session-key', 'no-integrity', sed, { keys: [], sessionKey: KEY }),
    // What an attacker makes of SEIPDv1 to be rid of the MDC: the same ciphertext as a packet of type 9.
    bad(
      'sed-from-seipd1',
      'no-integrity',
      Buffer.concat([pkeskX25519(3, own, KEY), packet(Tag.sed, seipd1Body(KEY, content).subarray(1))]),
    ),
    bad('librepgp-aead', 'unsupported', librePGP(own)),
  ];
}

/** An encrypted packet of LibrePGP (type 20, OCB); RFC 9580 does not have it. */
function librePGP(own: TestSubkey): Buffer {
  const body = Buffer.concat([Buffer.of(1, 9, 2, OCTET), seededBytes('librepgp', 400)]);
  return Buffer.concat([pkeskX25519(3, own, KEY), packet(Tag.librePGPAEAD, body)]);
}

function makeSeipd2(own: TestSubkey): Made[] {
  const made: Made[] = [];
  const size = 4 * CHUNK + 1000;
  const content = literal(payloadOf('mail', size));
  const pkesk = pkeskX25519(6, own, KEY);
  /** Octets of the payload in the first `count` chunks. */
  const inChunks = (count: number): number => Math.min(size, Math.max(0, count * CHUNK - LITERAL_HEAD));
  for (const [mode, aead] of Object.entries(Aead)) {
    const parts = seipd2Parts(KEY, content, aead, OCTET);
    const { chunks } = parts;
    const [c0, c1, c2, c3, c4] = chunks as [Buffer, Buffer, Buffer, Buffer, Buffer];
    const add = (name: string, change: Partial<Seipd2Parts>, goodChunks: number) => {
      const message = Buffer.concat([pkesk, v2Packet({ ...parts, ...change })]);
      made.push(bad(`seipd2-${mode}-${name}`, 'tag-mismatch', message, { size, released: inChunks(goodChunks) }));
    };
    made.push(fine(`seipd2-${mode}-plain`, Buffer.concat([pkesk, v2Packet(parts)]), { size, seipd: 2 }));
    add('chunks-swapped', { chunks: [c0, c2, c1, c3, c4] }, 1);
    add('first-chunks-swapped', { chunks: [c1, c0, c2, c3, c4] }, 0);
    add('chunk-dropped', { chunks: [c0, c1, c3, c4] }, 2);
    add('last-chunk-dropped', { chunks: [c0, c1, c2, c3] }, 4);
    add('chunk-doubled', { chunks: [c0, c1, c1, c2, c3, c4] }, 2);
    add('tag-of-chunk-3', { chunks: [c0, c1, c2, flipped(c3, -1), c4] }, 3);
    add('octet-of-chunk-1', { chunks: [c0, flipped(c1, 0), c2, c3, c4] }, 1);
    add('octet-of-chunk-0', { chunks: [flipped(c0, 100), c1, c2, c3, c4] }, 0);
    add('final-tag-wrong', { finalTag: flipped(parts.finalTag, 0) }, 5);
    add('final-tag-missing', { finalTag: Buffer.alloc(0) }, 4);
    add('final-tag-short', { finalTag: parts.finalTag.subarray(0, 15) }, 4);
    add('salt-changed', { header: flipped(parts.header, -1) }, 0);
    add(
      'chunk-size-changed',
      { header: Buffer.concat([parts.header.subarray(0, 3), Buffer.of(7), parts.header.subarray(4)]) },
      0,
    );
  }
  const parts = seipd2Parts(KEY, content, Aead.gcm, OCTET);
  const withHeader = (at: number, value: number): Buffer => {
    const header = Buffer.from(parts.header);
    header.writeUInt8(value, at);
    return Buffer.concat([pkesk, v2Packet({ ...parts, header })]);
  };
  made.push(
    bad('seipd-version-3', 'unsupported', withHeader(0, 3), { size }),
    // The session key is one for AES-256.
    bad('seipd2-cipher-changed', 'session-key', withHeader(1, 7), { size }),
    bad('seipd2-cipher-unknown', 'unsupported', withHeader(1, 99), { size }),
    bad('seipd2-aead-unknown', 'unsupported', withHeader(2, 4), { size }),
    // RFC 9580 §5.13.2: an octet above 16 must be rejected.
    bad('seipd2-chunk-size-17', 'malformed', withHeader(3, 17), { size }),
    bad('seipd2-chunk-size-255', 'malformed', withHeader(3, 255), { size }),
    fine('seipd2-chunk-size-0', v2(own, literal(payloadOf('mail', 300)), 0), { size: 300, seipd: 2 }),
    fine('seipd2-chunk-size-16', v2(own, literal(MAIL), 16), { seipd: 2 }),
    fine('seipd2-whole-chunks', v2(own, literal(payloadOf('mail', 2 * CHUNK - LITERAL_HEAD))), {
      size: 2 * CHUNK - LITERAL_HEAD,
      seipd: 2,
    }),
    fine('seipd2-empty-payload', v2(own, literal(Buffer.alloc(0))), { size: 0, seipd: 2 }),
    bad('seipd2-no-content', 'malformed', v2(own, Buffer.alloc(0))),
    bad('seipd2-only-header', 'truncated', Buffer.concat([pkesk, packet(Tag.seipd, parts.header)]), { size }),
  );
  return made;
}

function makeTruncated(own: TestSubkey): Made[] {
  const made: Made[] = [];
  const message1 = v1(own, literal(MAIL));
  const head1 = pkeskX25519(3, own, KEY).length;
  for (const [name, size] of Object.entries({
    'in-pkesk-header': 1,
    'in-pkesk': 40,
    'after-pkesk': head1,
    'in-header': head1 + 2,
    'in-prefix': head1 + 12,
    'in-payload': head1 + 900,
    'before-mdc': message1.length - 22,
    'in-mdc': message1.length - 1,
  })) {
    made.push(bad(`seipd1-cut-${name}`, 'truncated', message1.subarray(0, size)));
  }
  const size = 3 * CHUNK + 500;
  const message2 = v2(own, literal(payloadOf('mail', size)));
  const head2 = pkeskX25519(6, own, KEY).length;
  // The packet's header, and version to salt in 36 octets.
  const start = head2 + 3 + 36;
  for (const [name, at, chunks] of [
    ['in-salt', head2 + 20, 0],
    ['in-first-chunk', start + 100, 0],
    ['after-first-chunk', start + CHUNK + 16, 1],
    ['in-second-chunk', start + CHUNK + 16 + 500, 1],
    ['in-last-chunk', message2.length - 200, 3],
    ['before-final-tag', message2.length - 16, 3],
    ['in-final-tag', message2.length - 1, 4],
  ] as const) {
    const released = chunks === 4 ? size : Math.max(0, chunks * CHUNK - LITERAL_HEAD);
    made.push(bad(`seipd2-cut-${name}`, 'truncated', message2.subarray(0, at), { size, released }));
  }
  made.push(bad('empty', 'armor', Buffer.alloc(0)));
  return made;
}

/** What is too large to be committed; the tests make it when they run. */
export async function makeLarge(): Promise<Made[]> {
  const own = await loadSubkey(OWN);
  const made: Made[] = [];
  const size = 3 * 1024 * 1024 + 77;
  const content = literal(payloadOf('mail', size));
  const right = v1(own, content);
  made.push(
    fine('large-seipd1', right, { size }),
    fine(
      'large-seipd1-partial',
      Buffer.concat([pkeskX25519(3, own, KEY), partialPacket(Tag.seipd, seipd1Body(KEY, content), [13, 16, 9])]),
      { size },
    ),
    fine('large-seipd1-zip', v1(own, compressed(1, content)), { size }),
    bad('large-seipd1-mdc-wrong', 'mdc-mismatch', flipped(right, -1), { size }),
    bad('large-seipd1-first-octet', 'mdc-mismatch', flipped(right, 400), { size }),
    bad('large-seipd1-cut', 'truncated', right.subarray(0, -1), { size }),
  );
  const pkesk = pkeskX25519(6, own, KEY);
  for (const [name, aead, octet] of [
    ['gcm-10', Aead.gcm, 10],
    ['ocb-12', Aead.ocb, 12],
    ['ocb-16', Aead.ocb, 16],
    ['gcm-16', Aead.gcm, 16],
  ] as const) {
    const parts = seipd2Parts(KEY, content, aead, octet);
    const chunkSize = 2 ** (octet + 6);
    const head = content.length - size;
    const { chunks } = parts;
    const inChunks = (count: number): number => (count === 0 ? 0 : Math.min(size, count * chunkSize - head));
    const damaged = (at: number): Buffer =>
      Buffer.concat([
        pkesk,
        v2Packet({ ...parts, chunks: chunks.map((chunk, i) => (i === at ? flipped(chunk, -1) : chunk)) }),
      ]);
    const last = chunks.length - 1;
    made.push(
      fine(`large-seipd2-${name}`, Buffer.concat([pkesk, v2Packet(parts)]), { size, seipd: 2 }),
      bad(`large-seipd2-${name}-first`, 'tag-mismatch', damaged(0), { size }),
      bad(`large-seipd2-${name}-last`, 'tag-mismatch', damaged(last), { size, released: inChunks(last) }),
      bad(`large-seipd2-${name}-end`, 'tag-mismatch', flipped(Buffer.concat([pkesk, v2Packet(parts)]), -1), {
        size,
        released: size,
      }),
    );
  }
  return made;
}
