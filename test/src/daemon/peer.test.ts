import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog } from '#src/log';
import { Admission } from '#src/daemon/admission';
import { networkOf, plainAddress } from '#src/daemon/peer';

describe("a client's address", () => {
  it('is written as people know it', () => {
    assert.equal(plainAddress('192.0.2.1'), '192.0.2.1');
    assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1');
    assert.equal(plainAddress('2001:db8::1'), '2001:db8::1');
  });

  it('counts for itself in IPv4, and for its /64 network in IPv6', () => {
    for (const [address, network] of [
      ['192.0.2.1', '192.0.2.1'],
      ['::1', '0:0:0:0::/64'],
      ['::', '0:0:0:0::/64'],
      ['2001:db8::1', '2001:db8:0:0::/64'],
      ['2001:DB8:0:00:1:2:3:4', '2001:db8:0:0::/64'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:db8:1::2:3:4:5', '2001:db8:1:0::/64'],
      ['2001:db8:1:2:3:4:5::', '2001:db8:1:2::/64'],
      ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
      ['1:2:3::6:7:192.0.2.33', '1:2:3:0::/64'],
      ['1:2:3:4:5:6:192.0.2.33', '1:2:3:4::/64'],
    ] as const) {
      assert.equal(networkOf(address), network, address);
    }
  });
});

describe('admission', () => {
  it('counts a network as one, and gives back what has left, once', () => {
    const lines: string[] = [];
    let now = 0;
    const log = createLog({ level: 'info', format: 'text', addresses: 'peers' }, { write: (line) => lines.push(line) });
    const admission = new Admission({ connections: 3, connectionsPerAddress: 2 }, log, () => now);
    const leave = admission.enter('2001:db8::1');
    assert.ok(leave);
    assert.ok(admission.enter('2001:db8::2'));
    assert.equal(admission.enter('2001:db8::3'), undefined);
    assert.equal(admission.enter('2001:db8::4'), undefined);
    assert.ok(admission.enter('2001:db8:0:1::1'));
    leave();
    leave();
    assert.ok(admission.enter('2001:db8::3'));
    assert.equal(admission.enter('192.0.2.1'), undefined);
    assert.equal(lines.length, 1);
    now = 60_000;
    assert.equal(admission.enter('192.0.2.1'), undefined);
    assert.match(lines[0] ?? '', / warn {2}connection refused limit=connections_per_address peer=2001:db8::3\n$/);
    assert.match(lines[1] ?? '', / warn {2}connection refused limit=connections peer=192\.0\.2\.1 unreported=2\n$/);
  });
});
