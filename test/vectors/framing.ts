/** Messages with something odd around the encryption. */
import { KEY, MAIL, OCTET, bad, fine } from './handmade.js';
import type { Made } from './makepeers.js';
import { payloadOf, seededBytes } from './payload.js';
import {
  type TestSubkey,
  Aead,
  Tag,
  literal,
  oldPacket,
  packet,
  packetSaying,
  partialPacket,
  pkeskHead,
  pkeskX25519,
  seipd1Body,
  seipd2Body,
  seipd2Parts,
} from './writer.js';

/** What lies around the encryption. */
export function makeFraming(own: TestSubkey): Made[] {
  const pkesk = pkeskX25519(3, own, KEY);
  const pkesk6 = pkeskX25519(6, own, KEY);
  const content = literal(MAIL);
  const body1 = seipd1Body(KEY, content);
  const body2 = seipd2Body(seipd2Parts(KEY, content, Aead.gcm, OCTET));
  const right = Buffer.concat([pkesk, packet(Tag.seipd, body1)]);
  const right2 = Buffer.concat([pkesk6, packet(Tag.seipd, body2)]);
  const marker = packet(Tag.marker, Buffer.from('PGP'));
  const padding = packet(Tag.padding, seededBytes('padding', 200));
  const others = Array.from({ length: 1500 }, (_, i) => {
    const fingerprint = seededBytes(`stranger ${i}`, 20).toString('hex');
    return packet(
      Tag.pkesk,
      Buffer.concat([pkeskHead(3, { version: 4, fingerprint }), Buffer.of(1), Buffer.of(0, 8, 1)]),
    );
  });
  const seipd = packet(Tag.seipd, body1);
  return [
    fine('framing-marker', Buffer.concat([marker, pkesk, marker, seipd])),
    fine('framing-marker-after', Buffer.concat([right, marker])),
    fine('framing-padding', Buffer.concat([padding, pkesk6, padding, packet(Tag.seipd, body2), padding]), { seipd: 2 }),
    fine('framing-noncritical', Buffer.concat([packet(50, Buffer.from('private')), right])),
    fine('framing-partial-512', Buffer.concat([pkesk, partialPacket(Tag.seipd, body1, [9])])),
    fine('framing-partial-then-small', Buffer.concat([pkesk, partialPacket(Tag.seipd, body1, [9, 0, 1, 2, 3])])),
    fine('framing-partial-2', Buffer.concat([pkesk6, partialPacket(Tag.seipd, body2, [10, 9])]), { seipd: 2 }),
    fine('framing-old-pkesk', Buffer.concat([oldPacket(Tag.pkesk, pkesk.subarray(2), 0), seipd])),
    bad('framing-partial-256', 'malformed', Buffer.concat([pkesk, partialPacket(Tag.seipd, body1, [8])])),
    bad('framing-partial-pkesk', 'malformed', Buffer.concat([partialPacket(Tag.pkesk, Buffer.alloc(600)), seipd])),
    bad('framing-critical', 'unsupported', Buffer.concat([packet(30, Buffer.from('new')), right])),
    bad('framing-trailing-packet', 'trailing-data', Buffer.concat([right, content])),
    bad('framing-trailing-message', 'trailing-data', Buffer.concat([right, right])),
    bad('framing-trailing-octets', 'trailing-data', Buffer.concat([right, Buffer.from('\r\nmore\r\n')])),
    bad('framing-trailing-packet-2', 'trailing-data', Buffer.concat([right2, content]), { released: MAIL.length }),
    bad('framing-trailing-octets-2', 'trailing-data', Buffer.concat([right2, Buffer.alloc(1)]), {
      released: MAIL.length,
    }),
    bad('framing-plain-literal', 'malformed', content),
    bad('framing-literal-first', 'malformed', Buffer.concat([content, right])),
    bad('framing-not-openpgp', 'armor', payloadOf('mail', 2000)),
    bad('framing-zeros', 'armor', Buffer.alloc(1000)),
    bad('framing-only-pkesk', 'truncated', pkesk),
    bad('framing-1500-recipients', 'limit', Buffer.concat([...others, right])),
    bad('framing-large-pkesk', 'limit', Buffer.concat([packet(Tag.pkesk, Buffer.alloc(70_000, 3)), right])),
    bad('framing-length-too-large', 'truncated', Buffer.concat([pkesk, packetSaying(Tag.seipd, 2 ** 32 - 1, body1)])),
  ];
}
