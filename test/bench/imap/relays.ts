/** What the proxy is measured against: relays that know no IMAP. A plain one of Node, one of Node that ends TLS on both sides, and nginx. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { connect as connectTLS, createServer as createTLSServer } from 'node:tls';
import { freePort } from '#test/e2e/dialogue';
import { makeCertificate } from '#test/e2e/imap/certificate';
import { startDaemon } from '#test/e2e/imap/daemon';
import type { Endpoint } from '#test/e2e/imap/endpoint';

/** Something that can be measured. */
export interface Measured {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** The process whose memory and processor time are its own; undefined where it has none of its own. */
  readonly pid: number | undefined;
  readonly close: () => Promise<void>;
}

/** Starts something in front of a provider. The Postern that is measured is started by such a function too. */
export type StartMeasured = (provider: Endpoint) => Promise<Measured>;

/** A relay of Node as a process of its own, so that it has memory and processor time of its own. */
async function startRelay(name: string, provider: Endpoint): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-relay-'));
  const port = await freePort();
  const { ca } = makeCertificate(folder);
  const orders = JSON.stringify({ provider, port, folder });
  const program = join(import.meta.dirname, 'relay.js');
  const daemon = await startDaemon(process.execPath, [program, orders], { port });
  return {
    name,
    endpoint: { ...provider, port, ca },
    pid: daemon.pid,
    close: async () => {
      await daemon.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Relays until the process ends. With TLS, both sides have it from the first octet. */
export async function runRelay(provider: Endpoint, port: number, folder: string): Promise<void> {
  const tls = provider.tls === 'implicit';
  const ca = readFileSync(provider.ca);
  const relay = (client: Socket): void => {
    const upstream = tls
      ? connectTLS({ host: provider.host, port: provider.port, servername: 'localhost', ca })
      : connect({ host: provider.host, port: provider.port, noDelay: true });
    const ignore = (): void => undefined;
    pipeline(client, upstream, ignore);
    pipeline(upstream, client, ignore);
  };
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  const server: Server = tls
    ? createTLSServer({ key: read('server.key'), cert: read('server.pem') }, relay)
    : createServer({ noDelay: true }, relay);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  if ((server.address() as AddressInfo).port !== port) throw new Error('The port is another one.');
}

/** nginx as a stream proxy, in clear text: one worker, as Node has one thread. */
export async function nginx(provider: Endpoint): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-nginx-'));
  mkdirSync(join(folder, 'logs'));
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/logs/error.log;
events {
  worker_connections 8192;
}
stream {
  server {
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${provider.port};
    proxy_timeout 1h;
    tcp_nodelay on;
  }
}
`,
  );
  const daemon = await startDaemon('nginx', ['-p', folder, '-e', `${folder}/logs/error.log`, '-c', file], { port });
  return {
    name: 'nginx',
    endpoint: { ...provider, tls: 'none', port },
    pid: daemon.pid,
    close: async () => {
      await daemon.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

export const clear: StartMeasured = (provider) => startRelay('Node relay', { ...provider, tls: 'none' });

/** It speaks TLS to the provider too, so its provider is to be one with implicit TLS. */
export const relayWithTLS: StartMeasured = (provider) =>
  startRelay('Node relay, TLS on both sides', { ...provider, tls: 'implicit' });
