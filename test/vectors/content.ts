/** Messages with something odd inside the encryption. */
import { deflateRawSync } from 'node:zlib';
import type { OpenPGPErrorCode } from '#lib/openpgp/error';
import { MAIL, bad, fine, v1, v2 } from './handmade.js';
import type { Made } from './makepeers.js';
import { payloadOf, seededBytes } from './payload.js';
import {
  type TestSubkey,
  Tag,
  compressed,
  literal,
  literalBody,
  mdc,
  oldPacket,
  packet,
  packetSaying,
  partialPacket,
} from './writer.js';

/** What lies inside the encryption. */
export function makeContent(own: TestSubkey): Made[] {
  const made: Made[] = [];
  const content = literal(MAIL);
  const marker = packet(Tag.marker, Buffer.from('PGP'));
  const padding = packet(Tag.padding, seededBytes('padding', 300));
  const inner = literalBody(MAIL);
  // In SEIPDv1 nothing comes out unless all is well; in SEIPDv2 the payload's chunks are good whatever follows them.
  const both = (name: string, error: OpenPGPErrorCode, plaintext: Buffer, released = 0): void => {
    made.push(bad(`seipd1-${name}`, error, v1(own, plaintext)));
    made.push(bad(`seipd2-${name}`, error, v2(own, plaintext), { released }));
  };
  const bothFine = (name: string, plaintext: Buffer, size = MAIL.length): void => {
    made.push(
      fine(`seipd1-${name}`, v1(own, plaintext), { size }),
      fine(`seipd2-${name}`, v2(own, plaintext), { size, seipd: 2 }),
    );
  };
  bothFine('padding-inside', Buffer.concat([content, padding]));
  bothFine('marker-inside', Buffer.concat([marker, content, marker]));
  bothFine('unknown-noncritical-inside', Buffer.concat([packet(60, Buffer.from('private')), content]));
  bothFine('literal-partial', partialPacket(Tag.literal, inner, [9, 10, 11]));
  bothFine(
    'literal-partial-empty-end',
    partialPacket(Tag.literal, literalBody(payloadOf('mail', 1530)), [10, 9]),
    1530,
  );
  bothFine('literal-old-format', oldPacket(Tag.literal, inner, 1));
  bothFine('literal-old-format-long', oldPacket(Tag.literal, inner, 2));
  bothFine('literal-named', packet(Tag.literal, literalBody(MAIL, 'u', '_CONSOLE')));
  both('unknown-critical-inside', 'unsupported', Buffer.concat([packet(38, Buffer.from('new')), content]));
  both('two-literals', 'trailing-data', Buffer.concat([content, content]), MAIL.length);
  both('trailing-octets-inside', 'trailing-data', Buffer.concat([content, Buffer.from('more')]), MAIL.length);
  both('literal-too-long', 'truncated', packetSaying(Tag.literal, inner.length + 100, inner), MAIL.length);
  both('literal-too-short', 'trailing-data', packetSaying(Tag.literal, inner.length - 100, inner), MAIL.length - 100);
  both('literal-headless', 'truncated', packet(Tag.literal, Buffer.from('b')));
  both('literal-name-too-long', 'truncated', packet(Tag.literal, Buffer.of(0x62, 200, 1, 2, 3)));
  both('literal-partial-short-first', 'malformed', partialPacket(Tag.literal, inner, [8, 9]));
  both('nested-encryption', 'malformed', v1(own, content));
  both('only-padding', 'malformed', padding);
  both('key-material-inside', 'malformed', packet(Tag.userID, Buffer.from('alice@example.com')));
  both('signature-without-data', 'malformed', packet(Tag.signature, seededBytes('signature', 70)));
  // The last octets, an MDC packet, are plaintext in the eyes of SEIPDv2.
  made.push(
    bad('seipd2-mdc-inside', 'trailing-data', v2(own, Buffer.concat([content, mdc(content)])), {
      released: MAIL.length,
    }),
  );
  made.push(bad('seipd1-two-mdc', 'trailing-data', v1(own, Buffer.concat([content, mdc(content)]))));
  return made;
}

export function makeCompressed(own: TestSubkey): Made[] {
  const content = literal(MAIL);
  const zip = compressed(1, content);
  const cut = deflateRawSync(content).subarray(0, -20);
  const nested = [1, 2, 1, 2, 1, 2, 1, 2].reduce<Buffer>((inner, kind) => compressed(kind as 1 | 2, inner), content);
  const broken = packet(Tag.compressed, Buffer.concat([Buffer.of(1), seededBytes('not deflated', 500)]));
  const bombSize = 64 * 1024 * 1024;
  const bomb = v1(own, compressed(1, compressed(1, literal(Buffer.alloc(bombSize)))));
  return [
    fine('seipd1-zip', v1(own, zip)),
    fine('seipd1-zlib', v1(own, compressed(2, content))),
    fine('seipd1-uncompressed', v1(own, compressed(0, content))),
    fine('seipd1-zip-partial', v1(own, partialPacket(Tag.compressed, zip.subarray(3)))),
    fine('seipd1-zip-old-open-length', v1(own, oldPacket(Tag.compressed, zip.subarray(3), 3))),
    fine('seipd2-zip', v2(own, zip), { seipd: 2 }),
    fine('seipd1-zip-twice', v1(own, compressed(2, zip))),
    bad('seipd1-zip-eight-times', 'decompression-limit', v1(own, nested)),
    bad('seipd1-zip-cut', 'truncated', v1(own, packet(Tag.compressed, Buffer.concat([Buffer.of(1), cut])))),
    bad('seipd1-zip-garbage', 'malformed', v1(own, broken)),
    bad('seipd1-zip-unknown', 'unsupported', v1(own, packet(Tag.compressed, Buffer.concat([Buffer.of(9), content])))),
    bad('seipd1-zip-empty', 'truncated', v1(own, packet(Tag.compressed, Buffer.alloc(0)))),
    bad('seipd1-zip-of-nothing', 'malformed', v1(own, compressed(1, Buffer.alloc(0)))),
    bad('seipd1-zip-trailing', 'trailing-data', v1(own, Buffer.concat([zip, content]))),
    bad('seipd1-zip-trailing-inside', 'trailing-data', v1(own, compressed(1, Buffer.concat([content, content])))),
    bad('seipd1-bomb', 'decompression-limit', bomb, { kind: 'zeros', size: bombSize, released: bombSize }),
  ];
}
