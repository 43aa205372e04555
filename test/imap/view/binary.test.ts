import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ByteStream, gather } from '#lib/bytes/source';
import { answerItem, type ViewContent } from '#imap/view/answer';
import { ViewError } from '#imap/view/error';
import { VIEW_LIMITS } from '#imap/view/limits';
import { fetch, item, view, viewOf } from './fetch.js';

const BASE64 = viewOf('Subject: a\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVs\r\nbG8AIQ==\r\n');
const QUOTED = viewOf('Content-Transfer-Encoding: Quoted-Printable\r\n\r\ngr=C3=BC=\r\nn  \r\n=3D');
const MIXED = viewOf(
  [
    ...[
      'Content-Type: multipart/mixed; boundary=b',
      '',
      'x',
      '--b',
      'Content-Transfer-Encoding: base64',
      'X: y',
      '',
      'SGVsbG8=',
      '--b',
    ],
    ...[
      'Content-Type: message/rfc822',
      '',
      'content-transfer-encoding: quoted-printable',
      '',
      '=41',
      '--b',
      '',
      'plain',
      '--b--',
      '',
    ],
  ].join('\r\n'),
);

async function text(shown: typeof MIXED, name: string): Promise<string> {
  return (await fetch(shown, name)).toString('latin1');
}

