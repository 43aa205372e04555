import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { clientContext } from '#lib/net/authorities';
import { makeAuthority } from './certificates.js';

const authority = makeAuthority();

test('connections by the same certificates share a context, others do not', () => {
  const { ca } = authority;
  const [one, other] = [authority.issue('one'), authority.issue('other')];
  const contexts = [
    clientContext(ca),
    clientContext(ca, one),
    clientContext(ca, other),
    clientContext(one.certificate),
  ];
  assert.equal(new Set(contexts).size, contexts.length);
  const again = [clientContext(ca), clientContext(ca, one), clientContext(ca, other), clientContext(one.certificate)];
  assert.ok(again.every((context, at) => context === contexts[at]));
  assert.throws(() => clientContext(ca, { certificate: one.certificate, key: other.key }));
});

test('a context that nobody uses is not kept', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const context = new WeakRef(clientContext(authority.ca, authority.issue('gone')));
  await setImmediate();
  collect();
  assert.equal(context.deref(), undefined);
});
