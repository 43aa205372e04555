import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Secret } from '#lib/keys/secret';
import { SILENT, peerAddress, personAddress, type Log, type LogValue } from '#lib/log';
import { createLog, type LogOptions } from '#src/log';

const PLAIN: LogOptions = { level: 'info', format: 'text', addresses: 'peers' };

/** The lines that `write` leaves, without their times. */
function lines(options: Partial<LogOptions>, write: (log: Log) => void): readonly string[] {
  const written: string[] = [];
  write(createLog({ ...PLAIN, ...options }, { write: (line) => written.push(line) }));
  return written.map((line) => line.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, 'T'));
}

describe('the log', () => {
  it('writes one line of text an event', () => {
    assert.deepEqual(
      lines({}, (log) => {
        log.with({ session: 'k3v9' }).info('session opened', { port: 993, secure: true, name: 'two words' });
      }),
      ['T info  session opened session=k3v9 port=993 secure=true name="two words"\n'],
    );
  });

  it('writes one line of JSON an event', () => {
    const [line = ''] = lines({ format: 'json' }, (log) => {
      log.with({ session: 'k3v9' }).warn('session failed', { error: 'a\nb' });
    });
    assert.match(line, /^[^\n]+\n$/);
    assert.deepEqual(JSON.parse(line), {
      level: 'warn',
      time: 'T',
      session: 'k3v9',
      error: 'a\nb',
      event: 'session failed',
    });
  });

  it('leaves out what is below its level', () => {
    const all = (log: Log): void => {
      log.debug('a');
      log.info('b');
      log.warn('c');
      log.error('d');
    };
    assert.equal(lines({ level: 'debug' }, all).length, 4);
    assert.equal(lines({ level: 'info' }, all).length, 3);
    assert.equal(lines({ level: 'error' }, all).length, 1);
  });

  it('shows the addresses that the host has chosen', () => {
    const write = (log: Log): void => {
      log.info('login', { peer: peerAddress('192.0.2.1'), user: personAddress('alice@example.com') });
    };
    for (const [addresses, peer, user] of [
      ['none', '[address]', '[address]'],
      ['peers', '192.0.2.1', '[address]'],
      ['all', '192.0.2.1', 'alice@example.com'],
    ] as const) {
      assert.deepEqual(lines({ addresses }, write), [`T info  login peer=${peer} user=${user}\n`]);
      const [line = ''] = lines({ addresses, format: 'json' }, write);
      assert.deepEqual(JSON.parse(line), { level: 'info', time: 'T', peer, user, event: 'login' });
    }
  });

  it('never shows a secret, nor an object that got past the types', () => {
    const secret = new Secret('correct horse');
    for (const format of ['text', 'json'] as const) {
      const text = lines({ format, addresses: 'all' }, (log) => {
        log.with({ a: secret }).info('login', {
          b: secret,
          c: { password: 'correct horse' } as unknown as LogValue,
          d: Buffer.from('correct horse') as unknown as LogValue,
          err: new Error('correct horse') as unknown as LogValue,
          e: ['correct horse'] as unknown as LogValue,
        });
      }).join('');
      assert.doesNotMatch(text, /correct|horse|99,111/);
      assert.equal(text.match(/\[secret\]/g)?.length, 6);
    }
  });

  it('cannot be made to begin a new line, or to forge a field', () => {
    for (const text of [
      'a\nT info  forged',
      'a\r\nb',
      'x\u2028y\u2029z',
      '\u009b2J',
      '\u202egnp',
      'a" b="c',
      'a b=c',
      '',
    ]) {
      const [line = '', ...more] = lines({}, (log) => {
        log.info('login', { text });
      });
      assert.deepEqual(more, []);
      // eslint-disable-next-line no-control-regex -- controls are what must not be there
      assert.doesNotMatch(line.slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/);
      const value = /^T info {2}login text=(".*")\n$/.exec(line)?.[1];
      assert.ok(value, line);
      assert.equal(
        JSON.parse(value.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) => String.fromCodePoint(parseInt(hex, 16)))),
        text,
      );
    }
  });

  it('can be silent', () => {
    assert.equal(SILENT.with({ session: 'k3v9' }), SILENT);
  });
});