describe('BINARY', () => {
  it('decodes base64 into a literal that may hold NUL', async () => {
    assert.equal(await text(BASE64, 'BINARY[1]'), 'BINARY[1] ~{7}\r\nHello\0!');
    assert.equal(await text(BASE64, 'BINARY.SIZE[1]'), 'BINARY.SIZE[1] 7');
  });

  it('decodes quoted-printable', async () => {
    assert.equal(await text(QUOTED, 'BINARY[1]'), 'BINARY[1] ~{8}\r\ngr\xc3\xbcn\r\n=');
    assert.equal(await text(QUOTED, 'BINARY.SIZE[1]'), 'BINARY.SIZE[1] 8');
  });

  it('has parts that are counted in decoded octets', async () => {
    assert.equal(await text(BASE64, 'BINARY[1]<2.3>'), 'BINARY[1]<2> ~{3}\r\nllo');
    assert.equal(await text(BASE64, 'BINARY[1]<5.99>'), 'BINARY[1]<5> ~{2}\r\n\0!');
    assert.equal(await text(BASE64, 'BINARY[1]<7.1>'), 'BINARY[1]<7> ~{0}\r\n');
    assert.equal(await text(BASE64, 'BINARY[1]<1.0>'), 'BINARY[1]<1> ~{0}\r\n');
  });

  it('of what is not encoded is what BODY is, NUL kept', async () => {
    assert.equal(await text(MIXED, 'BINARY[3]'), 'BINARY[3] {5}\r\nplain');
    assert.equal(await text(viewOf('\r\na\0b'), 'BINARY[1]<1.1>'), 'BINARY[1]<1> ~{1}\r\n\0');
    assert.equal(await text(viewOf('X: \0\r\n\r\nb'), 'BINARY[1]'), 'BINARY[1] ~{1}\r\nb');
  });

  it('of a container decodes what is in it, and says so in the headers', async () => {
    const parts =
      'x\r\n--b\r\nX: y\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: binary\r\n\r\nA\r\n--b\r\n\r\nplain\r\n--b--\r\n';
    const whole = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts}`;
    assert.equal(await text(MIXED, 'BINARY[]'), `BINARY[] ~{${whole.length}}\r\n${whole}`);
    assert.equal(await text(MIXED, 'BINARY.SIZE[]'), `BINARY.SIZE[] ${whole.length}`);
    assert.equal(await text(MIXED, 'BINARY[2]'), 'BINARY[2] ~{38}\r\nContent-Transfer-Encoding: binary\r\n\r\nA');
    assert.equal(await text(MIXED, 'BINARY[2.1]'), 'BINARY[2.1] ~{1}\r\nA');
    assert.equal(await text(BASE64, 'BINARY[]<0.12>'), 'BINARY[]<0> ~{12}\r\nSubject: a\r\n');
  });

  it('of a part that is not there is empty', async () => {
    assert.equal(await text(MIXED, 'BINARY[4]'), 'BINARY[4] {0}\r\n');
    assert.equal(await text(MIXED, 'BINARY.SIZE[1.2]'), 'BINARY.SIZE[1.2] 0');
  });

  it('is refused where an encoding is unknown', async () => {
    for (const encoding of ['x-uuencode', '', '"base64"', 'base64 x', '7bit x']) {
      const shown = viewOf(`Content-Transfer-Encoding: ${encoding}\r\n\r\nx`);
      for (const name of ['BINARY[1]', 'BINARY[]', 'BINARY.SIZE[1]', 'BINARY[1]<0.1>'])
        await assert.rejects(fetch(shown, name), (error) => {
          assert.ok(error instanceof ViewError);
          assert.equal(error.code, 'UNKNOWN-CTE');
          return true;
        });
    }
    for (const encoding of ['base64; x', 'BASE64 (c)', '(c) base64'])
      assert.equal(
        await text(viewOf(`Content-Transfer-Encoding: ${encoding}\r\n\r\neA==`), 'BINARY[1]'),
        'BINARY[1] ~{1}\r\nx',
      );
  });

  it('makes do with what is broken', async () => {
    assert.equal(
      await text(viewOf('Content-Transfer-Encoding: base64\r\n\r\nSG-Vs\tbG8=SGVsbG8='), 'BINARY[1]'),
      'BINARY[1] ~{5}\r\nHello',
    );
    assert.equal(
      await text(viewOf('Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=4 =\r\n=4'), 'BINARY[1]'),
      'BINARY[1] ~{8}\r\n=ZZ=4 =4',
    );
  });

  it('of a large part is streamed, and asks for no more than it needs', async () => {
    const octets = Buffer.alloc(300_000, 'abcdefg');
    const message = Buffer.concat([
      Buffer.from('Content-Transfer-Encoding: base64\r\n\r\n'),
      Buffer.from(octets.toString('base64').replace(/.{76}/g, '$&\r\n')),
    ]);
    const shown = view(message);
    let read = 0;
    const content: ViewContent = {
      read: (start, end) => counted(shown.content.read(start, end)),
    };
    async function* counted(stream: ByteStream): AsyncGenerator<Buffer, void> {
      for await (const chunk of stream) {
        read += chunk.length;
        yield chunk;
      }
    }
    for (const [name, start, end] of [
      ['BINARY[1]', 0, 300_000],
      ['BINARY[1]<100000.150000>', 100_000, 250_000],
      ['BINARY[1]<299999.90000>', 299_999, 300_000],
      ['BINARY[1]<1000.1000>', 1000, 2000],
      ['BINARY[1]<300001.100000>', 300_001, 300_001],
    ] as const) {
      read = 0;
      const { data, stream } = await answerItem(item(name), shown.record, content);
      assert.ok(data.kind === 'binary' && data.content !== undefined);
      assert.equal(data.content.size, end - start);
      assert.equal(stream !== undefined, end - start > VIEW_LIMITS.inlineOctets, name);
      const found = stream === undefined ? data.content.bytes : await gather(stream);
      assert.ok(found?.equals(octets.subarray(start, end)), name);
      if (name === 'BINARY[1]<1000.1000>') assert.ok(read <= 65_536, `${read}`);
    }
    assert.equal(await text(shown, 'BINARY.SIZE[1]'), 'BINARY.SIZE[1] 300000');
  });

  it('of many parts reads the message once', async () => {
    const part = '--b\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n';
    const shown = viewOf(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${part.repeat(1000)}--b--\r\n`);
    let reads = 0;
    const content: ViewContent = {
      read: (start, end) => {
        reads++;
        return shown.content.read(start, end);
      },
    };
    const { data } = await answerItem(item('BINARY[]<100.50>'), shown.record, content);
    assert.ok(data.kind === 'binary');
    assert.equal(data.content?.bytes?.length, 50);
    assert.equal(reads, 1);
    assert.equal(await text(shown, 'BINARY.SIZE[]'), `BINARY.SIZE[] ${52 + 1000 * 49}`);
  });
});
