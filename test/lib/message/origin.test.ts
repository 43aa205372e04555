import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { hasOriginMark, originField } from '#lib/message/origin';
import { Header } from '#lib/mime/header';

const originKey = Buffer.alloc(32, 1);
const sessionKey = { algorithm: 9, key: Buffer.alloc(32, 2) };
const mark = originField(originKey, sessionKey);
const accepts = (header: Buffer | string, key = originKey, session = sessionKey): boolean =>
  hasOriginMark(Header.parse(Buffer.from(header)), key, session);

describe('the origin mark', () => {
  it('is an HMAC over the session key', () => {
    const digest = createHash('sha256')
      .update(Buffer.concat([Buffer.of(9), sessionKey.key]))
      .digest();
    const mac = createHmac('sha256', originKey)
      .update(Buffer.concat([Buffer.from('postern origin 1'), Buffer.of(0), digest]))
      .digest('base64');
    assert.equal(mark.toString(), `Postern-Origin: v=1; mac=${mac}\r\n`);
  });
  it('is recognised', () => {
    assert.equal(accepts(mark), true);
    assert.equal(accepts(`From: a\r\n${mark.toString().replace('; mac', ';\r\n mac')}\r\n`), true);
  });
  it('does not fit another origin key, session key or cipher', () => {
    assert.equal(accepts(mark, Buffer.alloc(32, 3)), false);
    assert.equal(accepts(mark, originKey, { ...sessionKey, key: Buffer.alloc(32, 3) }), false);
    assert.equal(accepts(mark, originKey, { ...sessionKey, algorithm: 7 }), false);
  });
  it('counts once and in its own form only', () => {
    const text = mark.toString();
    assert.equal(accepts(''), false);
    assert.equal(accepts(text + text), false);
    assert.equal(accepts(text.replace('v=1', 'v=2')), false);
    assert.equal(accepts(text.replace('mac=', 'mac=A')), false);
    assert.equal(accepts(text.replace('=\r\n', '=x\r\n')), false);
    assert.equal(accepts('Postern-Origin: v=1; mac=\r\n'), false);
  });
  it('needs a key of 32 octets', () => {
    assert.throws(() => originField(Buffer.alloc(16), sessionKey), TypeError);
  });
});
